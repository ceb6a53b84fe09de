/** What strangers say on any way in: no terminal and no reader of CI logs obeys it, whatever is printed where. */
import assert from "node:assert/strict";
import { type Bytes, utf8 } from "../../lib/bytes/bytes.ts";
import { writeZip } from "../../lib/bytes/zip.ts";
import { sha256Hex } from "../../lib/crypto/hash.ts";
import { createSigningCertificate } from "../../lib/local/certificates.ts";
import type { RoleName } from "../../lib/tuf/roles.ts";
import { commandsIn, HOSTILE, HOSTILE_HEADER } from "../support/log_readers.ts";
import { type Outcome, tagseal } from "../support/run.ts";
import { inFolder } from "../support/test_files.ts";
import { buildFiles, DIGEST, GUN, KEYS, type Plan } from "../support/trust_builder.ts";

const expires = "2035-06-01T12:00:00Z";
const ID = "01234567-89ab-4cde-8f01-23456789abcd";

type Handler = (request: Request) => Response | Promise<Response>;

/** A server on loopback. */
async function withServer(handler: Handler, use: (url: string) => Promise<void>): Promise<void> {
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, handler);
  try {
    await use(`http://127.0.0.1:${server.addr.port}`);
  } finally {
    await server.shutdown();
  }
}

function showing(files: ReadonlyMap<RoleName, Bytes>): Handler {
  const named = new Map<string, Bytes>();
  for (const [role, bytes] of files) named.set(role, bytes).set(`${role}.${sha256Hex(bytes)}`, bytes);
  return (request) => {
    const bytes = named.get(/\/_trust\/tuf\/(.*)\.json$/.exec(new URL(request.url).pathname)?.[1] ?? "");
    return bytes ? new Response(bytes) : Response.json({}, { status: 404 });
  };
}

/** Runs a command in each way that it prints; `came` must be in what was printed, so that nothing is proved of nothing. */
async function harmless(
  args: readonly string[],
  came: RegExp,
  env: Record<string, string> = {},
): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const more of [[], ["--json"], ["--verbose"], ["--verbose", "--json"]]) {
    await inFolder(async (home) => {
      const host = { sleep: () => Promise.resolve() };
      const outcome = await tagseal([...args, ...more], { env: { HOME: home, ...env }, cwd: home, host });
      const { stdout, stderr } = outcome;
      const printed = `${stdout}${stderr}`;
      assert.match(printed, came, "the words came that far");
      assert.deepEqual(commandsIn(stdout), [], stdout);
      assert.deepEqual(commandsIn(stderr), [], stderr);
      assert.deepEqual(commandsIn(`${stderr}${stdout}`), []);
      assert.doesNotMatch(printed, /[^\P{C}\n]|\p{Default_Ignorable_Code_Point}/u);
      if (more.includes("--json")) JSON.parse(stdout);
      outcomes.push(outcome);
    });
  }
  return outcomes;
}

Deno.test("the parsers take the hostile words for what they are", () => {
  const found = commandsIn(HOSTILE);
  for (
    const command of [
      "GitHub, at the start: error",
      "GitHub, at the start: set-env",
      "GitHub, anywhere: add-path",
      "Azure: task.prependpath",
      "Azure, as a culture compares: task.prependpath",
      "TeamCity: buildStop",
    ]
  ) assert.ok(found.includes(command), `${command} is not in ${found}`);
  assert.ok(found.some((command) => command.startsWith("GitLab")));
  assert.equal(commandsIn("tagseal: error: a ::b:: [::1] # ## x\nv1 sha256:ab\n").length, 0);
});

Deno.test("words of a Notary server or a registry", async (t) => {
  const says = (status: number, body: unknown, headers: Record<string, string> = {}) => () =>
    Response.json(body, { status, headers });
  const error = { code: `X${HOSTILE}`, message: HOSTILE, detail: { Name: HOSTILE, Error: { Msg: HOSTILE } } };
  const answers: Record<string, Handler> = {
    "realm": says(401, {}, { "www-authenticate": `Basic realm="${HOSTILE_HEADER.replaceAll('"', "")}"` }),
    "realm of tokens": says(401, {}, { "www-authenticate": `Bearer realm="${HOSTILE_HEADER}",service="x"` }),
    "scheme": says(401, {}, { "www-authenticate": "##vso[task.x]" }),
    "refusal": says(403, { errors: [error] }),
    "outage": says(500, { errors: [{ ...error, detail: null }] }),
    "code alone": says(500, { errors: [{ code: HOSTILE }] }),
    "too many": says(429, { details: HOSTILE }, { "retry-after": HOSTILE_HEADER }),
    "redirect": says(302, {}, { location: `https://${HOSTILE_HEADER}` }),
    "encoding": () => new Response("x", { headers: { "content-encoding": "##vso[task.x]" } }),
    "what it is": says(200, { signed: { _type: HOSTILE }, signatures: [] }),
  };
  const files = await buildFiles({ ...lasting(), delegations: alice() });
  for (const [name, answer] of Object.entries(answers)) {
    await t.step(name, async () => {
      await withServer(answer, (url) => harmless(["list", "-r", GUN, "--notary-url", url], /error/).then(() => {}));
      await withServer(answer, (registry) =>
        withServer(showing(files), async (url) => {
          const args = ["sign", "--dry-run", "-r", GUN, "-t", "v9", "--delegation", "alice"];
          await harmless([...args, "--notary-url", url, "--registry-url", registry], /registry/i);
        }));
    });
  }
});

function lasting(): Plan {
  return { root: { expires }, targets: { expires }, snapshot: { expires }, timestamp: { expires } };
}

function alice(): NonNullable<Plan["delegations"]> {
  return { "targets/alice": { keys: [KEYS.alice], expires }, "targets/releases": { keys: [KEYS.alice], expires } };
}

Deno.test("names of targets, on every list", async () => {
  const odd = [
    HOSTILE,
    ...HOSTILE.split(" "),
    "::error::x",
    " ::error::x",
    "v1",
    "v\u200b1",
    "v1\u00ad",
    "\u2060v1",
    "ｖ1",
  ];
  const tags = Object.fromEntries(odd.map((name) => [name, DIGEST]));
  const files = await buildFiles({
    ...lasting(),
    targets: { tags, expires },
    delegations: {
      "targets/releases": { keys: [KEYS.releases], tags, expires },
      "targets/alice": { keys: [KEYS.alice], tags: { v1: "cd".repeat(32), [HOSTILE]: "cd".repeat(32) }, expires },
    },
  });
  await inFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/names.txt`, `${GUN}\n`);
    await withServer(showing(files), async (url) => {
      const one = ["-r", GUN, "--notary-url", url];
      const [people, machine] = await harmless(["list", ...one], /vso\[/);
      const names = people!.stdout.trimEnd().split("\n").map((line) => line.replace(/ sha256:.*$/, ""));
      assert.equal(new Set(names).size, Object.keys(tags).length, "no two look alike");
      for (const name of names) assert.match(name, /^(?:[\w.-]+|"[ -~]+")$/);
      assert.deepEqual(
        names.map((name) => name.startsWith('"') ? JSON.parse(name) : name).sort(),
        Object.keys(tags).sort(),
      );
      const listed = machine!.json<{ tags: { tag: string }[] }>().tags;
      assert.deepEqual(listed.map(({ tag }) => tag).sort(), Object.keys(tags).sort(), "programs get the name as it is");
      await harmless(["list", ...one, "--role", "targets/alice"], /vso\[/);
      await harmless(["list", ...one, "--all"], /vso\[/);
      await harmless(["list", "--repositories-from", `${folder}/names.txt`, "--notary-url", url], /vso\[/);
      await harmless(["inspect", ...one], /vso\[/);
      const [docker] = await harmless(["inspect", ...one, "--format", "docker"], /vso\[/);
      assert.ok(JSON.stringify(JSON.parse(docker!.stdout)).includes(JSON.stringify(HOSTILE).slice(1, -1)));
      await harmless(["status", ...one], /targets\/alice/);
      const [signed] = await harmless(["verify", ...one, "-t", "v1"], /v1/);
      assert.equal(signed!.stdout, `v1 sha256:${DIGEST}\n`);
      await harmless(["verify", ...one, "-t", HOSTILE], /vso\[/);
    });
  });
});

Deno.test("words of SignPath", async (t) => {
  const env = { SIGNPATH_API_TOKEN: "a token of ci".replaceAll(" ", "-"), SIGNPATH_ORGANIZATION_ID: ID };
  const request = (more: object) => ({
    status: "Completed",
    workflowStatus: "Completed",
    isFinalStatus: true,
    webLink: "https://signpath.example/##vso[task.x]y/::error::x",
    ...more,
  });
  const problem = { title: HOSTILE, detail: HOSTILE, errors: { [HOSTILE]: [HOSTILE] } };
  const json = { headers: { "content-type": "application/problem+json" } };
  const answers: Record<string, Handler> = {
    "problem": () => Response.json(problem, { status: 400, ...json }),
    "plain": () => new Response(HOSTILE, { status: 403, headers: { "content-type": "text/plain" } }),
    "failed": () => Response.json(request({ status: "Failed", workflowStatus: HOSTILE })),
    "state": () => Response.json(request({ status: HOSTILE, workflowStatus: HOSTILE })),
    "denied": () => Response.json(request({ status: "Denied" })),
    "redirect": () => new Response(null, { status: 302, headers: { location: HOSTILE_HEADER } }),
  };
  for (const [name, answer] of Object.entries(answers)) {
    await t.step(name, () =>
      withServer(answer, async (url) => {
        const at = ["--api-url", `${url}/API`];
        await harmless(["download", ID, ...at, "--wait-for-completion-timeout", "1"], /SignPath|signing request/i, env);
      }));
  }
  await t.step("ids", () =>
    withServer(
      () => new Response(HOSTILE, { status: 201, headers: { location: `https://x/${HOSTILE_HEADER}/--force` } }),
      async (url) => {
        const data = await Deno.makeTempFile();
        await Deno.writeFile(data, await writeZip([{ name: "x", bytes: utf8("x") }]));
        const policy = ["--project-slug", "p", "--signing-policy-slug", "s"];
        const args = ["submit", "--input-artifact-path", data, "--api-url", `${url}/API`, ...policy];
        for (const { stdout, code } of await harmless(args, /error/, env)) {
          assert.notEqual(code, 0);
          assert.doesNotMatch(stdout, /^-/m);
        }
        await Deno.remove(data);
      },
    ));
});

Deno.test("subjects of certificates, names of files and what is in them", async () => {
  await inFolder(async (folder) => {
    const subject = HOSTILE.replaceAll("\u0007", ""); // no string of a certificate
    const named = await createSigningCertificate({
      commonName: subject,
      algorithm: "ecdsa-p256",
      now: new Date(),
      days: 9,
    });
    await Deno.writeFile(`${folder}/key.cer`, named.certificateDer);
    const delegate = ["add-delegation", "-r", GUN, "--delegation-certificate", `${folder}/key.cer`];
    await withServer(
      () => Response.json({}, { status: 404 }),
      (url) => harmless([...delegate, "--notary-url", url], /vso\[/).then(() => {}),
    );

    const odd = HOSTILE.replaceAll("/", "_").slice(0, 120);
    await harmless(["list", "-r", GUN, "--from", `${folder}/${odd}`], /error/);
    await harmless(["push", "-r", GUN, "--input-artifact-path", odd], /error/);
    await Deno.writeTextFile(`${folder}/${odd}`, HOSTILE);
    for (const flag of ["--repositories-from", "--from"]) await harmless(["list", flag, `${folder}/${odd}`], /error/);
    await harmless(["sign", "--from", `${folder}/${odd}`], /error/);
    await harmless(["add-delegation", "-r", GUN, "--delegation-certificate", `${folder}/${odd}`], /error/);

    const trust = `${folder}/trust/private`;
    await Deno.mkdir(trust, { recursive: true, mode: 0o700 });
    const key = (headers: string) =>
      `-----BEGIN PRIVATE KEY-----\n${headers}\n\nMC4CAQAwBQYDK2VwBCIEIA==\n-----END PRIVATE KEY-----\n`;
    const role = "::error::x ##vso[task.x] ##teamcity[y]";
    for (const [name, headers] of [["ab".repeat(32), `role: ${role}\ngun: ::error::x##[y]`], [odd, `role: ${role}`]]) {
      await Deno.writeTextFile(`${trust}/${name}.key`, key(headers!), { mode: 0o600 });
    }
    await harmless(["keys", "--trust-dir", `${folder}/trust`], /vso\[|error/);
  });
});

Deno.test("commands, flags and values that are none", async () => {
  const lines = [[HOSTILE], ["help", HOSTILE], ["list", HOSTILE], ["list", "-r", HOSTILE], ["list", `--${HOSTILE}`]];
  const more = [["verify", "-r", GUN, "-t", HOSTILE], ["sign", "-r", GUN, "-t", "v1", "--expect-digest", HOSTILE]];
  for (const args of [...lines, ...more, ["local", "--port", HOSTILE], ["list", "-r", GUN, "--notary-url", HOSTILE]]) {
    await harmless(args, /error/);
  }
});

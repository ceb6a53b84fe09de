/**
 * What reads the logs of CI jobs takes some lines for commands. No word of a server, a certificate, a file or a signer gets
 * such a line into what a command prints, on stdout, on stderr or in JSON; nor does a terminal obey it.
 */
import assert from "node:assert/strict";
import type { Bytes } from "../../lib/bytes/bytes.ts";
import { sha256Hex } from "../../lib/crypto/hash.ts";
import type { Send } from "../../lib/http/send.ts";
import { createSigningCertificate } from "../../lib/local/certificates.ts";
import type { RoleName } from "../../lib/tuf/roles.ts";
import { commandsIn, HOSTILE, HOSTILE_HEADER } from "../support/log_readers.ts";
import { Story } from "../support/local_story.ts";
import { type Outcome, tagseal } from "../support/run.ts";
import { inFolder } from "../support/test_files.ts";
import { buildFiles, DIGEST, GUN, KEYS, type Plan } from "../support/trust_builder.ts";

const expires = "2035-06-01T12:00:00Z";

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

const SYSTEMS: readonly [env: Record<string, string>, own: RegExp][] = [
  [{ GITHUB_ACTIONS: "true" }, /^::(?:error|warning) title=tagseal sign::/m],
  [{ TF_BUILD: "True" }, /^##vso\[task\.logissue type=(?:error|warning)\](?=tagseal sign: )/m],
];

function obeyedByNobody(stdout: string, stderr: string): void {
  for (const printed of [stdout, stderr, `${stderr}${stdout}`]) {
    assert.deepEqual(commandsIn(printed), [], printed);
    assert.doesNotMatch(printed, /[^\P{C}\n]|\p{Default_Ignorable_Code_Point}/u);
  }
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
      obeyedByNobody(stdout, stderr);
      if (more.includes("--json")) JSON.parse(stdout);
      outcomes.push(outcome);
    });
  }
  return outcomes;
}

Deno.test("log readers: the parsers take the hostile words for what they are", () => {
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

Deno.test("log readers: nothing that a server says becomes a command", async (t) => {
  await using story = await Story.readyToSign();
  const { gun } = story;
  const quoted = HOSTILE_HEADER.replaceAll(/[\\"]/g, "\\$&");
  const json = (status: number, body: unknown) => () => Response.json(body, { status });
  const errors = { errors: [{ code: HOSTILE, message: HOSTILE, detail: { Name: HOSTILE, Error: { Msg: HOSTILE } } }] };
  const status = {
    status: HOSTILE,
    workflowStatus: HOSTILE,
    isFinalStatus: true,
    webLink: `https://x.example/${HOSTILE}`,
  };
  const answers: [name: string, path: RegExp, answer: () => Response][] = [
    ["the realm of Basic", /\/v2\//, () => challenge(`Basic realm="${quoted}"`)],
    ["a realm that is no address", /\/v2\//, () => challenge(`Bearer realm="${quoted}",service="${quoted}"`)],
    ["a scheme", /\/v2\//, () => challenge(`${quoted.slice(0, 60)}`)],
    ["errors of 400", /_trust\/tuf/, json(400, errors)],
    ["errors of 403", /_trust\/tuf/, json(403, errors)],
    ["errors of 404", /_trust\/tuf/, json(404, errors)],
    ["errors of 500", /_trust\/tuf/, json(500, errors)],
    ["a publish that is refused", /_trust\/tuf\/$/, json(400, errors)],
    ["errors of the registry", /\/manifests\//, json(429, errors)],
    ["a digest", /\/manifests\//, () => new Response("{}", { headers: { "docker-content-digest": quoted } })],
    ["a media type", /\/manifests\//, () => new Response("{}", { headers: { "content-type": quoted } })],
    ["a redirect", /\/manifests\//, () => new Response(null, { status: 307, headers: { location: quoted } })],
    [
      "SignPath's refusal",
      /SigningRequests/,
      json(400, { title: HOSTILE, detail: HOSTILE, errors: { [HOSTILE]: [HOSTILE] } }),
    ],
    ["SignPath's words without JSON", /SigningRequests/, () => new Response(HOSTILE, { status: 403 })],
    ["where a request is filed", /Submit/, () => new Response("{}", { status: 201, headers: { location: quoted } })],
    ["a request's status", /\/Status$/, json(200, status)],
    [
      "a policy's names",
      /MySigningPolicies/,
      json(200, { signingPolicies: [{ [HOSTILE]: HOSTILE, certificateBytes: HOSTILE }] }),
    ],
  ];
  for (const [name, path, answer] of answers) {
    await t.step(name, async () => {
      story.between = (request: Request, send: Send) =>
        path.test(new URL(request.url).pathname) ? Promise.resolve(answer()) : send(request);
      const sign = ["sign", "-r", gun, "-t", "v1"];
      const runs = [sign, [...sign, "--json"], [...sign, "--verbose"], ["list", "-r", gun], ["status", "-r", gun]];
      for (const args of runs) {
        const { stdout, stderr } = await story.run(args);
        obeyedByNobody(stdout, stderr);
      }
      // A CI system is given commands on purpose then: its own, one on a line, with all words inside.
      for (const [env, own] of SYSTEMS) {
        const { code, stdout, stderr } = await story.run(sign, { env });
        obeyedByNobody(stdout, stderr.replace(own, ""));
        assert.equal(own.test(stderr), code !== 0, stderr);
      }
    });
  }
});

function lasting(): Plan {
  return { root: { expires }, targets: { expires }, snapshot: { expires }, timestamp: { expires } };
}

Deno.test("log readers: names of targets, on every list", async () => {
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

Deno.test("log readers: subjects of certificates, names of files and what is in them", async () => {
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

Deno.test("log readers: commands, flags and values that are none", async () => {
  const lines = [[HOSTILE], ["help", HOSTILE], ["list", HOSTILE], ["list", "-r", HOSTILE], ["list", `--${HOSTILE}`]];
  const more = [["verify", "-r", GUN, "-t", HOSTILE], ["sign", "-r", GUN, "-t", "v1", "--expect-digest", HOSTILE]];
  for (const args of [...lines, ...more, ["local", "--port", HOSTILE], ["list", "-r", GUN, "--notary-url", HOSTILE]]) {
    await harmless(args, /error/);
  }
});

function challenge(value: string): Response {
  return new Response("{}", { status: 401, headers: { "www-authenticate": value } });
}

/** The secrets of a run stay secret, whoever repeats them, and in whatever form. */
import assert from "node:assert/strict";
import { utf8 } from "../../lib/bytes/bytes.ts";
import { type RunOptions, tagseal } from "../support/run.ts";
import { inFolder } from "../support/test_files.ts";

const GUN = "registry.example.com/team/app";
const ID = "01234567-89ab-4cde-8f01-23456789abcd";
const PASSWORD = "s3cret-of-anna/with+signs=";
const TOKEN = "AIkf0Zsignpath/token+of=ci";
const ECHO: readonly string[] = ["--json", "--verbose"];

const base64 = (text: string) => utf8(text).toBase64();
/** What no reader could make the secret of: runs of eight characters of it, plain and in base64. */
function parts(secret: string): string[] {
  const forms = [secret, encodeURIComponent(secret), base64(secret).slice(0, -4), base64(`x${secret}`).slice(4, -4)];
  return forms.flatMap((form) => [form, ...form.length > 16 ? [form.slice(4, 14)] : []]);
}

/** Runs a command in each way that it prints, against a server that answers with what it was sent. */
async function keepsSecret(
  secrets: readonly string[],
  answer: (sent: string, request: Request) => Response,
  args: (url: string) => readonly string[],
  options: (folder: string) => Promise<RunOptions> | RunOptions,
): Promise<void> {
  const sent = new Set<string>();
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
    const authorization = request.headers.get("authorization");
    if (authorization) sent.add(authorization);
    return answer(authorization?.replace(/^\S+ /, "") ?? "", request);
  });
  try {
    for (const more of [[], ...ECHO.map((flag) => [flag]), ECHO]) {
      await inFolder(async (folder) => {
        const given = await options(folder);
        const { stdout, stderr } = await tagseal([...args(`http://127.0.0.1:${server.addr.port}`), ...more], {
          host: { sleep: () => Promise.resolve() },
          cwd: folder,
          ...given,
        });
        for (const part of secrets.flatMap(parts)) {
          assert.ok(!`${stdout}${stderr}`.includes(part), `"${part}" is in ${stdout}${stderr}`);
        }
        assert.match(stderr, /\*\*\*|…/, "something was taken out");
      });
    }
    assert.ok(sent.size > 0, "the secret was sent");
  } finally {
    await server.shutdown();
  }
}

Deno.test("a Notary server's echo of who asks, by whatever way the password came", async (t) => {
  const ways: Record<string, (folder: string) => Promise<RunOptions & { args?: string[] }>> = {
    "NOTARY_AUTH": () => Promise.resolve({ env: { NOTARY_AUTH: base64(`anna:${PASSWORD}`) } }),
    "a variable": () => Promise.resolve({ env: { MY_PASS: PASSWORD }, args: ["--notary-password", "env:MY_PASS"] }),
    "a file": async (folder) => {
      await Deno.writeTextFile(`${folder}/pass`, `${PASSWORD}\n`);
      return { args: ["--notary-password", "file:pass"] };
    },
    "the command line": () => Promise.resolve({ args: ["--notary-password", PASSWORD] }),
    "Docker's config": async (folder) => {
      const auths = { "registry.example.com": { auth: base64(`anna:${PASSWORD}`) } };
      await Deno.writeTextFile(`${folder}/config.json`, JSON.stringify({ auths }));
      return { env: { DOCKER_CONFIG: folder } };
    },
  };
  const challenge = { "www-authenticate": 'Basic realm="r"' };
  const answers: Record<string, (sent: string) => Response> = {
    "realm": () => {
      const realm = `${PASSWORD} ${base64(`anna:${PASSWORD}`)} ${encodeURIComponent(PASSWORD)}`;
      return new Response(null, { status: 401, headers: { "www-authenticate": `Basic realm="${realm}"` } });
    },
    "words": (sent) => {
      const message = `who is ${sent}? ${atob(sent)} ${base64(base64(`u:${sent}`)).slice(0, 4)} ${base64(PASSWORD)}`;
      return sent === ""
        ? new Response(null, { status: 401, headers: challenge })
        : Response.json({ errors: [{ code: sent, message }] }, { status: 500 });
    },
  };
  for (const [how, answer] of Object.entries(answers)) {
    for (const [way, given] of Object.entries(ways)) {
      await t.step(`${how}, ${way}`, async () => {
        const { args = [] } = await inFolderOnce(given);
        const user = args.length > 0 ? ["--notary-username", "anna"] : [];
        await keepsSecret(
          [PASSWORD],
          answer,
          (url) => ["list", "-r", GUN, "--notary-url", url, ...user, ...args],
          async (folder) => {
            const { args: _, ...options } = await given(folder);
            return options;
          },
        );
      });
    }
  }
});

async function inFolderOnce<T>(run: (folder: string) => Promise<T>): Promise<T> {
  let value: T | undefined;
  await inFolder(async (folder) => void (value = await run(folder)));
  return value!;
}

Deno.test("SignPath's echo of the token: as words, as base64, as an id", async (t) => {
  const problem = (title: string) => Response.json({ title }, { status: 400 });
  const answers: Record<string, (sent: string) => Response> = {
    "words": (sent) => problem(`The token ${sent} is odd`),
    "base64": (sent) => problem(`The token ${base64(sent)} or ${base64(`Bearer ${sent}`)} is odd`),
    "status": (sent) =>
      Response.json({ status: `Failed ${base64(sent)}`, workflowStatus: base64(sent), isFinalStatus: true }),
  };
  for (const [name, answer] of Object.entries(answers)) {
    await t.step(name, () =>
      keepsSecret(
        [TOKEN],
        answer,
        (
          url,
        ) => ["download", ID, "--api-url", `${url}/API`, "--organization-id", ID, "--wait-for-completion-timeout", "1"],
        () => ({ env: { SIGNPATH_API_TOKEN: TOKEN } }),
      ));
  }
});

Deno.test("a secret where the name of its variable or file belongs is not repeated", async () => {
  const where = ["download", ID, "--organization-id", ID, "--api-url", "https://signpath.example"];
  for (const token of [TOKEN, "JBSWY3DPEHPK3PXP7AAA", "0123456789abcdef0123456789abcdef", "AbCdEfGhIjKl"]) {
    for (const kind of ["env", "file"]) {
      for (const more of [[], ...ECHO.map((flag) => [flag]), ECHO]) {
        await inFolder(async (cwd) => {
          const args = [...where, "--api-token", `${kind}:${token}`, ...more];
          const { code, stdout, stderr } = await tagseal(args, { env: { HOME: cwd }, cwd });
          assert.equal(code, 2);
          assert.ok(!`${stdout}${stderr}`.includes(token), `${stdout}${stderr}`);
          assert.match(stderr, kind === "env" ? /--api-token names no variable that is set/ : /There is no file "/);
        });
      }
    }
  }
  const { stderr } = await tagseal([...where, "--api-token", "env:CI_SIGNPATH_TOKEN"], {});
  assert.match(stderr, /--api-token names the variable CI_SIGNPATH_TOKEN, which is not set/);
});

Deno.test("results are not changed by short secrets that stand in them by chance", async () => {
  const env = { NOTARY_AUTH: base64("anna:team"), TAGSEAL_PKCS11_PIN: "1234" };
  await inFolder(async (cwd) => {
    const { stdout } = await tagseal(["list", "--json", "-r", "localhost:1/team/app"], {
      env: { HOME: cwd, ...env },
      cwd,
    });
    assert.equal(JSON.parse(stdout).error.code, "unavailable");
  });
});

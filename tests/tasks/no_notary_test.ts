/** Addresses where something else than a Notary server answers: said as such, and told apart from a new repository. */
import assert from "node:assert/strict";
import { tagseal } from "../support/run.ts";

const notFound = (code: string) => Response.json({ errors: [{ code, message: "unknown" }] }, { status: 404 });
const page = (status: number) =>
  new Response("<html>Not here</html>", { status, headers: { "content-type": "text/html; charset=utf-8" } });

const SERVERS: Readonly<Record<string, (path: string) => Response>> = {
  "a registry": (path) => path === "/v2/" ? Response.json({}) : notFound("NAME_UNKNOWN"),
  "a registry that knows no such path": (path) =>
    path === "/v2/" ? Response.json({}) : new Response("404 page not found\n", { status: 404 }),
  "a web server": () => page(404),
  "a web application that shows its page for every path": () => page(200),
};

async function against<T>(answer: (path: string) => Response, use: (url: string) => Promise<T>): Promise<T> {
  const listen = { hostname: "127.0.0.1", port: 0, onListen() {} };
  await using server = Deno.serve(listen, (request) => answer(new URL(request.url).pathname));
  return await use(`http://127.0.0.1:${server.addr.port}`);
}

Deno.test("no Notary server at the address: every command says so, and what to set", async (t) => {
  const folder = await Deno.makeTempDir({ prefix: "tagseal-no-notary-" });
  const env = { DOCKER_CONFIG: folder, NOTARY_ROOT_PASSPHRASE: "passphrase", NOTARY_TARGETS_PASSPHRASE: "passphrase" };
  try {
    for (const [name, answer] of Object.entries(SERVERS)) {
      await t.step(name, async () => {
        await against(answer, async (url) => {
          for (const command of ["list", "status", "init"]) {
            const { code, stderr } = await tagseal([command, "-r", "registry.test/acme/app", "--notary-url", url], {
              env,
              cwd: folder,
            });
            assert.equal(code, 2, stderr);
            assert.ok(stderr.includes(`error: There is no Notary server at "${url}"`), stderr);
            assert.match(stderr, /next: .*--notary-url or in DOCKER_CONTENT_TRUST_SERVER/);
            assert.doesNotMatch(stderr, /try again later/);
          }
        });
      });
    }
    await t.step("a Notary server without the repository", async () => {
      for (
        const answer of [
          () => notFound("METADATA_NOT_FOUND"),
          (path: string) => path === "/_notary_server/health" ? Response.json({}) : new Response(null, { status: 404 }),
        ]
      ) {
        await against(answer, async (url) => {
          const { code, stderr } = await tagseal(["list", "-r", "registry.test/acme/app", "--notary-url", url], {
            env,
          });
          assert.equal(code, 2);
          assert.match(stderr, /has no trust data for "registry.test\/acme\/app"/);
        });
      }
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

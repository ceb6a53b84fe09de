/** Wrong names and servers that misbehave: exit code, class and words, and that nothing of it is kept. */
import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import { type Bytes, utf8 } from "../../lib/bytes/bytes.ts";
import { TagsealError, type TagsealErrorCode } from "../../lib/errors.ts";
import { createSend } from "../../lib/http/network.ts";
import { exchange } from "../../lib/http/send.ts";
import { failsWith } from "../support/failures.ts";
import { metadataOf, recording } from "../support/recorded.ts";
import { type Outcome, tagseal } from "../support/run.ts";

const GUN = "registry.example.com/team/app";
const RECORDED = "notary-nested";

type Handler = (request: Request) => Response | Promise<Response>;

/** A server on loopback; `use` gets its address and the paths that were asked for so far. */
async function withServer(handler: Handler, use: (url: string, asked: string[]) => Promise<void>): Promise<void> {
  const asked: string[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
    asked.push(new URL(request.url).pathname);
    return handler(request);
  });
  try {
    await use(`http://127.0.0.1:${server.addr.port}`, asked);
  } finally {
    await server.shutdown();
  }
}

/** A server that writes `answer` to every connection, whatever it is asked, and closes. */
async function withRawServer(answer: string, use: (url: string) => Promise<void>): Promise<void> {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const serving = (async () => {
    for await (const connection of listener) {
      await connection.read(new Uint8Array(65536));
      await connection.write(utf8(answer));
      connection.close();
    }
  })();
  try {
    await use(`http://127.0.0.1:${listener.addr.port}`);
  } finally {
    listener.close();
    await serving;
  }
}

interface Case {
  readonly args: readonly string[];
  readonly exit: number;
  readonly code: TagsealErrorCode;
  readonly words: readonly string[];
}

/** Runs a command that must fail, for people and with `--json`, on a machine that has nothing. */
async function fails({ args, exit, code, words }: Case): Promise<void> {
  for (const more of [[], ["--json"]]) {
    const home = await Deno.makeTempDir({ prefix: "tagseal-wrong-" });
    try {
      const host = { sleep: () => Promise.resolve() }; // reading may be tried again: at once
      const outcome = await tagseal([...args, ...more], { env: { HOME: home }, cwd: home, host });
      const { stdout, stderr } = outcome;
      assert.equal(outcome.code, exit, stderr);
      assert.match(stderr, /^tagseal: error: \S.*[^.\n]\ntagseal: next: \S.*[^.\n]\n$/m);
      assert.doesNotMatch(stderr + stdout, /[^\P{Cc}\n]/u, "a control character shows");
      for (const word of words) assert.ok(stderr.includes(word), `"${word}" is not in: ${stderr}`);
      if (more.length === 0) assert.equal(stdout, "");
      else assert.equal(outcome.json<{ error: { code: string } }>().error.code, code);
      assert.deepEqual(await filesOf(home), [], "nothing is kept of what was not verified");
    } finally {
      await Deno.remove(home, { recursive: true });
    }
  }
}

async function filesOf(folder: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    if (isDirectory) found.push(...await filesOf(`${folder}/${name}`));
    else found.push(`${folder}/${name}`);
  }
  return found;
}

const list = (url: string) => ["list", "-r", GUN, "--notary-url", url];
const LONG = `registry.example.com/${"a".repeat(250)}`;

Deno.test("names that are no repository are refused before anybody is asked", async (t) => {
  const names: readonly (readonly [name: string, words: string])[] = [
    ["https://registry.example.com/team/app", "is a URL"],
    ["registry.example.com/team/app:v1", "carries a tag"],
    ["alpine:3", "carries a tag"],
    [`team/app@sha256:${"a".repeat(64)}`, "carries a digest"],
    ["registry.example.com/Team/App", "has upper-case letters"],
    ["registry.example.com:99999/team/app", "has a malformed host"],
    ["-registry.example.com/team/app", "has a malformed host"],
    ["a".repeat(64), "is an image id"],
    [LONG, "is too long: 271 characters of at most 255"],
    ["registry.example.com/", "is a host without a repository"],
    ["registry.example.com//app", "does not follow Docker's grammar"],
    ["registry.example.com/../app", "does not follow Docker's grammar"],
    ["team/app name", "does not follow Docker's grammar"],
    ["team/\u001b[2Japp", "has upper-case letters"],
    ["team/app\u202e", "does not follow Docker's grammar"],
    ["", "--repository"],
  ];
  await withServer(() => new Response(null, { status: 404 }), async (url, asked) => {
    for (const [name, words] of names) {
      await t.step(JSON.stringify(name.slice(0, 60)), async () => {
        for (const command of [["list"], ["verify", "-t", "v1"]]) {
          const args = [...command, `--repository=${name}`, "--notary-url", url];
          // verify takes a digest there, in place of tags.
          const isOdd = command.length > 1 && name.includes("@sha256:");
          const said = isOdd ? "names a digest, and tags are named as well" : words;
          await fails({ args, exit: 2, code: "usage", words: [said] });
        }
      });
    }
    await t.step("tags that are none", async () => {
      for (const tag of ["-v1", "v 1", "a".repeat(129), "v1:v2"]) {
        const args = ["verify", "-r", GUN, `--tags=${tag}`, "--notary-url", url];
        await fails({ args, exit: 2, code: "usage", words: ["is not a tag"] });
      }
    });
    assert.deepEqual(asked, []);
  });
});

Deno.test("a server that is not there, or no Notary server", async (t) => {
  const unavailable = { exit: 5, code: "unavailable" } as const;
  await t.step("unknown host", async () => {
    const url = `https://${"a".repeat(64)}.example`; // no name server is asked for a label that long
    await fails({ args: list(url), ...unavailable, words: [`"${url}"`, "run the command again"] });
  });
  await t.step("nobody listens", async () => {
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    listener.close();
    const url = `http://127.0.0.1:${listener.addr.port}`;
    await fails({ args: list(url), ...unavailable, words: [`Notary server at "${url}"`, "efused"] });
  });
  await t.step("no TLS where TLS is expected", async () => {
    await withServer(() => new Response(), async (url) => {
      const secure = url.replace("http:", "https:");
      await fails({ args: list(secure), ...unavailable, words: [`Notary server at "${secure}"`] });
    });
  });
  await t.step("it hangs up without a word", async () => {
    await withRawServer("", async (url) => {
      await fails({ args: list(url), ...unavailable, words: [`Notary server at "${url}"`] });
    });
  });
  await t.step("it does not speak HTTP", async () => {
    await withRawServer("220 mail.example.com ESMTP\r\n", async (url) => {
      await fails({ args: list(url), ...unavailable, words: [`Notary server at "${url}"`] });
    });
  });
});

const answers:
  readonly (readonly [name: string, handler: Handler, exit: number, code: TagsealErrorCode, words: string[]])[] = [
    ["401 without a challenge", () => new Response(null, { status: 401 }), 4, "unauthenticated", [
      "refuses access",
      "tried anonymously",
      "NOTARY_AUTH",
    ]],
    [
      "401 that wants a password",
      () => status(401, "", { "www-authenticate": 'Basic realm="here"' }),
      4,
      "unauthenticated",
      [
        "wants a user name and password",
        `repository:${GUN}:pull`,
      ],
    ],
    ["403", () => status(403, "no"), 4, "forbidden", ["refuses access", "answers 403"]],
    ["404", () => status(404, "<h1>no such page</h1>"), 2, "bad-input", [
      GUN,
      "There is no Notary server",
      "--notary-url",
    ]],
    ["400", () => status(400, '{"errors":[{"code":"X","message":"odd \\u001b[2J name"}]}'), 5, "unavailable", [
      "(status 400): odd [2J name",
    ]],
    ["500", () => status(500, "<html>"), 5, "unavailable", ["(status 500): it gives no reason", "try again later"]],
    ["502", () => status(502, ""), 5, "unavailable", ["(status 502)"]],
    ["503", () => status(503, ""), 5, "unavailable", ["(status 503)"]],
    ["204", () => new Response(null, { status: 204 }), 5, "unavailable", ["(status 204)"]],
    ["redirect to itself", (request) => status(302, "", { location: request.url }), 5, "unavailable", [
      'it redirects to "http://127.0.0.1:',
    ]],
    ["redirect to nowhere", () => status(307, "", { location: "http://notary.invalid/" }), 5, "unavailable", [
      'it redirects to "http://notary.invalid/"',
    ]],
    ["nothing", () => new Response(""), 3, "trust-invalid", ['"root"', GUN]],
    ["a page", () => new Response("<html>Please log in</html>"), 3, "trust-invalid", ['"root"', GUN]],
    ["a number", () => new Response("7"), 3, "trust-invalid", ['"root"', GUN]],
    ["null", () => new Response("null"), 3, "trust-invalid", ['"root"', GUN]],
    ["an empty object", () => new Response("{}"), 3, "trust-invalid", ['"root"', GUN]],
    ["signed null", () => new Response('{"signed":null,"signatures":[]}'), 3, "trust-invalid", ['"root"', GUN]],
    ["half of the truth", () => new Response(metadataOf(RECORDED).get("root")!.slice(0, 700)), 3, "trust-invalid", [
      '"root"',
    ]],
    ["not UTF-8", () => new Response(new Uint8Array([0x7b, 0xff, 0xfe, 0x7d])), 3, "trust-invalid", ['"root"', GUN]],
    ["very deep", () => new Response("[".repeat(200_000)), 3, "trust-invalid", ['"root"', GUN]],
    ["no gzip, though it says so", () => status(200, "plain", { "content-encoding": "gzip" }), 5, "unavailable", [
      "Notary server at",
    ]],
  ];

function status(status: number, body: string, headers: Record<string, string> = {}): Response {
  return new Response(body, { status, headers });
}

Deno.test("answers of a Notary server that are none", async (t) => {
  for (const [name, handler, exit, code, words] of answers) {
    await t.step(name, async () => {
      await withServer(handler, async (url, asked) => {
        await fails({ args: list(url), exit, code, words });
        await fails({ args: ["verify", "-r", GUN, "-t", "v1", "--notary-url", url], exit, code, words });
        assert.ok(
          asked.every((path) => path.startsWith(`/v2/${GUN}/_trust/tuf/`) || path === "/_notary_server/health"),
          "redirects are not followed",
        );
      });
    });
  }
  const raw: readonly (readonly [name: string, answer: string, words: string[]])[] = [
    ["a body that is cut", 'HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n{"signed":', []],
    ["chunks that are cut", 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"sig', []],
    ["a head that is cut", "HTTP/1.1 200 OK\r\nContent-Le", []],
    ["a body that is announced too long", "HTTP/1.1 200 OK\r\nContent-Length: 999999999999\r\n\r\n{", [
      "its answer is too long",
      "999999999999",
    ]],
    ["a length that is none", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n{}", []],
  ];
  for (const [name, answer, words] of raw) {
    await t.step(name, async () => {
      await withRawServer(answer, async (url) => {
        const all = [`Notary server at "${url}"`, "run the command again", ...words];
        await fails({ args: list(url), exit: 5, code: "unavailable", words: all });
      });
    });
  }
});

Deno.test("a server may compress what it sends", async () => {
  const { at, gun } = recording(RECORDED);
  const files = metadataOf(RECORDED);
  const handler: Handler = (request) => {
    const role = /\/_trust\/tuf\/(.*?)(?:\.[0-9a-f]{64})?\.json$/.exec(new URL(request.url).pathname)?.[1];
    const bytes = files.get(role as "root");
    if (!bytes) return new Response(null, { status: 404 });
    return new Response(new Uint8Array(gzipSync(bytes)), { headers: { "content-encoding": "gzip" } });
  };
  await withServer(handler, async (url) => {
    const home = await Deno.makeTempDir({ prefix: "tagseal-gzip-" });
    const now = () => new Date(at);
    const outcome: Outcome = await tagseal(["list", "-r", gun, "--notary-url", url], {
      env: { HOME: home },
      cwd: home,
      host: { now },
    });
    await Deno.remove(home, { recursive: true });
    assert.equal(outcome.code, 0, outcome.stderr);
    assert.deepEqual(outcome.stdout.split("\n").map((line) => line.split(" ")[0]), ["v1", "v2", ""]);
  });
});

Deno.test("what is endless or slow comes to an end", async (t) => {
  const { send, close } = createSend();
  const ask = (url: string, more: { timeoutMs?: number; redirects?: number } = {}) =>
    exchange(send, { service: "Notary server", url: new URL(url), maxBytes: 1000, timeoutMs: 5000, ...more });
  /** A body that goes on every 20 ms until nobody listens any more. */
  const dripping = (piece: Bytes) => {
    let timer: ReturnType<typeof setInterval> | undefined;
    return new ReadableStream<Uint8Array>({
      start: (controller) => void (timer = setInterval(() => controller.enqueue(piece), 20)),
      cancel: () => clearInterval(timer),
    });
  };
  const cases: readonly (readonly [name: string, handler: Handler, timeoutMs: number, words: string])[] = [
    [
      "no answer",
      () => new Promise((resolve) => setTimeout(() => resolve(new Response()), 600)),
      300,
      "no complete answer",
    ],
    ["drop by drop", () => new Response(dripping(utf8("x"))), 300, "no complete answer"],
    ["more and more", () => new Response(dripping(new Uint8Array(400))), 5000, "its answer is too long"],
    [
      "more than it was compressed",
      () => {
        const body = new Uint8Array(gzipSync(new Uint8Array(10 ** 6)));
        assert.ok(body.length < 1100);
        return new Response(body, { headers: { "content-encoding": "gzip" } });
      },
      5000,
      "its answer is too long",
    ],
  ];
  for (const [name, handler, timeoutMs, words] of cases) {
    await t.step(name, async () => {
      await withServer(handler, async (url) => {
        const began = performance.now();
        await failsWith(ask(url, { timeoutMs }), "unavailable", `"${url}"`, words);
        assert.ok(performance.now() - began < 20_000);
      });
    });
  }
  await t.step("in circles, where redirects are followed", async () => {
    const handler: Handler = (request) =>
      Response.redirect(request.url.endsWith("/a") ? `${request.url}b` : request.url.replace(/[^/]*$/, "a"));
    await withServer(handler, async (url, asked) => {
      await failsWith(ask(`${url}/a`, { redirects: 3 }), "unavailable", "redirects in circles");
      assert.deepEqual(asked, ["/a", "/ab", "/a", "/ab"]);
    });
  });
  close();
});

Deno.test("Ctrl-C ends the wait for a server that does not answer", async () => {
  const { promise: hanging, resolve: release } = Promise.withResolvers<Response>();
  const controller = new AbortController();
  await withServer(() => {
    controller.abort(new TagsealError("interrupted", "Interrupted", { remedy: "Look at what is there" }));
    return hanging;
  }, async (url) => {
    const home = await Deno.makeTempDir({ prefix: "tagseal-hang-" });
    const began = performance.now();
    const { code, stdout, stderr } = await tagseal(list(url), { env: { HOME: home }, signal: controller.signal });
    await Deno.remove(home, { recursive: true });
    release(new Response());
    assert.equal(code, 130, stderr);
    assert.equal(stdout, "");
    assert.ok(performance.now() - began < 20_000);
  });
});

/** Blobs at the embedded registry, and at ones that mean no good. */
import assert from "node:assert/strict";
import { text, utf8 } from "../../lib/bytes/bytes.ts";
import { digestOf, pushBlob, readBlob } from "../../lib/registry/blob.ts";
import { withinRegistry } from "../../lib/registry/repository.ts";
import { failsWith } from "../support/failures.ts";
import { type Between, jumpingClock, registryWorld } from "../support/registries.ts";

const BYTES = utf8("a payload");
const DIGEST = digestOf(BYTES);
const UPLOADS = "POST /v2/team/app/blobs/uploads/";

Deno.test("a blob is pushed once, in three calls, and is there the next time after one", async () => {
  const { repository, asked } = registryWorld();
  assert.equal(await readBlob(repository, DIGEST, 100), undefined);
  asked.length = 0;
  assert.equal(await pushBlob(repository, BYTES), "added");
  assert.deepEqual(asked.slice(0, 2), [`HEAD /v2/team/app/blobs/${DIGEST}`, UPLOADS]);
  assert.match(asked[2]!, /^PUT \/v2\/team\/app\/blobs\/uploads\/[0-9a-f-]{36}\?digest=sha256%3A[0-9a-f]{64}$/);
  assert.equal(asked.length, 3);
  assert.equal(await pushBlob(repository, BYTES), "there");
  assert.equal(asked.length, 4);
  assert.equal(text((await readBlob(repository, DIGEST, 100))!), "a payload");
});

Deno.test("a blob that is too long or has another digest is not taken", async () => {
  const world = registryWorld();
  await pushBlob(world.repository, BYTES);
  await failsWith(readBlob(world.repository, DIGEST, 8), "unavailable", "at most 8 bytes were expected");
  world.between = () => new Response("another one");
  await failsWith(readBlob(world.repository, DIGEST, 100), "trust-invalid", digestOf(utf8("another one")));
  world.between = () => new Response("{}", { status: 500 });
  await failsWith(readBlob(world.repository, DIGEST, 100), "unavailable", "status 500");
});

Deno.test("an upload goes on where the registry says, with the query that it gave", async () => {
  const world = registryWorld();
  const puts: URL[] = [];
  const asking = (address: (path: string) => string): Between => async (request, handle) => {
    if (request.method === "PUT") puts.push(new URL(request.url));
    if (request.method !== "POST") return undefined;
    const begun = await handle(request);
    return new Response(null, { status: 202, headers: { location: address(begun.headers.get("location")!) } });
  };
  const rows: [string, (path: string) => string][] = [
    ["whole", (path) => `https://registry.test${path}?_state=a%2Bb%3D&x`],
    ["relative", (path) => `${path}?_state=a%2Bb%3D&x`],
    ["behind a proxy for TLS", (path) => `http://registry.test${path}?_state=a%2Bb%3D&x`],
    ["with a user", (path) => `https://user:pass@registry.test${path}?_state=a%2Bb%3D&x#part`],
  ];
  for (const [name, address] of rows) {
    puts.length = 0;
    world.between = asking(address);
    assert.equal(await pushBlob(world.repository, utf8(name)), "added", name);
    const digest = encodeURIComponent(digestOf(utf8(name)));
    assert.deepEqual([puts[0]!.origin, puts[0]!.search, puts[0]!.username], [
      "https://registry.test",
      `?_state=a%2Bb%3D&x&digest=${digest}`,
      "",
    ]);
  }
});

Deno.test("nothing is sent to where a registry has no say", async () => {
  const places = [
    "https://elsewhere.test/v2/team/app/blobs/uploads/1",
    "https://registry.test:8443/v2/uploads",
    "//elsewhere.test/uploads",
    "https://registry.test.elsewhere.test/",
    "https://registry.test@elsewhere.test/",
    "file:///etc/passwd",
    "data:text/plain,x",
    "https://[",
    null,
  ];
  for (const location of places) {
    const world = registryWorld();
    const hosts = new Set<string>();
    world.between = (request) => {
      hosts.add(new URL(request.url).host);
      if (request.method !== "POST") return undefined;
      return new Response(null, { status: 202, headers: location === null ? {} : { location } });
    };
    const words = "the registry names no place of its own where the upload goes on";
    await failsWith(pushBlob(world.repository, BYTES), "unavailable", words);
    assert.deepEqual([...hosts], ["registry.test"]);
    assert.ok(world.asked.every((line) => !line.startsWith("PUT")), String(location));
  }
});

Deno.test("an address within the registry stays one, however it is written", () => {
  const asked = new URL("https://registry.test/v2/x/");
  assert.equal(
    withinRegistry("https://registry.test//elsewhere.test/y", asked)?.href,
    "https://registry.test/elsewhere.test/y",
  );
  assert.equal(withinRegistry("?last=a", asked)?.href, "https://registry.test/v2/x/?last=a");
  assert.equal(withinRegistry("http://registry.test/y", asked)?.href, "https://registry.test/y");
  assert.equal(withinRegistry("http://registry.test:80/y", new URL("https://registry.test:80/"))?.protocol, undefined);
});

Deno.test("what went wrong in an upload is tried again; what the registry refuses is not", async (t) => {
  const rows: [string, Between, "added" | string, number][] = [
    ["500 for the first upload", once("POST", () => new Response(null, { status: 500 })), "added", 0],
    ["500 at its end", once("PUT", () => new Response(null, { status: 500 })), "added", 1],
    ["the connection breaks at its end", once("PUT", () => Promise.reject(new TypeError("cut"))), "added", 1],
    [
      "the answer is lost",
      once("PUT", async (request, handle) => {
        await handle(request);
        throw new TypeError("connection reset");
      }),
      "added",
      1,
    ],
    ["the upload is forgotten", once("PUT", () => new Response(null, { status: 404 })), "added", 1],
    ["a quota", always("POST", 403), "it answers 403", 0],
    ["not allowed", always("PUT", 400), "was not taken: the registry gave status 400", 0],
    ["no such repository", always("POST", 404), "was not taken: the registry gave status 404", 0],
    ["500 for ever", always("PUT", 500), "was not taken: the registry gave status 500", 2],
    [
      "another digest than sent",
      (request) =>
        request.method === "PUT"
          ? new Response(null, { status: 201, headers: { "docker-content-digest": digestOf(utf8("x")) } })
          : undefined,
      "the registry says that it has the digest",
      0,
    ],
  ];
  for (const [name, between, want, pauses] of rows) {
    await t.step(name, async () => {
      const world = registryWorld();
      world.between = between;
      const attempt = pushBlob(world.repository, BYTES);
      if (want === "added") {
        assert.equal(await attempt, "added");
        world.between = undefined;
        assert.deepEqual(await readBlob(world.repository, DIGEST, 100), BYTES);
      } else {
        await assert.rejects(attempt, (error: Error) => error.message.includes(want));
      }
      assert.equal(world.pauses.length, pauses);
      assert.ok(world.pauses.every((ms) => ms >= 250 && ms <= 750));
    });
  }
});

Deno.test("a registry that hangs in an upload is not waited for twice", async () => {
  using clock = jumpingClock();
  const world = registryWorld();
  world.between = (request) => {
    if (request.method !== "PUT") return undefined;
    clock.jump(30_000);
    throw new TypeError("cut");
  };
  await failsWith(pushBlob(world.repository, BYTES), "unavailable", "cannot be used");
  assert.equal(world.asked.length, 3);
});

function once(method: string, answer: Between): Between {
  let done = false;
  return (request, handle) => {
    if (done || request.method !== method) return undefined;
    done = true;
    return answer(request, handle);
  };
}

function always(method: string, status: number): Between {
  return (request) => request.method === method ? new Response("{}", { status }) : undefined;
}

/** The registry's list of tags: pages, bounds, and registries that answer with something else. */
import assert from "node:assert/strict";
import { isTagsealError } from "../../lib/errors.ts";
import { exchange, type Send } from "../../lib/http/send.ts";
import { createRegistry } from "../../lib/local/registry.ts";
import { openRepository } from "../../lib/registry/repository.ts";
import { listTagNames, MAX_TAG_NAMES } from "../../lib/registry/tag_names.ts";

type Answer = (url: URL) => Response | Promise<Response>;

function repositoryOf(answer: Answer) {
  return repositoryAt((request) => Promise.resolve(answer(new URL(request.url))));
}

function repositoryAt(send: Send) {
  return openRepository({
    service: { request: (call) => exchange(send, call) },
    url: new URL("https://registry.test"),
    path: "team/app",
    access: "pull",
    sleep: () => Promise.resolve(),
  });
}

const page = (tags: unknown, next?: string): Response =>
  Response.json({ name: "team/app", tags }, next === undefined ? {} : { headers: { link: `<${next}>; rel="next"` } });

async function refused(answer: Answer): Promise<string> {
  const error = await listTagNames(repositoryOf(answer)).then(() => assert.fail("was listed"), (error) => error);
  assert.ok(isTagsealError(error, "unavailable"), String(error));
  return error.message;
}

Deno.test("tag names: all pages, each tag once; what is no tag is left out", async () => {
  const asked: string[] = [];
  const names = await listTagNames(repositoryOf((url) => {
    asked.push(url.pathname + url.search);
    return url.searchParams.get("last") === "b"
      ? page(["b", "c", "../x", "", 7, "a\u202eb"])
      : page(["b", "a"], "/v2/team/app/tags/list?n=1000&last=b");
  }));
  assert.deepEqual(names, ["a", "b", "c"]);
  assert.deepEqual(asked, ["/v2/team/app/tags/list?n=1000", "/v2/team/app/tags/list?n=1000&last=b"]);
});

Deno.test("tag names: a registry without the repository, or without tags", async () => {
  assert.deepEqual(await listTagNames(repositoryAt(createRegistry().handle)), []);
  assert.deepEqual(await listTagNames(repositoryOf(() => page(null))), []);
});

Deno.test("tag names: what is no list is none, and half a list is none", async () => {
  assert.match(await refused(() => new Response("<html>", { status: 200 })), /cannot be read: .* status 200/);
  assert.match(await refused(() => page("all")), /cannot be read/);
  assert.match(await refused(() => new Response("", { status: 405 })), /status 405/);
  const second = (url: URL) => url.search.includes("last") ? new Response("", { status: 404 }) : page(["a"], "?last=a");
  assert.match(await refused(second), /status 404/);
  assert.match(await refused(() => page(["a"], "https://elsewhere.test/v2/")), /goes on at another host/);
});

Deno.test("tag names: a list without end ends", async () => {
  let count = 0;
  assert.match(await refused(() => page(["a"], `?last=${++count}`)), /is longer than 100000 tags or 1000 pages/);
  assert.equal(count, 1001);
  const many = Array.from({ length: MAX_TAG_NAMES + 1 }, (_, i) => `v${i}`);
  assert.match(await refused(() => page(many)), /is longer than 100000 tags/);
});

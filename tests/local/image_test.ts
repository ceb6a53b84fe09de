/** The tiny image and registries of every kind; a real one takes it in `tests/registry/real_registry_test.ts`. */
import assert from "node:assert/strict";
import { pushTinyImage } from "../../lib/local/image.ts";
import { createRegistry } from "../../lib/local/registry.ts";
import { sleep } from "../../lib/http/retry.ts";
import { fetchManifest } from "../../lib/registry/manifest.ts";
import { openRepository } from "../../lib/registry/repository.ts";
import { authorize } from "../../lib/http/auth.ts";
import { failsWith } from "../support/failures.ts";

const REGISTRY = new URL("https://registry.test");
const push = (send: (request: Request) => Promise<Response>) =>
  pushTinyImage(send, REGISTRY, "team/app", "v1", "hello");

Deno.test("the tiny image is what its tag points at", async () => {
  const { handle } = createRegistry();
  const digest = await push(handle);
  const service = authorize(handle, { service: "Registry", allowHttp: false, remedy: "none" });
  assert.equal(
    (await fetchManifest(openRepository({ service, url: REGISTRY, path: "team/app", access: "pull", sleep }), "v1"))
      .digest,
    digest,
  );
});

Deno.test("an upload goes on where the registry says, with its own parameters kept", async () => {
  const { handle } = createRegistry();
  const puts: URL[] = [];
  await push(async (request) => {
    const url = new URL(request.url);
    if (request.method === "PUT" && url.pathname.includes("/uploads/")) puts.push(url);
    const response = await handle(request);
    if (request.method !== "POST") return response;
    const location = `https://store.test${response.headers.get("location")}?_state=a%2Bb%3D`;
    return new Response(null, { status: 202, headers: { location } });
  });
  assert.equal(puts.length, 2);
  for (const { origin, searchParams } of puts) {
    assert.deepEqual([origin, searchParams.get("_state")], ["https://store.test", "a+b="]);
    assert.match(searchParams.get("digest") ?? "", /^sha256:[0-9a-f]{64}$/);
  }
});

Deno.test("a registry that does not take the image is named, with what it answered", async () => {
  const nowhere = "does not take the image (it does not say where the upload goes on)";
  const rows: [answer: Response, words: string][] = [
    [new Response(null, { status: 403 }), "does not take the image (status 403)"],
    [new Response(null, { status: 201 }), "does not take the image (status 201)"],
    [new Response(null, { status: 202 }), nowhere],
    [new Response(null, { status: 202, headers: { location: "https://[" } }), nowhere],
  ];
  for (const [answer, words] of rows) {
    const attempt = push(() => Promise.resolve(answer));
    await failsWith(attempt, "unavailable", `The registry "https://registry.test" ${words}`);
  }
});

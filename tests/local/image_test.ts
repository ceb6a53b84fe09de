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

Deno.test("a registry that does not take the image is named, with what it answered", async () => {
  const attempt = push(() => Promise.resolve(new Response(null, { status: 405 })));
  const words = 'of the repository "team/app" at the registry "https://registry.test" was not taken: the registry gave';
  await failsWith(attempt, "unavailable", `${words} status 405`);
});

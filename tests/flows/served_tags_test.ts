/** What a registry serves under one tag: what is wrong with the tag alone is told of it, and what fails is thrown. */
import assert from "node:assert/strict";
import { servedUnder } from "../../lib/flows/served_tags.ts";
import { registryStore } from "../../lib/registry/image_store.ts";
import { OCI_MANIFEST } from "../../lib/registry/manifest_type.ts";
import { failsWith } from "../support/failures.ts";
import { registryWorld } from "../support/registries.ts";

Deno.test("served tags: a tag that cannot be verified is told apart from a registry that cannot be asked", async () => {
  const world = registryWorld();
  const store = registryStore(world.repository);
  const served = (answer: Response) => {
    world.between = ({ url }) => url.startsWith("https://auth.test/") ? Response.json({}) : answer.clone();
    return servedUnder(store, "v1");
  };
  const typed = (type: string) => ({ headers: { "content-type": type } });
  assert.equal(await served(new Response(null, { status: 404 })), undefined);
  assert.match(`${await served(new Response("{}", typed("text/plain")))}`, /is not an image manifest or index$/);
  assert.match(`${await served(new Response('{"a":1,"a":1}', typed(OCI_MANIFEST)))}`, /is ambiguous/);
  assert.match(`${await served(new Response('{"schemaVersion":1}', typed(OCI_MANIFEST)))}`, /schema 1/);
  assert.match(`${await served(new Response(null, { status: 412 }))}`, /is kept back by a policy/);
  await failsWith(served(new Response(null, { status: 418 })), "unavailable", "cannot be read");
  const bearer = { status: 401, headers: { "www-authenticate": 'Bearer realm="https://auth.test/token"' } };
  await failsWith(served(new Response(null, bearer)), "unavailable", "holds no usable token");
});

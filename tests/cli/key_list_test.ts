/** Keys as people read them, and what is said where one is missing. */
import assert from "node:assert/strict";
import { remedyOf } from "../../lib/cli/hints.ts";
import { keyLines } from "../../lib/cli/key_list.ts";
import { openRoleSigner } from "../../lib/flows/role_signer.ts";
import { createFileKeyStore } from "../../lib/keystore/file_keystore.ts";
import type { KeyInfo } from "../../lib/keystore/keystore.ts";
import { routedKeyStore } from "../../lib/keystore/routed_keystore.ts";
import { createMemoryMetadataStore } from "../../lib/notary/metadata_store.ts";
import { readRepository } from "../../lib/notary/update.ts";
import { failsWith } from "../support/failures.ts";
import { FakeToken, storeOf } from "../support/fake_token.ts";
import { MemoryTrustServer } from "../support/memory_trust_server.ts";
import { inFolder } from "../support/test_files.ts";
import { AT, buildFiles, GUN, KEYS } from "../support/trust_builder.ts";

const id = (digit: string) => digit.repeat(64);

Deno.test("keys: each place once, the token by its label, all repositories of a root key", () => {
  const keys: KeyInfo[] = [
    { id: id("a"), role: "root", location: `/home/me/private/${id("a")}.key` },
    { id: id("b"), role: "root", token: "yubi" },
    { id: id("c"), role: "targets", gun: "docker.io/a/b", location: `/home/me/private/${id("c")}.key` },
    { id: id("d"), role: "", location: `/home/me/private/${id("d")}.key` },
  ];
  const repositories = ({ id: of, gun }: KeyInfo) =>
    gun ? [gun] : of === id("a") ? ["docker.io/a/b", "docker.io/c"] : [];
  assert.deepEqual(keyLines(keys, repositories), [
    "/home/me/private",
    "  ROLE     KEY      REPOSITORY",
    "  root     aaaaaaa  docker.io/a/b",
    "                    docker.io/c",
    "  targets  ccccccc  docker.io/a/b",
    "  ?        ddddddd  -",
    'token "yubi"',
    "  ROLE  KEY      REPOSITORY",
    "  root  bbbbbbb  -",
  ]);
});

Deno.test("a key that is not here: its id, the file that would hold it and the token are named", () =>
  inFolder(async (folder) => {
    const server = new MemoryTrustServer(await buildFiles());
    const { repository } = await readRepository({ server, gun: GUN, at: AT, store: createMemoryMetadataStore() });
    const files = createFileKeyStore(folder, () => assert.fail("nobody is asked"));
    using token = storeOf(new FakeToken());
    const wanted = KEYS.targets.publicKey.canonicalId;
    const path = `${folder}/private/${wanted}.key`;
    const here = `The targets key of "${GUN}" is not here: there is no "${path}"`;
    const alone = await failsWith(openRoleSigner(repository, "targets", files), "not-found", here);
    assert.equal(alone.message, here);
    assert.deepEqual(alone.details["places"], [`${folder}/private`]);
    const both = routedKeyStore(files, token, new Set());
    const error = await failsWith(openRoleSigner(repository, "targets", both), "not-found", here);
    assert.equal(error.message, `${here}, and the token "fake" does not hold it`);
    assert.deepEqual(error.details["places"], [`${folder}/private`, "fake"]);
    assert.match(error.remedy, /where the key was made\. A deleted targets key/);
    assert.match(remedyOf(error), /where the key was made, or name its directory with --trust-dir/);
  }));

/**
 * `@signpath/tagseal/local`: a registry, a Notary server and SignPath on this machine, for tests of whatever signs and
 * verifies.
 *
 * Unstable: a part of the inside, which any version may change. What keeps its meaning is in `@signpath/tagseal`.
 *
 * @example What is signed is verified, and what is not is not
 * ```ts
 * import { connect, isTagsealError, keyFiles, signPathSigner } from "@signpath/tagseal";
 * import { createSend } from "@signpath/tagseal/http";
 * import { pushTinyImage, startLocalStack } from "@signpath/tagseal/local";
 *
 * await using stack = await startLocalStack({ port: 0, now: () => new Date() });
 * const caCerts = [stack.caPem];
 * const network = createSend({ caCerts });
 * const v1 = await pushTinyImage(network.send, new URL(`https://${stack.host}`), "team/app", "v1", "hello");
 * network.close();
 *
 * using signer = signPathSigner({
 *   apiUrl: stack.apiUrl,
 *   organizationId: stack.organizationId,
 *   token: stack.apiToken,
 *   project: stack.projectSlug,
 *   policy: stack.policies.automatic,
 *   method: "zip",
 *   caCerts,
 * });
 * const trustDir = await Deno.makeTempDir();
 * const keys = keyFiles({ trustDir, passphrase: "correct horse battery" });
 * using repository = connect({ repository: `${stack.host}/team/app`, rootPin: "known", caCerts });
 * await repository.init({ keys, delegate: { certificate: await signer.certificate() } });
 * await repository.sign({ tags: { v1 }, signer });
 *
 * const { tags } = await repository.verify(["v1"]);
 * if (tags[0]?.digest !== v1) throw new Error("signed as something else");
 * const refused = await repository.verify(["v2"]).then(() => false, (error) => isTagsealError(error, "not-signed"));
 * if (!refused) throw new Error("v2 was never signed");
 * await Deno.remove(trustDir, { recursive: true });
 * ```
 *
 * @module
 */
export { type LocalStack, type LocalStackOptions, startLocalStack } from "./stack.ts";
export { pushTinyImage } from "./image.ts";

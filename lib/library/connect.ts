/** The way to a repository for scripts. @module */
import { certificatePem } from "../crypto/x509.ts";
import { addDelegation } from "../flows/add_delegation.ts";
import { readDelegationCertificate, STANDARD_DELEGATION } from "../flows/delegation_certificate.ts";
import { writeExport } from "../flows/export_file.ts";
import { exportRepository } from "../flows/export_repository.ts";
import { initRepository } from "../flows/init_repository.ts";
import { repositoryStatus } from "../flows/repository_status.ts";
import { readRootCertificate } from "../flows/root_certificate.ts";
import { TagsealError } from "../errors.ts";
import { USER_AGENT } from "../http/send.ts";
import { expecting } from "../registry/expected.ts";
import { fetchManifest, type TaggedManifest } from "../registry/manifest.ts";
import type { RepositoryResult } from "../schemes/results.ts";
import { dctJob } from "../schemes/notary_v1/scheme.ts";
import { type Connection, type ConnectOptions, openConnection } from "./connection.ts";
import { readSchemes } from "./images.ts";
import { bytesOf } from "./pins.ts";
import { type Reading, trustReader } from "./reader.ts";
import type { DelegationOptions, Repository, TagChanges } from "./repository.ts";
import { type SigningWork, type SignOptions, signTogether } from "./sign.ts";
import { selectTags } from "./tags.ts";

/**
 * Connects to a repository, at the first call on it.
 *
 * Permissions: `--allow-net=<Notary server>` and for `sign` `--allow-net=<registry>`, in both cases with the token
 * server that they name; with `trustDir` `--allow-read=<trustDir> --allow-write=<trustDir>`. No variable is read, no
 * program is run.
 *
 * @throws {TagsealError} `usage` where the name is none; `bad-input` where a pin or an address is none
 *
 * @example
 * ```ts
 * import { connect } from "@signpath/tagseal";
 *
 * export async function digestOf(tag: string, rootCertificate: string): Promise<string> {
 *   using repository = connect({ repository: "registry.example.com/team/app", rootPin: rootCertificate });
 *   const { tags: [signed] } = await repository.verify([tag], { signal: AbortSignal.timeout(30_000) });
 *   return signed!.digest;
 * }
 * ```
 */
export function connect(options: ConnectOptions): Repository {
  const connection = openConnection(options);
  const { gun, trust, now, during, close } = connection;
  const reading: Reading = ({ signal }, work) => during(signal, (signal) => work(trust("pull", signal)));
  const publishing: Reading = ({ signal }, work) => during(signal, (signal) => work(trust("push,pull", signal)));
  const signAlone = ({ signal, signer, onProgress }: SignOptions, change: TagChanges): Promise<RepositoryResult> =>
    during(signal, async (signal) => {
      const work = [changesOf(connection, change)];
      const { repositories: [result], failed: [failure] } = await signTogether(work, { signer, onProgress, signal });
      if (failure) throw failure.error;
      return result!;
    });

  return {
    ...trustReader(gun, reading),
    init: ({ keys, delegate, rootKey, ...options }) =>
      publishing(options, async (trust) => {
        const delegation = delegate && namedKey(connection, delegate);
        const { rootCertificate, ...made } = await initRepository(trust, keys, { gun, delegation, rootKey });
        const { rootKeyId, targetsKeyId } = made;
        return { rootCertificate: certificatePem(rootCertificate), rootKeyId, targetsKeyId };
      }),
    addDelegation: ({ keys, signal, ...delegate }) =>
      publishing(
        { signal },
        async (trust) => await addDelegation(trust, keys, { gun, ...namedKey(connection, delegate) }),
      ),
    sign: ({ tags, ...options }) => signAlone(options, { ...options, sign: tags }),
    withdraw: ({ tags, ...options }) => signAlone(options, { ...options, withdraw: tags }),
    changes: (changes) => changesOf(connection, changes),
    status: ({ keys = NO_KEYS, ...options } = {}) => reading(options, (trust) => repositoryStatus(trust, keys, gun)),
    export: (options = {}) =>
      reading(
        options,
        async (trust) =>
          await writeExport([await exportRepository(trust, gun)], { created: now().toISOString(), tool: USER_AGENT }),
      ),
    rootCertificate: (options = {}) =>
      reading(options, async (trust) => certificatePem((await readRootCertificate(trust, gun)).rootCertificate)),
    trust: (access) => trust(access),
    close,
    [Symbol.dispose]: close,
  };
}

const NO_KEYS = { list: () => Promise.resolve([]) };

/** The key of a certificate, and the delegation that it is for. */
function namedKey(
  { notice, now }: Connection,
  { certificate, delegation: name = STANDARD_DELEGATION }: DelegationOptions,
): { readonly name: string; readonly key: ReturnType<typeof readDelegationCertificate>["key"] } {
  const { key, warnings } = readDelegationCertificate(bytesOf(certificate), "certificate", now());
  warnings.forEach(notice);
  return { name, key };
}

/** What `changes` mean; what is wrong with them is said now. */
function changesOf(
  { gun, notice, registry, trust }: Connection,
  { sign, withdraw, delegation = STANDARD_DELEGATION, keyId, renew = [], ...choice }: TagChanges,
): SigningWork {
  const schemes = readSchemes(choice, notice);
  const { tags, digests } = sign ? selectTags(sign) : { tags: [], digests: new Map<string, string>() };
  const withdrawn = withdraw && selectTags(withdraw).tags;
  if (!schemes.dct && (withdrawn || !sign)) {
    throw new TagsealError("usage", "Only signatures of Docker Content Trust are withdrawn or renewed", {
      remedy: "Name the scheme dct as well, or tags to sign alone",
    });
  }
  return {
    open({ signal, holder }) {
      const found = new Map<string, Promise<TaggedManifest>>(); // the same digests in all schemes
      const repository = registry(schemes.access, signal);
      const asking = expecting((tag) => fetchManifest(repository, tag), digests);
      const lookUp = (tag: string) => {
        const manifest = found.get(tag) ?? asking(tag);
        found.set(tag, manifest);
        return manifest;
      };
      const images = {
        repository: gun,
        registry: repository,
        holder,
        tags,
        digestOf: async (tag: string) => (await lookUp(tag)).digest,
      };
      const dct = () =>
        dctJob({
          trust: trust("push,pull", signal),
          gun,
          signer: delegation,
          keyId,
          holder,
          publishes: true,
          renew,
          onRenewed: (role, reason) => notice(`"${role}" of "${gun}" is signed anew: ${reason}`),
          onStillSigned: (tag) => notice(`The tag "${tag}" of "${gun}" is still signed, in "targets" itself`),
          ...(sign ? { sign: { tags, lookUp } } : {}),
          ...(withdrawn ? { remove: withdrawn } : {}),
        });
      return [...tags.length > 0 ? schemes.jobs(images) : [], ...schemes.dct ? [dct()] : []];
    },
  };
}

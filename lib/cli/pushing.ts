/** Publishes what a signed file holds, as `push` and `resume` do. @module */
import { keyOfCertificate } from "../crypto/keys.ts";
import { TagsealError } from "../errors.ts";
import { type ImageName, parseImageName } from "../registry/image_ref.ts";
import type { ImagesChange } from "../schemes/image_changes.ts";
import { checkTrustData, pushTrustData } from "../schemes/notary_v1/push_trust_data.ts";
import { byRepository, type RepositoryResult } from "../schemes/results.ts";
import type { SigningData } from "../schemes/signing_data.ts";
import { AT_ONCE, mapAtOnce } from "../signing/at_once.ts";
import { joinOutcomes, settled, type SignResult } from "../signing/outcomes.ts";
import type { SchemeResult } from "../signing/scheme.ts";
import { commandLine } from "./command_line.ts";
import { connectionFlags, notaryFlags, registryFlags, signerFlags } from "./common_flags.ts";
import { namedKey } from "./delegation.ts";
import { text, type Values } from "./flags.ts";
import type { Host } from "./host.ts";
import type { Session } from "./session.ts";
import { counted } from "./signed_report.ts";

/** What publishing a signed file goes by. */
export const pushFlags = {
  repository: text("-r, --repository <fqn>", "push only if the file is for this repository (and push only this one)"),
  delegationCertificate: {
    ...signerFlags.delegationCertificate,
    help: "push cosign and notation signatures only if they are by this key: its certificate, or its id",
  },
  ...notaryFlags,
  ...registryFlags,
  ...connectionFlags,
};

/** A signed file, and what it is called where something is wrong with it. */
export interface SignedSource {
  /** What it holds. */
  readonly data: SigningData;
  /** As the subject of a sentence: `The file`. */
  readonly called: string;
}

/**
 * Checks and publishes it, or what it holds for the one repository that is named.
 *
 * @throws {TagsealError} `bad-input` where it holds nothing for that; what publishing throws, where it is for one
 *   repository
 */
export async function pushSigned(
  { data, called }: SignedSource,
  values: Values<typeof pushFlags>,
  session: Session,
  host: Host,
): Promise<SignResult<RepositoryResult>> {
  const only = values.repository === undefined ? undefined : parseImageName(values.repository).gun;
  const changes = data.repositories.filter(({ repository }) => only === undefined || repository === only);
  const images = data.images.filter(({ repository }) => only === undefined || repository === only);
  if (changes.length + images.length === 0) {
    const there = repositoriesIn(data);
    throw new TagsealError("bad-input", `${called} holds nothing for ${only ? `"${only}"` : "any repository"}`, {
      remedy: there.length === 0
        ? "Nothing was published. Have the tags signed anew"
        : `Nothing was published. It is for ${
          there.slice(0, 10).join(", ")
        }: check --repository, and which one is meant`,
      details: { repositories: there },
    });
  }
  if (images.length > 0) requireKey(images, await namedKey({ ...values, delegation: undefined }, host));
  const names = [...new Set([...images, ...changes].map(({ repository }) => repository))];
  const onDone = counted(names.map((repository) => ({ repository })), host);
  const outcomes = await mapAtOnce(names, AT_ONCE, async (repository) => {
    const outcome = await settled(repository, async () => {
      const name = requireGun(repository);
      const results: SchemeResult[] = [];
      const beside = images.filter((one) => one.repository === repository);
      const tags = changes.filter((one) => one.repository === repository);
      const trust = tags.length > 0 && { ...await session.notary(name, "push,pull"), recent: new Map() };
      // Most files hold none: what that takes is loaded where it is needed.
      const jobs = beside.length > 0 ? await import("../schemes/jobs.ts") : undefined;
      const registry = jobs && await session.registry(name, "push,pull");
      const signed = beside.map((change) => jobs!.signedImages(change, data, registry!));
      // As sign does it: nothing before all of it is known to be good; beside the images first, content trust last.
      for (const one of signed) await one.check();
      if (trust && signed.length > 0) { for (const change of tags) await checkTrustData(trust, data, change); }
      for (const one of signed) results.push(await one.publish());
      if (trust) { for (const change of tags) results.push(await pushTrustData(trust, data, change)); }
      return byRepository(results)[0]!;
    });
    onDone?.(outcome);
    return outcome;
  });
  return joinOutcomes(outcomes, null);
}

/** The repositories that a file is for, each once. */
export function repositoriesIn({ repositories, images }: Pick<SigningData, "repositories" | "images">): string[] {
  return [...new Set([...repositories, ...images].map(({ repository }) => repository))];
}

/** The file says itself whose signatures beside images are: nobody but the user knows whose they should be. */
function requireKey(images: readonly ImagesChange[], keyId: string | undefined): void {
  if (keyId === undefined) return;
  for (const { scheme, repository, certificates } of images) {
    const signer = keyOfCertificate(certificates[0]).canonicalId;
    if (signer.startsWith(keyId)) continue;
    throw new TagsealError(
      "trust-invalid",
      `The ${scheme} signatures for "${repository}" are by the key ${signer.slice(0, 12)}, not by ${
        keyId.slice(0, 12)
      }`,
      {
        remedy: "Nothing was published. Find out who has made or changed the file, or name the key that is to sign",
        details: { repository, keyId: signer },
      },
    );
  }
}

/** The names in a file come from outside: they must be full names, not something that could be read as one. */
export function requireGun(repository: string): ImageName {
  const name = parseImageName(repository);
  if (name.gun === repository) return name;
  throw new TagsealError("bad-input", `The file names the repository "${repository}", which is not a full name`, {
    remedy: `Use a file made by ${commandLine("signing-data")}`,
  });
}

/** What the trust data in a signing data file is held to. @module */
import type { EvidenceTrust } from "../flows/show/evidence.ts";
import type { RootTrust } from "../flows/root_trust.ts";
import type { TrustDirValue } from "./docker_folder.ts";
import { pinFor } from "./exported.ts";
import type { Host } from "./host.ts";
import { requireGun } from "./pushing.ts";
import { type NotaryValues, trustOf } from "./session.ts";
import { openMetadataStore } from "./trust_dir.ts";

/** For each repository: the pin, or else the root that is known here, or whatever the file has. */
export function evidenceTrust(
  values: Pick<NotaryValues, "rootPin" | "requirePin"> & TrustDirValue,
  host: Host,
): (repository: string) => Promise<EvidenceTrust & { readonly rootTrustedBy: RootTrust }> {
  return async (repository) => {
    const { pin: given, ...trusted } = await trustOf(values, host, requireGun(repository));
    const pin = await pinFor(given, () => openMetadataStore(values, host, undefined), repository, host);
    const isHeld = pin !== undefined && pin !== "required";
    return { ...trusted, pin, rootTrustedBy: !isHeld ? "first-use" : pin === given ? "pin" : "known" };
  };
}

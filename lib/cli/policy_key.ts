/** Asking SignPath for a signing policy's key on behalf of a command. @module */
import type { KeyHolder } from "../signing/payload_signer.ts";
import { askingPolicy } from "../signing/policy_service.ts";
import type { SignPathClient } from "../signpath/client.ts";
import type { Submission } from "../signpath/types.ts";
import type { Host } from "./host.ts";

/** SignPath as the service that signs; where there is nothing to sign the command ends before the answer. */
export function signPathService(
  client: Pick<SignPathClient, "certificate">,
  submission: Pick<Submission, "projectSlug" | "signingPolicySlug">,
  { signal, onEnd, info, now }: Host,
): KeyHolder & { readonly kind: "service" } {
  const over = new AbortController();
  onEnd(() => over.abort());
  return askingPolicy(client, submission, { signal, over: over.signal, onUnknown: info, now });
}

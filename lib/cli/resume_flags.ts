/** The flags that name a signing request to go on with. @module */
import { TagsealError } from "../errors.ts";
import { text, toggle, type Values } from "./flags.ts";

/** Which request is gone on with. */
export const resumeFlags = {
  signingRequestId: text(
    "--signing-request-id <id>",
    "go on with this signing request instead of filing one: it must be for just this",
    "TAGSEAL_SIGNING_REQUEST_ID",
  ),
  newSigningRequest: toggle(
    "--new-signing-request",
    "file one although an earlier run was ended while it was filing one for the same",
  ),
};

/** Refuses what only SignPath's signing requests can do. @throws {TagsealError} `usage` */
export function requireNoRequest({ signingRequestId, newSigningRequest }: Values<typeof resumeFlags>): void {
  if (signingRequestId === undefined && !newSigningRequest) return;
  const flag = newSigningRequest ? "--new-signing-request" : "--signing-request-id";
  throw new TagsealError("usage", `${flag} is for --signing-method zip: no other method has requests to go on with`, {
    remedy: "Run it without: what broke off is done anew",
  });
}

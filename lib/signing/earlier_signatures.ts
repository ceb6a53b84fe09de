/** Takes the signatures that an earlier run's request gave, where they are of what is to be signed now. @module */
import type { Bytes } from "../bytes/bytes.ts";
import { TagsealError } from "../errors.ts";
import type { SignedBatch } from "./payload_signer.ts";
import type { SigningFile, UnsignedFile } from "./signing_data.ts";
import type { ReadWork } from "./work_unit.ts";

/**
 * The signatures and what they are of, by the payloads of `file`: every payload must be in what was received, the same but
 * for the time. The file may hold more, as what is published already is not to be signed again.
 *
 * @throws {TagsealError} `stale` where others have published since it was filed; `bad-input` where it is for something else
 */
export function earlierSignatures(
  file: UnsignedFile,
  received: SigningFile,
  signingRequestId: string,
  workIn: ReadWork,
): Pick<SignedBatch, "signatures" | "payloads" | "madeAt"> {
  const there = workIn(received);
  const signed = new Map(there.map((unit) => [unit.sha256, unit.payload]));
  const purposes = new Set(there.map(({ purpose }) => purpose));
  const signatures = new Map<string, Bytes>();
  const payloads = new Map<string, Bytes>();
  for (const { payload, sha256, purpose, repository } of workIn(file)) {
    const name = signed.get(sha256);
    if (name === undefined) {
      throw purposes.has(purpose)
        ? overtaken(signingRequestId, repository)
        : foreign(signingRequestId, repository, [...new Set(there.map((unit) => unit.repository))]);
    }
    signatures.set(payload, received.signatures.get(name)!);
    payloads.set(payload, received.payloads.get(name)!);
  }
  return { signatures, payloads, madeAt: new Date(received.created) };
}

function overtaken(id: string, repository: string): TagsealError {
  return new TagsealError(
    "stale",
    `Signing request "${id}" cannot be published any more: others have published in "${repository}" since it was filed`,
    {
      remedy: "Nothing was published. Have a new request filed, on top of what is there now",
      next: { do: "file-new-request" },
      details: { repository },
      published: "no",
      request: { id, goesOn: false },
    },
  );
}

function foreign(id: string, repository: string, others: readonly string[]): TagsealError {
  const isOther = !others.includes(repository);
  const what = isOther
    ? `it is for ${others.slice(0, 5).join(", ")}`
    : "it is for other tags, digests or schemes of it";
  return new TagsealError(
    "bad-input",
    `Signing request "${id}" does not sign what is to be signed for "${repository}": ${what}`,
    {
      remedy: "Nothing was published. Name the request that was filed for this, or have a new one filed",
      next: { do: "name-own-request" },
      details: { repository, repositories: others },
      request: { id, goesOn: false },
    },
  );
}

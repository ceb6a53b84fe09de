/** The signing requests of the embedded SignPath service: what it keeps of each, and how they come to their ends. @module */
import type { Bytes } from "../bytes/bytes.ts";
import { messageOf } from "../errors.ts";
import type { LocalSigningPolicy } from "./signpath_policies.ts";
import { refuse } from "./signpath_refusals.ts";
import { type RawSignatureFormat, signArtifact } from "./signpath_signing.ts";

/** The states that the embedded service knows, of SignPath's many. */
export type LocalWorkflowStatus =
  | "WaitingForApproval"
  | "Processing"
  | "Completed"
  | "ProcessingFailed"
  | "Denied"
  | "Canceled";

/** A signing request as it stands. */
export interface LocalSigningRequest {
  /** Its id. */
  readonly id: string;
  /** Project it was submitted to. */
  readonly projectSlug: string;
  /** Signing policy it was submitted for. */
  readonly signingPolicySlug: string;
  /** What the submitter wrote. */
  readonly description: string;
  /** Its `parameters.<name>`. */
  readonly parameters: Readonly<Record<string, string>>;
  /** Name of the submitted file. */
  readonly fileName: string;
  /** When it was submitted. */
  readonly submitted: Date;
  /** Whether it was a fast signing request for a hash. */
  readonly fast?: true;
  /** The request whose artifact it took, where it was resubmitted. */
  readonly originalSigningRequestId?: string;
  /** How far it has come. */
  readonly workflowStatus: LocalWorkflowStatus;
  /** Why processing failed. */
  readonly failure?: string;
}

/** One request, with what changes over its life. */
export interface RequestEntry {
  /** What does not change. */
  readonly facts: Omit<LocalSigningRequest, "workflowStatus" | "failure">;
  /** The project's only one. */
  readonly artifactConfigurationSlug: string;
  /** What it is signed with. */
  readonly policy: LocalSigningPolicy;
  /** When it is cancelled for want of approval, in milliseconds since 1970. */
  readonly cancelAt: number;
  /** As submitted. */
  readonly unsigned: Bytes;
  /** As signed, where it is completed. */
  signed?: Bytes;
  /** How far it has come. */
  workflowStatus: LocalWorkflowStatus;
  /** Why processing failed. */
  failure?: string;
}

/** All requests of one service. */
export interface RequestStore {
  /** How long the next artifact may be, in bytes. */
  room(): number;
  /** Keeps a request. */
  add(entry: RequestEntry): void;
  /**
   * The request as it stands now: one that waited too long is cancelled when it is next looked at.
   *
   * @throws {TagsealError} `not-found`
   */
  find(id: string): RequestEntry;
  /**
   * The same for one that still waits for approval.
   *
   * @throws {TagsealError} `not-found`, or `bad-input` where it does not wait
   */
  waiting(id: string): RequestEntry;
  /** Signs it; where that fails, the request tells so. */
  process(entry: RequestEntry): Promise<void>;
  /** All, oldest first. */
  all(): LocalSigningRequest[];
}

/** All artifacts together; the service is restarted, not cleaned up. */
const MAX_HELD_BYTES = 1024 * 1024 * 1024;
/** Counted for each request beside its artifacts, so that a flood of tiny ones is bounded as well. */
const REQUEST_BYTES = 4096;

/** A store without any requests, on a clock. */
export function createRequestStore(now: () => Date, format: RawSignatureFormat): RequestStore {
  const entries = new Map<string, RequestEntry>();
  let held = 0;

  function find(id: string): RequestEntry {
    const entry = entries.get(id);
    if (!entry) throw refuse("not-found", `There is no signing request "${id.slice(0, 64)}"`);
    if (entry.workflowStatus === "WaitingForApproval" && now().getTime() >= entry.cancelAt) {
      entry.workflowStatus = "Canceled";
    }
    return entry;
  }

  return {
    room: () => Math.max(0, Math.floor((MAX_HELD_BYTES - held - REQUEST_BYTES) / 2)),
    add: (entry) => {
      entries.set(entry.facts.id, entry);
      held += 2 * entry.unsigned.length + REQUEST_BYTES; // the signed artifact is hardly longer
    },
    find,
    waiting: (id) => {
      const entry = find(id);
      const { workflowStatus } = entry;
      if (workflowStatus === "WaitingForApproval") return entry;
      throw refuse("bad-input", `Signing request "${id}" does not wait for approval, it is "${workflowStatus}"`);
    },
    process: async (entry) => {
      entry.workflowStatus = "Processing";
      try {
        entry.signed = await signArtifact(entry.unsigned, entry.policy.key, format);
        entry.workflowStatus = "Completed";
      } catch (error) {
        entry.failure = messageOf(error);
        entry.workflowStatus = "ProcessingFailed";
      }
    },
    all: () =>
      [...entries.keys()].map(find).map(({ facts, workflowStatus, failure }) => ({
        ...facts,
        workflowStatus,
        ...(failure === undefined ? {} : { failure }),
      })),
  };
}

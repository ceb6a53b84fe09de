/** What may come of a fault: exit codes by class, and the exceptions by name. @module */
import type { Met } from "../support/faulty_server.ts";
import type { FaultClass, FaultRow } from "./faults.ts";
import type { Scene } from "./scenes.ts";

/** By class of fault. */
const CODES: Readonly<Record<FaultClass, readonly number[]>> = {
  passing: [0, 5],
  slow: [0, 5],
  useless: [0, 5],
  refusing: [0, 4],
  absent: [0, 2, 5],
  rejecting: [0, 2, 3, 5],
};

/** What may be beside that, where it is of that kind. */
const EXCEPTIONS: readonly {
  readonly why: string;
  readonly codes: readonly number[];
  is(at: Met, fault: FaultRow, scene: Scene): boolean;
}[] = [
  {
    why: "what is no trust data is not trusted",
    codes: [3],
    is: (at, fault) => /^GET notary/.test(at.kind) && ["an empty answer", "no JSON"].includes(fault.name),
  },
  {
    why: "a repository of which a file is missing is damaged, or somebody withholds it",
    codes: [3],
    is: (at, fault) => /^GET notary/.test(at.kind) && fault.is === "absent",
  },
  {
    why: "a file that is longer than its hash allows is not the one that is named",
    codes: [3],
    is: (at, fault) => /^GET notary.*\.<hash>\.json$/.test(at.kind) && fault.name.startsWith("body too long"),
  },
  {
    why: "signatures are not added to what is no manifest",
    codes: [2],
    is: (at, fault) =>
      at.kind === "GET registry manifests/sha256-<hash>.sig" &&
      ["an empty answer", "no JSON", "a web page"].includes(fault.name),
  },
  {
    why: "what is no signature is not trusted",
    codes: [3],
    is: (at, fault) =>
      /^POST .*\/SignHash$/.test(at.kind) && ["a web page", "an empty answer", "no JSON"].includes(fault.name),
  },
  {
    why: "what is there is not replaced, whatever it is",
    codes: [6],
    is: (at, { name }, scene) =>
      (scene.name === "init" ? at.kind === "GET notary root.json" : at.kind === "GET notary/to root.json") &&
      ["an empty answer", "no JSON"].includes(name),
  },
  {
    why: "where a web page is, there is no Notary server",
    codes: [2],
    is: (at, fault) => /^GET notary/.test(at.kind) && fault.name === "a web page",
  },
  {
    why: "the signing request goes on, whatever its status was told as",
    codes: [8],
    is: (at) => at.kind.endsWith("/Status"),
  },
];

/** The exit codes that the scene's command may end with where `fault` is done to the request `at`. */
export function expectedCodes(scene: Scene, at: Met, fault: FaultRow, times: "once" | "lasting"): readonly number[] {
  // What passes by itself costs a read nothing.
  if (fault.is === "passing" && times === "once" && /^(GET|HEAD) /.test(at.kind)) return [0];
  return [...CODES[fault.is], ...EXCEPTIONS.flatMap(({ is, codes }) => is(at, fault, scene) ? codes : [])];
}

/**
 * How many signing requests may be there of one that is to be filed: who says "503, come back" of what was done has it done
 * again. Each try is counted, and told.
 */
export function mostFiled(at: Met, fault: FaultRow): number {
  return fault.name === "503 after it is done" && /^POST signpath .*(SubmitWithArtifact|SignHash)$/.test(at.kind)
    ? Infinity
    : 1;
}

/**
 * What is lost all the same, as SECURITY.md says: a registry that hides signatures of cosign from the first look on has them
 * replaced, since there is no way to write only where nothing is.
 */
export function knownLoss(at: Met, fault: FaultRow, times: "once" | "lasting"): RegExp | undefined {
  const isHidden = at.kind === "GET registry manifests/sha256-<hash>.sig" && at.nth === 1;
  return isHidden && fault.is === "absent" && times === "lasting"
    ? /^run again it is not done: cosign v\d signatures: 1, not 2$/
    : undefined;
}

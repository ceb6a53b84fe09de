/** What is shown of a signing data file, in words and in order: the lines and the page say the same. @module */
import { shown as quoted, word } from "../bytes/printable.ts";
import type { ShownData, ShownImages, ShownKey, ShownRepository, ShownSignature } from "../flows/show/show_data.ts";
import { hanging } from "./layout.ts";
import type { TagMove } from "../flows/show/role_payload.ts";

/** One tag and what becomes of it. */
export interface ViewChange {
  /** The tag, and what more is known of it. */
  readonly tag: string;
  /** In a word. */
  readonly what: "new" | "moved" | "withdrawn" | "signed";
  /** What it stood for, where that matters. */
  readonly from?: string;
  /** What it is to stand for, or is signed as. */
  readonly to?: string;
}

/** What belongs together. */
export interface ViewPart {
  /** The repository and the scheme. */
  readonly title: string;
  /** What is to be known of it. */
  readonly facts: readonly (readonly [name: string, value: string])[];
  /** The tags; several lists where roles do different things. */
  readonly lists: readonly { readonly title: string; readonly changes: readonly ViewChange[] }[];
}

/** All of a file. */
export interface DataView {
  /** The file. */
  readonly path: string;
  /** Whether nothing is wrong with it. */
  readonly isGood: boolean;
  /** Whether that rests on a root that nobody vouches for. */
  readonly isUnpinned: boolean;
  /** That in a sentence. */
  readonly verdict: string;
  /** What is wrong, or must be known. */
  readonly notes: readonly string[];
  /** What is to be known of the file. */
  readonly facts: ViewPart["facts"];
  /** By repository and scheme. */
  readonly parts: readonly ViewPart[];
}

/** What is shown of the file at `path`. */
export function viewOf(path: string, data: ShownData): DataView {
  const { problems, payloads: { all, signed }, created, tool } = data;
  const isGood = problems.length === 0;
  const signs = signed === 0 ? "would be signed" : "is signed";
  const unpinned = data.repositories.filter(({ root }) => root?.trustedBy === "first-use");
  const { build, commit, by } = data.origin ?? {};
  const asked = [["build", build], ["commit", commit], ["asked by", by]] as const;
  return {
    path,
    isGood,
    isUnpinned: unpinned.length > 0,
    verdict: isGood
      ? `What ${signs} is what the file says${unpinned.length > 0 ? ", if its root is the right one" : ""}`
      : `DO NOT ${signed === 0 ? "APPROVE" : "PUBLISH"}: what ${signs} is not what the file says, or cannot be proved`,
    notes: [
      ...problems.map(sentence),
      ...unpinned.map(({ repository }) =>
        `The root of "${repository}" is not pinned: what its tags stood for before is as whoever made the file says`
      ),
    ],
    facts: [
      ["signatures", signed === 0 ? `none yet, ${all} to be made` : `${signed} of ${all}`],
      ["made", `${created} by ${tool} (as it says itself)`],
      ...asked.flatMap(([name, value]) => value === undefined ? [] : [[name, `${value} (as it says itself)`] as const]),
    ],
    parts: [...data.repositories.map(trustPart), ...data.images.map(imagesPart)],
  };
}

function sentence(problem: string): string {
  return `${problem[0]!.toUpperCase()}${problem.slice(1)}`;
}

/** Of what cannot be compared nobody knows whether it is new: it is what is signed. */
function trustPart({ repository, notaryUrl, root, keys, roles }: ShownRepository): ViewPart {
  const lists = Map.groupBy(roles, ({ moves }) => JSON.stringify(moves));
  const trusted = { pin: "pinned", known: "known here", "first-use": "NOT PINNED" };
  return {
    title: `${quoted(repository, 300)} (Docker Content Trust)`,
    facts: [
      ["server", notaryUrl],
      [
        "root",
        root === null
          ? "NOT VERIFIED"
          : `${trusted[root.trustedBy]}, key ${root.keyIds.map((id) => id.slice(0, 12)).join(", ")}`,
      ],
      ["may sign", keys.map(keyWords).join("; or ")],
      ...signers(roles),
      ...roles.map(({ role, baseVersion, version, unchanged, expires, signature }) =>
        [
          role,
          `version ${baseVersion ?? "?"} -> ${version ?? "?"}, other tags: ${unchanged}, expires ${
            expires?.slice(0, 10) ?? "?"
          }${signatureWords(signature)}`,
        ] as const
      ),
    ],
    lists: [...lists.values()].map((some) => ({
      title: lists.size === 1 ? "" : some.map(({ role }) => role).join(", "),
      changes: some[0]!.moves.map((move) =>
        root ? changeOf(move) : { tag: word(move.tag), what: "signed", to: move.to! }
      ),
    })),
  };
}

function changeOf({ tag, from, to }: TagMove): ViewChange {
  const what = to === null ? "withdrawn" : from === null ? "new" : from === to ? "signed" : "moved";
  return {
    tag: word(tag),
    what,
    ...from === null || what === "signed" ? {} : { from },
    ...to === null ? {} : { to },
  };
}

function imagesPart({ repository, scheme, key, signatures }: ShownImages): ViewPart {
  const states = [...new Set(signatures.map(({ signature }) => signatureWords(signature)))].join("");
  const forms = Map.groupBy(signatures, ({ form }) => form);
  return {
    title: `${quoted(repository, 300)} (${quoted(scheme, 30)})`,
    facts: [["key", `${keyWords(key)}${states}`], ...signers(signatures)],
    lists: [...forms].map(([form, some]) => ({
      title: forms.size === 1 ? "" : form,
      changes: some.map(({ tag, digest, platform }) => ({
        tag: platform === undefined ? word(tag) : `${word(tag)} (${quoted(platform, 60)})`,
        what: "signed" as const,
        to: digest,
      })),
    })),
  };
}

/** Whose signatures are good. */
function signers(signed: readonly { readonly signature: ShownSignature }[]): ViewPart["facts"] {
  const keys = signed.flatMap(({ signature }) => signature.state === "good" ? [keyWords(signature.by)] : []);
  return keys.length === 0 ? [] : [["SIGNED by", [...new Set(keys)].join("; and ")]];
}

function keyWords({ keyId, subject }: ShownKey): string {
  return subject === undefined ? keyId.slice(0, 12) : `${quoted(subject)} (${keyId.slice(0, 12)})`;
}

function signatureWords(signature: ShownSignature): string {
  switch (signature.state) {
    case "none":
    case "good":
      return "";
    case "bad":
      return ", ITS SIGNATURE IS BAD";
    case "unknown":
      return ", its signature cannot be judged";
  }
}

/** The view as lines: none is wider than a digest with its name, or than a terminal of `width`. */
export function viewLines({ path, verdict, notes, facts, parts }: DataView, width: number | undefined): string[] {
  const lines = [
    `${word(path)}: ${verdict}`,
    ...notes.map((note) => `! ${note}`),
    ...factLines(facts),
    ...parts.flatMap(({ title, facts, lists }) => [
      "",
      title,
      ...factLines(facts),
      ...lists.flatMap(({ title, changes }) => [
        ...title === "" ? [] : [`  ${title}:`],
        ...changes.flatMap(({ tag, what, from, to }) => [
          `  ${tag}: ${what}`,
          ...from === undefined ? [] : [`    was ${from}`],
          ...to === undefined ? [] : [`    ${what === "signed" ? "as" : "now"} ${to}`],
        ]),
      ]),
    ]),
  ];
  return width === undefined ? lines : lines.flatMap((line) => hanging(line, width));
}

function factLines(facts: ViewPart["facts"]): string[] {
  return facts.map(([name, value]) => `  ${name}: ${value}`);
}

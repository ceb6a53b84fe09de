/** The commands of the table: each with what was there before, and what is said of the repository after it. @module */
import { given, type Story } from "../support/local_story.ts";
import { CREDENTIALS } from "./guard.ts";
import { givenSigner } from "../support/story_keys.ts";

/** One command. */
export interface Scene {
  /** Its name in the table. */
  readonly name: string;
  /** What it is run on: the name of another scene's machine, or nothing. */
  readonly on?: MachineName;
  /** What is done on a copy of that, each time: what SignPath knows is gone with the service. */
  readonly before?: (story: Story) => Promise<readonly string[] | void>;
  /** Its command line; what `before` has returned stands at its end. */
  readonly args: readonly string[];
  /** Variables beside the story's. */
  readonly env?: Readonly<Record<string, string>>;
  /** Whether registry and Notary server want tokens, which run out when something is sent to SignPath; both are open to all unless said. */
  readonly isGuarded?: boolean;
  /** Flags for times that it takes with others only. */
  readonly without?: readonly string[];
  /** What is said to be done where it is done already, and only the rest is missing. */
  readonly goOn?: readonly string[];
  /** Whether what it writes is several files, of which the first may be there without the last; it says so. */
  readonly writesInTurn?: boolean;
  /** Whether a second run does all of it once more: who is told to look first does not run it where it is done. */
  readonly repeats?: boolean;
  /** What a second run may end with beside 0, saying what to do. */
  readonly again?: readonly number[];
}

const sign = (story: Story, ...more: string[]) => story.succeed(["sign", "-r", story.gun, ...more]);
const init = (story: Story, ...more: string[]) =>
  story.succeed(["init", "-r", story.gun, "--delegation-certificate", "signpath.cer", ...more]);
const DELEGATION = "the signer's own words";
const OTHER = {
  SIGNPATH_SIGNING_POLICY_SLUG: "other-signing",
};

/** What a machine holds before a command. */
export interface Machine {
  /** Another one, whose copy it begins as; an empty one unless said. */
  readonly from?: MachineName;
  /** What is done on it. */
  make(story: Story): Promise<unknown>;
}

/** The names of machines. */
export type MachineName =
  | "pushed"
  | "signed"
  | "signedByOthers"
  | "withTwoDelegations"
  | "setUpAnew"
  | "withKey"
  | "withSigningData"
  | "withSignedData";

/** All machines. */
export const MACHINES: Readonly<Record<MachineName, Machine>> = {
  pushed: { make: async (story) => [await story.push("v1"), await story.push("v2")] },
  signed: { from: "pushed", make: async (story) => [await init(story), await sign(story, "-t", "v1")] },
  signedByOthers: {
    from: "signed",
    async make(story) {
      await given(story, "other.cer", story.peers.otherCertificate!);
      const other = ["--delegation-certificate", "other.cer"];
      await story.succeed(["sign", "-r", story.gun, "-t", "v1,v2", "--scheme", "cosign,notation", ...other], {
        env: OTHER,
      });
    },
  },
  withTwoDelegations: {
    from: "signed",
    async make(story) {
      await given(story, "other.cer", story.peers.otherCertificate!);
      const other = ["--delegation", "other", "--delegation-certificate", "other.cer"];
      await story.succeed(["add-delegation", "-r", story.gun, ...other]);
    },
  },
  setUpAnew: {
    from: "signed",
    async make(story) {
      const [copy, old] = [`${story.trust}/tuf`, `${story.folder}/home/old`];
      await Deno.rename(copy, old);
      await init(story, "--force-reinitialize", "--yes", "--output-artifact-path", "new.pem");
      await Deno.remove(copy, { recursive: true });
      await Deno.rename(old, copy);
    },
  },
  withKey: {
    from: "signed",
    async make(story) {
      await givenSigner(story, "alice", DELEGATION);
      const alice = ["--delegation", "alice", "--delegation-certificate", "alice.cer"];
      await story.succeed(["add-delegation", "-r", story.gun, ...alice]);
    },
  },
  withSigningData: {
    from: "signed",
    make: (story) => story.succeed(["signing-data", "-r", story.gun, "-t", "v2", "--output-artifact-path", "data.zip"]),
  },
  withSignedData: {
    from: "withSigningData",
    make: (story) =>
      story.succeed([
        ...["submit", "--input-artifact-path", "data.zip", "--wait-for-completion"],
        ...["--output-artifact-path", "signed.zip"],
      ]),
  },
};

const filed = async (story: Story, ...more: string[]) => {
  const { stdout } = await story.succeed(["submit", "--input-artifact-path", "data.zip", ...more]);
  return [stdout.trim()];
};
const R = ["-r", "GUN"];

/** All of them; `GUN` stands for the repository, `URL` for the server's address. */
export const SCENES: readonly Scene[] = [
  {
    name: "init",
    on: "pushed",
    args: ["init", ...R, "--delegation-certificate", "signpath.cer", "--output-artifact-path", "root.pem"],
    again: [6],
    goOn: ["root-certificate", ...R, "--output-artifact-path", "root.pem"],
  },
  { name: "sign", on: "signed", args: ["sign", ...R, "-t", "v2"] },
  {
    name: "sign with tokens",
    on: "signedByOthers",
    args: ["sign", ...R, "-t", "v2", "--scheme", "dct,cosign", "--delegation-certificate", "signpath.cer"],
    env: CREDENTIALS,
    isGuarded: true,
  },
  {
    name: "sign by hash",
    on: "signed",
    args: ["sign", ...R, "-t", "v2", "--signing-method", "hash"],
    env: { SIGNPATH_PROJECT_SLUG: "demo-hashes" },
  },
  {
    name: "sign by key",
    on: "withKey",
    args: ["sign", ...R, "-t", "v2", "--signing-method", "key", "--delegation", "alice"],
    env: { NOTARY_DELEGATION_PASSPHRASE: DELEGATION },
  },
  {
    name: "sign with cosign and Notation",
    on: "signedByOthers",
    args: ["sign", ...R, "-t", "v2", "--scheme", "cosign,notation", "--delegation-certificate", "signpath.cer"],
  },
  {
    name: "signing-data",
    on: "signed",
    args: ["signing-data", ...R, "-t", "v2", "--output-artifact-path", "data.zip"],
  },
  {
    name: "submit",
    on: "withSigningData",
    args: ["submit", "--input-artifact-path", "data.zip"],
    without: ["waitForCompletionTimeout"],
    repeats: true,
  },
  {
    name: "download",
    on: "withSigningData",
    before: filed,
    args: ["download", "--output-artifact-path", "signed.zip"],
  },
  { name: "push", on: "withSignedData", args: ["push", ...R, "--input-artifact-path", "signed.zip"] },
  { name: "resume", on: "withSigningData", before: filed, args: ["resume", ...R] },
  {
    name: "cancel",
    on: "withSigningData",
    before: (story) => filed(story, "--signing-policy-slug", "release-signing-with-approval"),
    args: ["cancel"],
  },
  { name: "remove-tag", on: "signed", args: ["remove-tag", ...R, "-t", "v1"], again: [2] },
  { name: "renew", on: "signed", args: ["renew", ...R], repeats: true },
  {
    name: "add-delegation",
    on: "signed",
    before: async (story) => void await given(story, "other.cer", story.peers.otherCertificate!),
    args: ["add-delegation", ...R, "--delegation", "other", "--delegation-certificate", "other.cer"],
  },
  {
    name: "remove-delegation",
    on: "withTwoDelegations",
    args: ["remove-delegation", ...R, "--delegation", "other", "--yes"],
    again: [2],
  },
  ...["targets", "snapshot", "timestamp"].map((role) => ({
    name: `rotate-key ${role}`,
    on: "signed" as const,
    args: ["rotate-key", ...R, "--role", role],
  })),
  {
    name: "rotate-key root",
    on: "signed",
    args: ["rotate-key", ...R, "--role", "root", "--output-artifact-path", "new.pem"],
    again: [6],
  },
  { name: "delete-key", on: "signed", args: ["delete-key", "--role", "targets", ...R, "--yes", "--force"] },
  {
    name: "migrate",
    on: "signedByOthers",
    args: ["migrate", ...R, "--scheme", "cosign,notation", "--delegation-certificate", "signpath.cer"],
  },
  { name: "move", on: "signed", args: ["move", ...R, "--to-notary-url", "URL/to"] },
  { name: "forget", on: "setUpAnew", args: ["forget", ...R, "--root-pin", "new.pem", "--yes"] },
  { name: "export", on: "signed", args: ["export", ...R, "--output-artifact-path", "trust.zip"], again: [6] },
  { name: "root-certificate", on: "signed", args: ["root-certificate", ...R, "--output-artifact-path", "own.pem"] },
  {
    name: "policy",
    on: "signed",
    args: ["policy", ...R, "--delegation-from-signpath", "--for", "podman,notation", "--output-dir", "verifiers"],
    writesInTurn: true,
  },
];

/** Whether a scene is about another Notary server as well. */
export function movesTo({ args }: Scene): boolean {
  return args.some((arg) => arg.startsWith("URL/to"));
}

/**
 * Tests that need programs which not every machine has: skipped by name where they are missing, unless
 * `TAGSEAL_REQUIRE_PEERS=1` (continuous integration) makes that a failure.
 *
 * @module
 */
import { existsSync } from "node:fs";

/** Programs that a test may need; `dockerd` also needs root, the addon has to be built, and the verifiers be fetched. */
export type Need =
  | "notary"
  | "notary-server"
  | "docker-registry"
  | "skopeo"
  | "docker"
  | "dockerd"
  | "softhsm2"
  | "postgresql"
  | "verifiers"
  | "bash"
  | "zsh"
  | "fish"
  | "mandoc"
  | "curl"
  | "shellcheck"
  | "groovy"
  | "chromium"
  | "gitlab-ci-local"
  | "pkcs11 addon";

/** The real verifiers of cosign and Notation signatures, as `fetch_verifiers.sh` names them: cosign 2.5 and 3. */
export type Verifier = "cosign2" | "cosign3" | "notation" | "skopeo" | "oras" | "crane";

/** What a need takes: programs, and how to come by them; a plain name is Debian's package. */
interface Source {
  readonly programs: readonly string[];
  readonly from: string | { readonly remedy: string };
}

const ADDON = new URL("../../.tagseal-pkcs11/node_modules/pkcs11js/build/Release/pkcs11.node", import.meta.url);

const VERIFIERS: readonly Verifier[] = ["cosign2", "cosign3", "notation", "skopeo", "oras", "crane"];

const NEEDS: Readonly<Record<Exclude<Need, "pkcs11 addon">, Source>> = {
  "notary": { from: "notary", programs: ["notary"] },
  "notary-server": { from: "notary", programs: ["notary-server", "notary-signer", "setpriv"] },
  "docker-registry": { from: "docker-registry", programs: ["docker-registry", "setpriv"] },
  "skopeo": { from: "skopeo", programs: ["skopeo"] },
  "docker": { from: "docker.io", programs: ["docker"] },
  "curl": { from: "curl", programs: ["curl"] },
  "shellcheck": { from: "shellcheck", programs: ["shellcheck"] },
  "chromium": { from: "chromium", programs: ["chromium"] },
  "groovy": { from: "groovy", programs: ["groovy", "java"] },
  // The program itself comes from npm.
  "gitlab-ci-local": { from: "rsync", programs: ["rsync", "git", "bash"] },
  "postgresql": { from: "postgresql", programs: ["initdb", "postgres", "psql", "setpriv"] },
  "softhsm2": { from: "softhsm2", programs: ["softhsm2-util"] },
  "bash": { from: "bash bsdutils", programs: ["bash", "script"] },
  "zsh": { from: "zsh bsdutils", programs: ["zsh", "script"] },
  "fish": { from: "fish", programs: ["fish"] },
  "mandoc": { from: "mandoc", programs: ["mandoc"] },
  "verifiers": {
    from: { remedy: "run tests/support/fetch_verifiers.sh FOLDER and set TAGSEAL_VERIFIERS=FOLDER/bin" },
    programs: VERIFIERS,
  },
  "dockerd": { from: "docker.io", programs: ["dockerd", "setpriv"] },
};

/** Registers a test that runs where all of `needs` are installed. */
export function peerTest(name: string, needs: readonly Need[], fn: (t: Deno.TestContext) => Promise<void>): void {
  const missing = whatIsMissing(needs, isInstalled, Deno.uid() === 0, existsSync(ADDON));
  if (missing === undefined) {
    Deno.test(name, fn);
  } else if (Deno.env.get("TAGSEAL_REQUIRE_PEERS") === "1") {
    Deno.test(name, () => {
      throw new Error(`This test needs what is not here: ${missing}`);
    });
  } else {
    Deno.test({ name: `${name} (skipped: ${missing})`, ignore: true, fn });
  }
}

/** How to come by what is missing, or nothing where all is there. */
export function whatIsMissing(
  needs: readonly Need[],
  installed: (program: string) => boolean,
  root: boolean,
  addonBuilt = true,
): string | undefined {
  const absent = needs.filter((need) => need !== "pkcs11 addon").filter((need) =>
    !NEEDS[need].programs.every(installed)
  );
  const sources = absent.map((need) => NEEDS[need].from);
  const packages = [...new Set(sources.filter((from) => typeof from === "string"))];
  const remedies = packages.length > 0 ? [`install ${packages.join(" ")}`] : [];
  remedies.push(...sources.flatMap((from) => typeof from === "string" ? [] : from.remedy));
  if (needs.includes("dockerd") && !root) remedies.push("run as root");
  if (needs.includes("pkcs11 addon") && !addonBuilt) remedies.push("run deno task build-pkcs11");
  return remedies.length > 0 ? remedies.join(", ") : undefined;
}

/** Where a verifier is: in the folder that `TAGSEAL_VERIFIERS` names, else on `PATH`. */
export function verifier(name: Verifier): string {
  const fetched = `${Deno.env.get("TAGSEAL_VERIFIERS") ?? ""}/${name}`;
  return existsSync(fetched) ? fetched : name;
}

function isInstalled(program: string): boolean {
  const { TAGSEAL_VERIFIERS = "", PATH = "" } = Deno.env.toObject();
  return [TAGSEAL_VERIFIERS, ...PATH.split(":")].some((folder) => existsSync(`${folder}/${program}`));
}

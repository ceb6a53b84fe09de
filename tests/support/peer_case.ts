/**
 * Tests that need programs which not every machine has: skipped by name where they are missing, unless
 * `TAGSEAL_REQUIRE_PEERS=1` (continuous integration) makes that a failure.
 *
 * @module
 */
import { existsSync } from "node:fs";

/** Programs that a test may need; `dockerd` also needs root, and the addon has to be built. */
export type Need =
  | "notary"
  | "notary-server"
  | "docker-registry"
  | "skopeo"
  | "docker"
  | "dockerd"
  | "softhsm2"
  | "pkcs11 addon";

const ADDON = new URL("../../.tagseal-pkcs11/node_modules/pkcs11js/build/Release/pkcs11.node", import.meta.url);

/** Debian's package for each need, and the programs that count. */
const NEEDS: Readonly<
  Record<Exclude<Need, "pkcs11 addon">, { readonly package: string; readonly programs: readonly string[] }>
> = {
  "notary": { package: "notary", programs: ["notary"] },
  "notary-server": { package: "notary", programs: ["notary-server", "notary-signer", "setpriv"] },
  "docker-registry": { package: "docker-registry", programs: ["docker-registry", "setpriv"] },
  "skopeo": { package: "skopeo", programs: ["skopeo"] },
  "docker": { package: "docker.io", programs: ["docker"] },
  "softhsm2": { package: "softhsm2", programs: ["softhsm2-util"] },
  "dockerd": { package: "docker.io", programs: ["dockerd", "setpriv"] },
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
  const packages = [...new Set(absent.map((need) => NEEDS[need].package))];
  const remedies = packages.length > 0 ? [`install ${packages.join(" ")}`] : [];
  if (needs.includes("dockerd") && !root) remedies.push("run as root");
  if (needs.includes("pkcs11 addon") && !addonBuilt) remedies.push("run deno task build-pkcs11");
  return remedies.length > 0 ? remedies.join(", ") : undefined;
}

function isInstalled(program: string): boolean {
  return (Deno.env.get("PATH") ?? "").split(":").some((folder) => existsSync(`${folder}/${program}`));
}

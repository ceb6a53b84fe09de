/** A repository in which much has gone wrong over the years, on any servers: for who looks at repositories. @module */
import assert from "node:assert/strict";
import { keyOfCertificate } from "../../lib/crypto/keys.ts";
import { readCertificate } from "../../lib/crypto/x509.ts";
import { createSigningCertificate } from "../../lib/local/certificates.ts";
import { NOTARY_PASSPHRASES } from "./clients.ts";
import { type KeyFiles, NotaryOwner } from "./notary_owner.ts";
import type { Peers } from "./peers.ts";
import { pushContents, pushPlainly } from "./plain_push.ts";
import { type Outcome, tagseal } from "./run.ts";

const DAY_MS = 86_400_000;
const YEARS_MS = 3 * 365 * DAY_MS;

/** A messy repository, and what is needed to look at it. */
export interface MessyRepository {
  /** Its name. */
  readonly gun: string;
  /** What the registry served when its tags were signed, by tag. */
  readonly digests: Readonly<Record<string, string>>;
  /** When one of its delegations has expired, and the timestamp has not. */
  readonly at: Date;
  /** Runs tagseal as somebody who has never seen it, at that time. */
  auditor(...args: string[]): Promise<Outcome>;
  /** Runs tagseal as the owner, now or at another time. */
  owner(at: Date, ...args: string[]): Promise<Outcome>;
}

/**
 * `v1` and `v2` are signed by carol, `moved` is as well and then moved, `gone` is signed and was never pushed, `old` is
 * signed by alice, whose role expires; bob's key was replaced, so that his role is not trusted; `extra` is unsigned.
 */
export async function makeMessyRepository(
  peers: Peers,
  path: string,
  more: readonly string[] = [],
): Promise<MessyRepository> {
  const gun = `${peers.registryHost}/${path}`;
  const home = `${peers.dir}/${path.replaceAll("/", "_")}`;
  const owner = new NotaryOwner(peers, home, gun);
  const past = new Date(Date.now() - YEARS_MS + 5 * DAY_MS);
  const at = new Date(Date.now() + 10 * DAY_MS);
  const env = { HOME: home, ...NOTARY_PASSPHRASES };
  const where = ["--notary-url", peers.notaryUrl, "--ca", peers.caPath];
  const run = (at: Date, ...args: string[]) =>
    tagseal([...args, ...where, "--trust-dir", `${home}/trust`], { env, cwd: home, host: { now: () => at } });
  const succeeds = async (at: Date, ...args: string[]) => {
    const outcome = await run(at, ...args);
    assert.equal(outcome.code, 0, `tagseal ${args.join(" ")}: ${outcome.stderr}`);
  };
  const add = async (at: Date, name: string, key: string) => {
    const files = await oldKey(home, key, past);
    await succeeds(
      at,
      "add-delegation",
      "-r",
      gun,
      "--delegation",
      name,
      "--delegation-certificate",
      files.certificate,
    );
    return files;
  };
  const delegate = async (at: Date, name: string) => {
    const files = await add(at, name, name);
    await owner.run(["key", "import", files.key, "--role", `targets/${name}`]);
    return files;
  };
  const as = (name: string, { certificate }: KeyFiles) =>
    ["--signing-method", "key", "--delegation", name, "--delegation-certificate", certificate] as const;
  const sign = (at: Date, name: string, key: KeyFiles, ...tags: string[]) =>
    succeeds(at, "sign", "-r", gun, "-t", tags.join(","), ...as(name, key));

  await Deno.mkdir(home, { recursive: true });
  const digests = await pushPlainly(peers, path, "v1", "v2", "moved", "old", "extra", ...more);
  await succeeds(past, "init", "-r", gun);
  await sign(past, "alice", await delegate(past, "alice"), "old");
  const now = new Date();
  const bob = await delegate(now, "bob");
  await sign(now, "bob", bob, "v1");
  const carol = await delegate(now, "carol");
  await sign(now, "carol", carol, "v1", "v2", "moved", ...more);
  const list = `${home}/gone.txt`;
  await Deno.writeTextFile(list, `${gun}:gone@sha256:${"9".repeat(64)} 528\n`);
  await succeeds(now, "sign", "--from", list, ...as("carol", carol));
  // Without bob's old key nothing that he signed with it counts.
  await add(now, "bob", "bob2");
  const { canonicalId } = keyOfCertificate(readCertificate(await Deno.readTextFile(bob.certificate)));
  await succeeds(now, "remove-delegation", "-r", gun, "--key", canonicalId, "--yes");
  await pushContents(peers, path, { moved: "something else" });
  return {
    gun,
    digests,
    at,
    owner: run,
    auditor: async (...args) => {
      const auditor = await Deno.makeTempDir({ dir: peers.dir, prefix: "auditor-" });
      return await tagseal([...args, ...where], { env: { HOME: auditor }, cwd: home, host: { now: () => at } });
    },
  };
}

/** A key whose certificate is valid since `past`. */
async function oldKey(folder: string, commonName: string, past: Date): Promise<KeyFiles> {
  const { certificatePem, privateKey } = await createSigningCertificate({
    commonName,
    algorithm: "ecdsa-p256",
    now: past,
    days: 5000,
  });
  const files = { certificate: `${folder}/${commonName}.crt`, key: `${folder}/${commonName}.key` };
  await Deno.writeTextFile(files.certificate, certificatePem);
  const pem = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  await Deno.writeTextFile(files.key, pem, { mode: 0o600 });
  return files;
}

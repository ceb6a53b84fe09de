/**
 * Repositories for tests, right in all but what a test changes.
 *
 * {@linkcode buildFiles} makes the files of a repository as a Notary server would show them: root with a certificate for
 * the GUN, targets, snapshot, timestamp, and the delegations of a {@linkcode Plan}. A plan may change what a role signs
 * (`set`), who signs it (`signers`), the file before its parent hashes it (`sealed`) and after that (`served`).
 * {@linkcode judge} takes such files through `lib/tuf/trusted.ts`, step by step.
 *
 * @module
 */
import "reflect-metadata";
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import * as x509 from "@peculiar/x509";
import { type Bytes, utf8 } from "../../lib/bytes/bytes.ts";
import { canonicalJson } from "../../lib/bytes/canonical_json.ts";
import { isJsonObject, type JsonObject, jsonObject, type JsonValue } from "../../lib/bytes/json.ts";
import { hash } from "../../lib/crypto/hash.ts";
import { keyOfCertificate, type PublicKey } from "../../lib/crypto/keys.ts";
import { privateKeyOf } from "../../lib/crypto/key_object.ts";
import { localSigner, type RawSignature, type Signer } from "../../lib/crypto/signer.ts";
import { type Certificate, readCertificate } from "../../lib/crypto/x509.ts";
import { BASE_ROLES, type BaseRole, type DelegationRole, type RoleName } from "../../lib/tuf/roles.ts";
import {
  advanceDelegation,
  advanceRoot,
  advanceSnapshot,
  advanceTargets,
  advanceTimestamp,
  type Anchor,
  openDelegations,
  openRoot,
  type TrustedRepository,
} from "../../lib/tuf/trusted.ts";

/** The repository of all tests. */
export const GUN = "registry.test/acme/app";
/** The time at which the tests judge. */
export const AT: Date = new Date("2026-06-01T12:00:00Z");
/** When everything in a fresh repository expires. */
export const EXPIRES = "2027-06-01T12:00:00Z";

/** A private key, and its public half as metadata files it. */
export interface TestKey {
  readonly privateKey: KeyObject;
  readonly signer: Signer;
  readonly publicKey: PublicKey;
}

/** A new P-256 key, in its plain form. */
export function newKey(): TestKey {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const signer = localSigner(privateKeyOf(privateKey));
  return { privateKey, signer, publicKey: signer.publicKey };
}

/** What may be odd about a certificate. */
export interface CertificateOptions {
  readonly commonName?: string;
  readonly from?: string;
  readonly to?: string;
  readonly ca?: boolean;
  readonly hash?: "SHA-256" | "SHA-1";
  readonly usage?: number;
  /** Who signs it: itself unless given. */
  readonly issuer?: TestKey;
}

/** A certificate for a key, of which the public part is enough (its SPKI) where somebody else issues it. */
export async function certify(
  key: TestKey | (Bytes & { readonly privateKey?: never }),
  options: CertificateOptions = {},
): Promise<Certificate> {
  const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: options.hash ?? "SHA-256" };
  const pkcs8 = (options.issuer?.privateKey ?? key.privateKey!).export({ type: "pkcs8", format: "der" });
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: "0123",
    subject: [{ CN: [options.commonName ?? GUN] }],
    issuer: [{ CN: [options.issuer ? "An issuer" : options.commonName ?? GUN] }],
    notBefore: new Date(options.from ?? "2026-01-01T00:00:00Z"),
    notAfter: new Date(options.to ?? "2036-01-01T00:00:00Z"),
    publicKey: key instanceof Uint8Array ? key : key.signer.publicKey.spki,
    signingKey: await crypto.subtle.importKey("pkcs8", new Uint8Array(pkcs8), algorithm, false, ["sign"]),
    signingAlgorithm: algorithm,
    extensions: [
      new x509.BasicConstraintsExtension(options.ca ?? false, undefined, true),
      ...(options.usage === undefined ? [] : [new x509.KeyUsagesExtension(options.usage, true)]),
    ],
  });
  return readCertificate(new Uint8Array(certificate.rawData));
}

/** The same key, filed as a certificate. */
export async function certified(key: TestKey, options: CertificateOptions = {}): Promise<TestKey> {
  return { ...key, publicKey: keyOfCertificate(await certify(key, options)) };
}

/** The keys that repositories have unless a plan says otherwise: made once, for the whole run. */
export const KEYS: Readonly<Record<BaseRole | "releases" | "alice" | "stranger", TestKey>> = {
  root: await certified(newKey()),
  targets: newKey(),
  snapshot: newKey(),
  timestamp: newKey(),
  releases: await certified(newKey(), { commonName: "releases" }),
  alice: newKey(),
  stranger: newKey(),
};

/** A change: the value at a path in `signed`; `undefined` takes the member away. */
export type Change = readonly [path: readonly (string | number)[], value: JsonValue | undefined];

/** What is special about one role. */
export interface RolePlan {
  readonly version?: number;
  readonly expires?: string;
  readonly set?: readonly Change[];
  /** Who signs, instead of the role's keys. */
  readonly signers?: readonly TestKey[];
  /** Changes the signed file, before its parent names it. */
  readonly sealed?: (file: Bytes) => Bytes;
  /** Changes the file after its parent has named it. */
  readonly served?: (file: Bytes) => Bytes;
}

/** What is special about targets or a delegation. */
export interface TargetsPlan extends RolePlan {
  /** Tag to digest. */
  readonly tags?: Readonly<Record<string, string>>;
}

/** A delegation, as its parent lists it. */
export interface DelegationPlan extends TargetsPlan {
  readonly keys?: readonly TestKey[];
  readonly threshold?: number;
  readonly paths?: readonly string[];
  /** Whether the snapshot names its file. */
  readonly published?: boolean;
}

/** What is special about a repository. */
export interface Plan {
  /** The keys and the threshold of base roles. */
  readonly keys?: Readonly<Partial<Record<BaseRole, readonly TestKey[]>>>;
  readonly threshold?: Readonly<Partial<Record<BaseRole, number>>>;
  readonly root?: RolePlan;
  readonly timestamp?: RolePlan;
  readonly snapshot?: RolePlan;
  readonly targets?: TargetsPlan;
  /** All delegations; `targets/releases` and `targets/alice`, both with {@linkcode DIGEST} as `v1`, unless given. */
  readonly delegations?: Readonly<Record<DelegationRole, DelegationPlan>>;
}

/** A manifest digest. */
export const DIGEST: string = "ab".repeat(32);

/** The two delegations of a repository whose plan does not speak of them. */
export const DELEGATIONS: Readonly<Record<DelegationRole, DelegationPlan>> = {
  "targets/releases": { keys: [KEYS.releases], tags: { v1: DIGEST } },
  "targets/alice": { keys: [KEYS.alice], tags: { v1: DIGEST } },
};

/** The files of a repository: each role as it is served. */
export async function buildFiles(plan: Plan = {}): Promise<Map<RoleName, Bytes>> {
  const delegations = Object.entries(plan.delegations ?? DELEGATIONS) as [DelegationRole, DelegationPlan][];
  const keysOf = (role: BaseRole) => plan.keys?.[role] ?? [KEYS[role]];
  const served = new Map<RoleName, Bytes>();
  const meta: [string, JsonValue][] = [];

  async function file(role: RoleName, signed: JsonObject, keys: readonly TestKey[], special: RolePlan = {}) {
    const dated = changed(changed(signed, ["version"], special.version ?? 1), ["expires"], special.expires ?? EXPIRES);
    const content = (special.set ?? []).reduce((value, [path, to]) => changed(value, path, to), dated);
    const made = await signedFile(content, special.signers ?? keys);
    const sealed = special.sealed?.(made) ?? made;
    meta.push([role, metaOf(sealed)]);
    served.set(role, special.served?.(sealed) ?? sealed);
  }
  const listed = (parent: RoleName) => {
    const children = delegations.filter(([name]) => name.slice(0, name.lastIndexOf("/")) === parent);
    return jsonObject([
      ["keys", jsonObject(children.flatMap(([, child]) => filed(child.keys ?? [])))],
      [
        "roles",
        children.map(([name, { keys = [], paths = [""], threshold = 1 }]) =>
          jsonObject([["keyids", ids(keys)], ["name", name], ["paths", paths], ["threshold", threshold]])
        ),
      ],
    ]);
  };
  const targets = (role: RoleName, tags: Readonly<Record<string, string>> = {}) =>
    jsonObject([
      ["_type", "Targets"],
      ["delegations", listed(role)],
      ["targets", jsonObject(Object.entries(tags).map(([tag, digest]) => [tag, target(digest)]))],
    ]);

  for (const [name, special] of delegations) {
    if (special.published !== false) await file(name, targets(name, special.tags), special.keys ?? [], special);
  }
  await file("targets", targets("targets", plan.targets?.tags), keysOf("targets"), plan.targets);
  const role = (name: BaseRole) =>
    jsonObject([["keyids", ids(keysOf(name))], ["threshold", plan.threshold?.[name] ?? 1]]);
  const root = jsonObject([
    ["_type", "Root"],
    ["consistent_snapshot", false],
    ["keys", jsonObject(BASE_ROLES.flatMap((name) => filed(keysOf(name))))],
    ["roles", jsonObject(BASE_ROLES.map((name) => [name, role(name)]))],
  ]);
  await file("root", root, keysOf("root"), plan.root);
  const snapshot = jsonObject([["_type", "Snapshot"], ["meta", jsonObject(meta)]]);
  await file("snapshot", snapshot, keysOf("snapshot"), plan.snapshot);
  const timestamp = jsonObject([["_type", "Timestamp"], ["meta", jsonObject(meta.slice(-1))]]);
  await file("timestamp", timestamp, keysOf("timestamp"), plan.timestamp);
  return served;
}

/** A target entry for a digest. */
export function target(digest: string): JsonObject {
  return jsonObject([["hashes", jsonObject([["sha256", Uint8Array.fromHex(digest).toBase64()]])], ["length", 528]]);
}

/** The entry of a file in its parent's `meta`. */
export function metaOf(file: Bytes): JsonObject {
  const hashes = (["sha256", "sha512"] as const).map((name) => [name, hash(name, file).toBase64()] as const);
  return jsonObject([["hashes", jsonObject(hashes)], ["length", file.length]]);
}

/** What keys have signed: hundreds of repositories have most of their files in common. */
const SIGNED = new WeakMap<Signer, Map<string, Promise<RawSignature>>>();
const SHORT = 100_000;

function signatureOf(signer: Signer, payload: Bytes): Promise<RawSignature> {
  if (payload.length > SHORT) return signer.sign(payload);
  const known = SIGNED.get(signer) ?? new Map<string, Promise<RawSignature>>();
  SIGNED.set(signer, known);
  const text = new TextDecoder().decode(payload);
  const signature = known.get(text) ?? signer.sign(payload);
  known.set(text, signature);
  return signature;
}

/** A metadata file over `signed`, signed by each of `signers`, under the ids that metadata files them. */
export async function signedFile(signed: JsonObject, signers: readonly TestKey[]): Promise<Bytes> {
  const payload = canonicalJson(signed);
  const signatures = await Promise.all(signers.map(async ({ signer, publicKey }) => {
    const { method, bytes } = await signatureOf(signer, payload);
    return jsonObject([["keyid", publicKey.id], ["method", method], ["sig", bytes.toBase64()]]);
  }));
  return utf8(JSON.stringify({ signed, signatures })); // not canonical: readers must not take it for granted
}

/** `value` with another value at `path`; `undefined` takes the member away. */
export function changed(value: JsonObject, path: readonly (string | number)[], to: JsonValue | undefined): JsonObject {
  const go = (here: JsonValue | undefined, [step, ...rest]: readonly (string | number)[]): JsonValue => {
    if (typeof step === "number") {
      const list = Array.isArray(here) ? [...here as JsonValue[]] : [];
      list[step] = rest.length > 0 ? go(list[step], rest) : to ?? null;
      return list;
    }
    const entries = Object.entries(isJsonObject(here) ? here : {}).filter(([name]) => name !== step);
    const next = rest.length > 0 ? go(isJsonObject(here) ? here[step!] : undefined, rest) : to;
    return jsonObject(next === undefined ? entries : [...entries, [step!, next]]);
  };
  return go(value, path) as JsonObject;
}

/** How {@linkcode judge} looks at a repository. */
export interface JudgeOptions {
  readonly gun?: string;
  readonly at?: Date;
  readonly anchor?: Anchor;
  /** Versions that were trusted before, with the same content but for the version. */
  readonly floors?: Readonly<Partial<Record<RoleName, number>>>;
  /** Files that were trusted before. */
  readonly kept?: ReadonlyMap<RoleName, Bytes>;
  /** Roots between the anchor's and the newest. */
  readonly between?: readonly Bytes[];
}

/** All steps of `lib/tuf/trusted.ts`, in order. */
export async function judge(
  files: ReadonlyMap<RoleName, Bytes>,
  options: JudgeOptions = {},
): Promise<TrustedRepository> {
  const bytes = (role: RoleName) => files.get(role)!;
  const floors = new Map([
    ...options.kept ?? [],
    ...Object.entries(options.floors ?? {}).map(([role, version]) =>
      [role as RoleName, atVersion(files.get(role as RoleName), version!)] as const
    ),
  ]);
  const anchor = options.anchor ?? { kind: "first-use" };
  let phase = await openRoot(options.gun ?? GUN, bytes("root"), anchor, floors, options.at ?? AT);
  for (const root of [...options.between ?? [], bytes("root")]) phase = await advanceRoot(phase, root);
  const stamped = await advanceTimestamp(phase, bytes("timestamp"));
  let repository = await advanceTargets(await advanceSnapshot(stamped, bytes("snapshot")), bytes("targets"));
  for (let open = openDelegations(repository); open.length > 0; open = openDelegations(repository)) {
    for (const delegation of open) {
      repository = await advanceDelegation(repository, delegation, files.get(delegation.name));
    }
  }
  return repository;
}

/** What was kept of a role: what it says now, with another version. */
function atVersion(file: Bytes | undefined, version: number): Bytes {
  const { signed } = file ? JSON.parse(new TextDecoder().decode(file)) : { signed: {} };
  return utf8(JSON.stringify({ signed: { ...signed, version }, signatures: [] }));
}

function ids(keys: readonly TestKey[]): string[] {
  return keys.map(({ publicKey }) => publicKey.id);
}

function filed(keys: readonly TestKey[]): [string, JsonValue][] {
  return keys.map(({ publicKey }) => [publicKey.id, publicKey.json]);
}

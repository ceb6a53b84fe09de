/**
 * The attack suite: every way to damage or forge a file, for every role, against a machine that meets the repository for
 * the first time and against one that knows it. After each refusal the local copy is byte for byte what it was.
 */
import assert from "node:assert/strict";
import { type Bytes, concat, utf8 } from "../../lib/bytes/bytes.ts";
import { jsonObject, type JsonValue } from "../../lib/bytes/json.ts";
import { isTagsealError, type TagsealErrorCode } from "../../lib/errors.ts";
import { createMemoryMetadataStore, type MetadataStore } from "../../lib/notary/metadata_store.ts";
import { readRepository, type ReadResult } from "../../lib/notary/update.ts";
import { resolveTag } from "../../lib/tuf/resolve.ts";
import { BASE_ROLES, type DelegationRole, parentOf, type RoleName } from "../../lib/tuf/roles.ts";
import { failsWith } from "../support/failures.ts";
import { MemoryTrustServer } from "../support/memory_trust_server.ts";
import { below, damaged, pick, random } from "../support/random.ts";
import {
  AT,
  buildFiles,
  type Change,
  type DelegationPlan,
  DIGEST,
  EXPIRES,
  GUN,
  KEYS,
  newKey,
  type Plan,
  type RolePlan,
  target,
  type TestKey,
} from "../support/trust_builder.ts";

const BETA: DelegationRole = "targets/releases/beta";
const ROLES: readonly RoleName[] = [...BASE_ROLES, "targets/releases", BETA];
const DELEGATED: Readonly<Record<DelegationRole, DelegationPlan>> = {
  "targets/releases": { keys: [KEYS.releases], tags: { v1: DIGEST } },
  [BETA]: { keys: [KEYS.alice], tags: { beta: DIGEST } },
};

/** What is special about some roles. */
type Specials = Readonly<Partial<Record<RoleName, DelegationPlan>>>;

/** A repository with all its roles at `version`, but for what is special. */
function moment(version: number, specials: Specials = {}): Plan {
  const special = (role: RoleName) => ({ version, ...specials[role] });
  return {
    ...Object.fromEntries(BASE_ROLES.map((role) => [role, special(role)])),
    delegations: Object.fromEntries(
      Object.entries(DELEGATED).map(([role, plan]) => [role, { ...plan, ...special(role as RoleName) }]),
    ),
  };
}

const [KNOWN, NEXT] = [await buildFiles(moment(2)), await buildFiles(moment(3))];

/** Another value at a path of what `role` signs. */
function setIn(role: RoleName, path: Change[0], value: JsonValue | undefined): Specials {
  return { [role]: { set: [[path, value]] as Change[] } } as Specials;
}

/** Where the keys, threshold and paths of `role` stand. */
function inParent(role: RoleName, path: Change[0], value: JsonValue | undefined): Specials {
  if (!isBelowTargets(role)) return setIn("root", ["roles", role, ...path], value);
  return setIn(parentOf(role), ["delegations", "roles", 0, ...path], value);
}

function isBelowTargets(role: RoleName): role is DelegationRole {
  return role.startsWith("targets/");
}

/** The file that says where and what the keys of `role` are. */
function authorityOf(role: RoleName): RoleName {
  return isBelowTargets(role) ? parentOf(role) : "root";
}

/** The file that names the length and hashes of `role`. */
function listingOf(role: RoleName): "timestamp" | "snapshot" {
  return role === "snapshot" ? "timestamp" : "snapshot";
}

const text = (bytes: Bytes) => new TextDecoder().decode(bytes);
/** Changes the text of a file. */
const rewritten = (from: string | RegExp, to: string) => (file: Bytes): Bytes => {
  const changed = text(file).replace(from, to);
  assert.notEqual(changed, text(file), `there is no ${from} in it`);
  return utf8(changed);
};

const KEY_OF: Readonly<Record<string, TestKey>> = {
  ...KEYS,
  "targets/releases": KEYS.releases,
  [BETA]: KEYS.alice,
};

type Outcome = "refused" | "accepted";
interface Attack {
  /** What somebody does. */
  readonly name: string;
  /** To which roles; all unless said. */
  readonly roles?: readonly RoleName[];
  /** How. */
  readonly specials: (role: RoleName) => Specials;
  /** More of the plan: keys and thresholds of base roles. */
  readonly plan?: (role: RoleName) => Plan;
  /** Changes what the server shows in the end. */
  readonly serve?: (files: Map<RoleName, Bytes>, role: RoleName) => void;
  /** Where it must have been known before, or must not. */
  readonly state?: "fresh" | "cached";
  readonly outcome: Outcome;
  readonly code?: (role: RoleName) => TagsealErrorCode;
  /** The words of the refusal. */
  readonly words?: (role: RoleName) => string | readonly string[];
}

const on = (special: DelegationPlan | ((role: RoleName) => DelegationPlan)) => (role: RoleName): Specials => ({
  [role]: typeof special === "function" ? special(role) : special,
});
const sealed = (change: (file: Bytes) => Bytes) => on({ sealed: change });
const malformed = (words: string) => (role: RoleName) => [`The trust data of "${role}" is malformed: `, words];
const notStrict = (words: string) => (role: RoleName) => [...malformed("it is not strict JSON: ")(role), words];
const unsigned = (role: RoleName) => `The trust data of "${role}" is not signed by`;

/** The same file with a value of `signed` changed and everything signed properly. */
function valued(name: string, path: Change[0], value: JsonValue | undefined, words: string): Attack {
  return { name, specials: on({ set: [[path, value]] }), outcome: "refused", words: malformed(words) };
}

/** The same file with its text changed before its parent names it. */
function texted(name: string, change: (file: Bytes) => Bytes, words: string): Attack {
  return { name, specials: sealed(change), outcome: "refused", words: notStrict(words) };
}

/** The parent that names keys and threshold of a role is malformed. */
function inAuthority(name: string, specials: Attack["specials"], words: string): Attack {
  return { name, specials, outcome: "refused", words: (role) => malformed(words)(authorityOf(role)) };
}

const LISTED = ROLES.filter((role) => role !== "timestamp");
const CHILDREN = ROLES.filter((role) => role !== "timestamp" && role !== "root");

const ATTACKS: readonly Attack[] = [
  // Nothing is wrong
  { name: "nothing at all", roles: ["root"], specials: () => ({}), outcome: "accepted" },
  {
    name: "an unknown member in signed",
    specials: on({ set: [[["x-new"], jsonObject([["a", [1, null, true]]])]] }),
    outcome: "accepted",
  },
  {
    name: "an unknown member in the envelope",
    specials: sealed(rewritten("{", '{"x-new":[{}],')),
    outcome: "accepted",
  },
  {
    name: "an unknown member in a signature",
    specials: sealed(rewritten('"keyid"', '"x-new":1,"keyid"')),
    outcome: "accepted",
  },
  {
    name: "a member whose name differs from a known one by case",
    specials: on({ set: [[["Expires"], "2001-01-01T00:00:00Z"], [["VERSION"], 1]] }),
    outcome: "accepted",
  },
  {
    name: "members named like those of Object",
    specials: on({ set: [[["__proto__"], jsonObject([["version", 1]])], [["constructor"], 1]] }),
    outcome: "accepted",
  },
  {
    name: "pretty printing",
    specials: sealed((file) => utf8(JSON.stringify(JSON.parse(text(file)), null, 3))),
    outcome: "accepted",
  },
  {
    name: "a method in capitals",
    specials: sealed(rewritten('"method":"ecdsa"', '"method":"ECDSA"')),
    outcome: "accepted",
  },
  {
    name: "the signature of a stranger beside the right one",
    specials: on((role) => ({ signers: [KEYS.stranger, KEY_OF[role]!] })),
    outcome: "accepted",
  },
  {
    name: "the right signature twice",
    specials: on((role) => ({ signers: [KEY_OF[role]!, KEY_OF[role]!] })),
    outcome: "accepted",
  },
  {
    name: "odd tags",
    roles: ["targets", "targets/releases"],
    specials: on({
      set: ["__proto__", "constructor", "", "\u0000\u001b[2J", "ä\u{1f600}\ue000", '"\\', "V1 "]
        .map((tag): Change => [["targets", tag], target(DIGEST)]),
    }),
    outcome: "accepted",
  },
  {
    name: "custom data with numbers as Go writes them",
    roles: ["targets", "targets/releases"],
    specials: on({ set: [[["targets", "x"], jsonObject([...Object.entries(target(DIGEST)), ["custom", [1, "a"]]])]] }),
    outcome: "accepted",
  },
  {
    name: "a file that nobody knows named like a member of Object",
    roles: ["snapshot", "timestamp"],
    specials: on({
      set: [[
        ["meta", "__proto__"],
        jsonObject([["hashes", jsonObject([["sha256", new Uint8Array(32).toBase64()]])], ["length", 1]]),
      ]],
    }),
    outcome: "accepted",
  },
  // Missing
  {
    name: "withholding the file",
    specials: () => ({}),
    serve: (files, role) => files.delete(role),
    outcome: "refused",
    code: (role) => role === "root" ? "not-found" : "trust-invalid",
    words: (role) =>
      role === "root"
        ? "has no trust data"
        : isBelowTargets(role)
        ? "the snapshot names it, and the server does not have it"
        : `does not have "${role}", though it must exist`,
  },
  {
    name: "an empty file",
    specials: () => ({}),
    serve: (files, role) => files.set(role, utf8("")),
    roles: ["root", "timestamp"],
    outcome: "refused",
    words: notStrict("unexpected end"),
  },
  // Bit flips and JSON damage
  {
    name: "a bit flipped in signed",
    specials: sealed(rewritten('"version":3', '"version":7')),
    outcome: "refused",
    words: unsigned,
  },
  {
    name: "a bit flipped in the signature",
    specials: sealed((file) => {
      const document = JSON.parse(text(file));
      const sig = Uint8Array.fromBase64(document.signatures[0].sig);
      sig[40]! ^= 4;
      document.signatures[0].sig = sig.toBase64();
      return utf8(JSON.stringify(document));
    }),
    outcome: "refused",
    words: unsigned,
  },
  texted("cutting off the last byte", (file) => file.slice(0, -1), "at position"),
  texted("cutting off the second half", (file) => file.slice(0, file.length >> 1), "at position"),
  texted("a second document behind", (file) => concat(file, file), "more than one value"),
  texted("a byte order mark", (file) => concat(utf8("\ufeff"), file), "at position 0"),
  texted("bytes that are no UTF-8", invalidUtf8, "not UTF-8"),
  texted("half of a surrogate pair", rewritten("{", '{"\\ud800":1,'), "half of a surrogate pair"),
  texted("a raw control character", rewritten("{", '{"\u0001":1,'), "a control character"),
  texted("nesting without end", rewritten("{", `{"x":${"[".repeat(5000)}${"]".repeat(5000)},`), "nested too deeply"),
  texted("a trailing comma", rewritten(/}$/, ",}"), "a member name is missing"),
  // Duplicate members
  texted(
    "a duplicate member in signed",
    rewritten('"signed":{', '"signed":{"version":3,'),
    'the member "version" stands there twice',
  ),
  texted(
    "a duplicate member by an escape",
    rewritten('"signed":{', '"signed":{"\\u0076ersion":3,'),
    'the member "version" stands there twice',
  ),
  texted("signed twice", rewritten("{", '{"signed":{},'), 'the member "signed" stands there twice'),
  texted("two signature lists", rewritten("{", '{"signatures":[],'), 'the member "signatures" stands there twice'),
  texted("a duplicate in a signature", rewritten('"keyid"', '"keyid":"","keyid"'), 'the member "keyid" stands there'),
  {
    ...texted("a tag added by a duplicate", (file) => file, ""),
    roles: ["targets", "targets/releases", BETA],
    specials: sealed(rewritten('"targets":{', '"targets":{},"targets":{')),
    words: notStrict('the member "targets" stands there twice'),
  },
  // Numbers
  texted("a version written as a float", rewritten('"version":3', '"version":3.0'), "is not written as an integer"),
  texted("a version with an exponent", rewritten('"version":3', '"version":3e0'), "is not written as an integer"),
  texted("a version beyond 2^53", rewritten('"version":3', '"version":9007199254740993'), "not an integer within 2^53"),
  texted("a version with a leading zero", rewritten('"version":3', '"version":03'), "at position"),
  valued("a version that is a string", ["version"], "3", "signed.version: an integer from 1 is needed"),
  valued("a version of 0", ["version"], 0, "signed.version: an integer from 1 is needed"),
  valued("a negative version", ["version"], -3, "signed.version: an integer from 1 is needed"),
  valued("a version that is null", ["version"], null, "signed.version: an integer from 1 is needed"),
  valued("no version", ["version"], undefined, "signed.version: an integer from 1 is needed"),
  valued("a version beyond 2^31", ["version"], 2 ** 31, "signed.version: an integer from 1 is needed"),
  // Types
  valued("no _type", ["_type"], undefined, "signed._type: a string is needed"),
  valued("the _type of no role", ["_type"], "Mirrors", "signed._type: "),
  {
    name: "the _type in lower case",
    specials: on((role) => ({ set: [[["_type"], isBelowTargets(role) ? "targets" : role]] })),
    outcome: "refused",
    words: malformed("signed._type: "),
  },
  {
    name: "the _type of another role",
    specials: on((role) => ({ set: [[["_type"], role === "root" ? "Targets" : "Root"]] })),
    outcome: "refused",
    words: malformed("signed._type: "),
  },
  valued("no expiry", ["expires"], undefined, "signed.expires: a string is needed"),
  valued("an expiry that is a number", ["expires"], 4102444800, "signed.expires: a string is needed"),
  valued("an expiry that is no day", ["expires"], "2027-02-30T00:00:00Z", "signed.expires: an RFC 3339 time is needed"),
  valued("an expiry in local time", ["expires"], "2027-02-01T00:00:00", "signed.expires: an RFC 3339 time is needed"),
  {
    name: "signed that is null",
    specials: sealed(rewritten(/"signed":\{.*\},"signatures"/, '"signed":null,"signatures"')),
    outcome: "refused",
    words: malformed("signed: an object is needed"),
  },
  {
    name: "signatures that are an object",
    specials: sealed(rewritten(/"signatures":.*$/, '"signatures":{}}')),
    outcome: "refused",
    words: malformed("signatures: an array is needed"),
  },
  {
    name: "more signatures than anybody makes",
    specials: sealed(rewritten(/"signatures":\[/, `"signatures":[${"{},".repeat(1000)}`)),
    outcome: "refused",
    words: malformed("signatures: at most 1000 entries are read"),
  },
  {
    name: "a signature in lax base64",
    specials: sealed(rewritten(/"sig":"(.{8})/, '"sig":"$1\\n')),
    outcome: "refused",
    words: malformed("signatures[0].sig: base64 is needed"),
  },
  ...(["targets", "targets/releases", BETA] as const).flatMap((role): Attack[] => [
    { ...valued("targets that are a list", ["targets"], [], "signed.targets: an object is needed"), roles: [role] },
    {
      ...valued(
        "a tag without hash",
        ["targets", "x"],
        jsonObject([["length", 1], ["hashes", jsonObject()]]),
        'signed.targets.x.hashes["sha256"]: ',
      ),
      roles: [role],
    },
    {
      ...valued(
        "a tag of negative length",
        ["targets", "x"],
        jsonObject([...Object.entries(target(DIGEST)), ["length", -1]]),
        "signed.targets.x.length: ",
      ),
      roles: [role],
    },
    {
      ...valued(
        "a tag with a short digest",
        ["targets", "x"],
        jsonObject([["length", 1], ["hashes", jsonObject([["sha256", "AAAA"]])]]),
        "base64 of 32 bytes is needed",
      ),
      roles: [role],
    },
    ...["targets/__proto__/x", "targets/UP", "targets", `${role}/../x`, `${role}/`, `${role}/a\u0000`].map((name) => ({
      ...valued(
        `a delegation named ${JSON.stringify(name)}`,
        ["delegations", "roles"],
        [jsonObject([["name", name], ["keyids", []], ["paths", [""]], ["threshold", 1]])],
        "delegations.roles[0].name: ",
      ),
      roles: [role],
    })),
  ]),
  // Signatures
  { name: "no signature", specials: on({ signers: [] }), outcome: "refused", words: malformed("it has no signatures") },
  {
    name: "the signature of a stranger",
    specials: on({ signers: [KEYS.stranger] }),
    outcome: "refused",
    words: unsigned,
  },
  {
    name: "the signature of another role's key",
    specials: on((role) => ({ signers: [KEYS[role === "timestamp" ? "snapshot" : "timestamp"]] })),
    outcome: "refused",
    words: unsigned,
  },
  {
    name: "the signature of a stranger under the right key id",
    specials: on((role) => ({ signers: [{ ...KEYS.stranger, publicKey: KEY_OF[role]!.publicKey }] })),
    outcome: "refused",
    words: unsigned,
  },
  {
    name: "an unknown signature method",
    specials: sealed(rewritten('"method":"ecdsa"', '"method":"none"')),
    outcome: "refused",
    words: unsigned,
  },
  {
    name: "a method named like a member of Object",
    specials: sealed(rewritten('"method":"ecdsa"', '"method":"__proto__"')),
    outcome: "refused",
    words: unsigned,
  },
  {
    name: "the method of another kind of key",
    specials: sealed(rewritten('"method":"ecdsa"', '"method":"rsapss"')),
    outcome: "refused",
    words: unsigned,
  },
  {
    name: "the signature over another file of the same role",
    specials: () => ({}),
    serve: (files, role) => files.set(role, graft(files.get(role)!, KNOWN.get(role)!)),
    roles: ["root", "timestamp"],
    outcome: "refused",
    words: unsigned,
  },
  // Thresholds
  ...[0, -1, null, "1", undefined].map((value) =>
    inAuthority(
      `a threshold of ${JSON.stringify(value)}`,
      (role) => inParent(role, ["threshold"], value),
      "threshold: an integer from 1 is needed",
    )
  ),
  {
    name: "a threshold that one key cannot meet",
    specials: (role) => inParent(role, ["threshold"], 2),
    outcome: "refused",
    words: (role) => [unsigned(role), "1 of 2 needed signatures are good"],
  },
  {
    name: "a threshold of two met by one key that signs twice",
    specials: (role) => merge(inParent(role, ["threshold"], 2), on({ signers: [KEY_OF[role]!, KEY_OF[role]!] })(role)),
    outcome: "refused",
    words: (role) => [unsigned(role), "1 of 2 needed signatures are good"],
  },
  // Keys
  inAuthority(
    "a key filed under a wrong id",
    (role) => filing(role, "0".repeat(64), KEYS.stranger.publicKey.json),
    "the key's id is",
  ),
  inAuthority("a key that is null", (role) => filing(role, "0".repeat(64), null), "a key is not an object"),
  inAuthority(
    "a key that holds a private part",
    (role) => filing(role, "0".repeat(64), keyObject("ecdsa", "AAAA", "AAAA")),
    "a key object holds a private key",
  ),
  inAuthority(
    "an ed25519 key that anybody can sign for",
    (role) => filing(role, "0".repeat(64), keyObject("ed25519", new Uint8Array(32).toBase64())),
    "small order",
  ),
  inAuthority(
    "a key of an unknown type",
    (role) => filing(role, "0".repeat(64), keyObject("__proto__", "AAAA")),
    "a key is of an unknown type",
  ),
  inAuthority(
    "a key id that is not among the keys",
    (role) => inParent(role, ["keyids", 0], "f".repeat(64)),
    "keyids[0]: this key is not among the file's keys",
  ),
  inAuthority("key ids that are no list", (role) => inParent(role, ["keyids"], null), "keyids: an array is needed"),
  // Lengths and hashes
  ...([["length", "length"], ["sha512", "hashes", "sha512"]] as const).map(([name, ...path]): Attack => ({
    name: `another ${name} in its parent`,
    roles: LISTED,
    specials: (role) =>
      setIn(listingOf(role), ["meta", role, ...path], name === "length" ? 7 : new Uint8Array(64).toBase64()),
    outcome: "refused",
    words: (role) =>
      `The trust data of "${role}" is not acceptable: it is not the file that the ${listingOf(role)} names`,
  })),
  {
    name: "another sha256 in its parent",
    roles: CHILDREN,
    specials: (role) => setIn(listingOf(role), ["meta", role, "hashes", "sha256"], new Uint8Array(32).toBase64()),
    outcome: "refused",
    words: (role) => [`"${role}"`, "does not have"],
  },
  {
    name: "a negative length in its parent",
    roles: LISTED,
    specials: (role) => setIn(listingOf(role), ["meta", role, "length"], -1),
    outcome: "refused",
    words: (role) => malformed("length: an integer from 0 is needed")(listingOf(role)),
  },
  {
    name: "no hash in its parent",
    roles: LISTED,
    specials: (role) => setIn(listingOf(role), ["meta", role, "hashes"], jsonObject()),
    outcome: "refused",
    words: (role) => malformed("hashes: a sha256 is needed")(listingOf(role)),
  },
  {
    name: "more bytes than its parent names",
    roles: CHILDREN,
    specials: on({ served: (file) => concat(file, utf8(" ".repeat(100_000))) }),
    outcome: "refused",
    words: (role) => [`"${role}"`, "does not have"],
  },
  {
    name: "a root with more bytes than snapshot names",
    roles: ["root"],
    specials: on({ served: (file) => concat(file, utf8(" ".repeat(100_000))) }),
    outcome: "refused",
    words: () => "it is not the file that the snapshot names",
  },
  // Freeze
  {
    name: "a file that expires this second",
    specials: on({ expires: "2026-06-01T12:00:00Z" }),
    outcome: "refused",
    words: (role) => `The trust data of "${role}" expired on 2026-06-01T12:00:00Z`,
  },
  { name: "a file that expires in a second", specials: on({ expires: "2026-06-01T12:00:01Z" }), outcome: "accepted" },
  // Rollback
  {
    name: "an older version than the known one",
    specials: on({ version: 1 }),
    state: "cached",
    outcome: "refused",
    words: (role) =>
      `The trust data of "${role}" is not acceptable: it has version 1, and version 2 was trusted before (rollback)`,
  },
  {
    name: "the known version with other content",
    specials: on({ version: 2, set: [[["x-new"], 1]] }),
    state: "cached",
    outcome: "refused",
    words: (role) =>
      `The trust data of "${role}" is not acceptable: it has version 2 like the trusted one, but other content`,
  },
  {
    name: "the known version with a longer life",
    specials: on({ version: 2, expires: "2028-01-01T00:00:00Z" }),
    state: "cached",
    outcome: "refused",
    words: (role) => `"${role}" is not acceptable: it has version 2 like the trusted one, but other content`,
  },
  {
    name: "the known version, padded beyond the size of the known file, with other content",
    specials: on({ version: 2, set: [[["x-new"], "x".repeat(100_000)]] }),
    state: "cached",
    outcome: "refused",
    words: () => "it has version 2 like the trusted one, but other content",
  },
  {
    name: "the known version and content in other bytes",
    specials: on({ version: 2, expires: EXPIRES, sealed: (file) => concat(file, utf8("\n")) }),
    roles: ["root", "targets/releases", BETA],
    state: "cached",
    outcome: "accepted",
  },
  {
    name: "a jump ahead by many versions",
    specials: on({ version: 2_000_000 }),
    roles: ROLES.filter((role) => role !== "root"),
    outcome: "accepted",
  },
  {
    name: "a root that is further ahead than is followed",
    specials: on({ version: 300 }),
    roles: ["root"],
    state: "cached",
    outcome: "refused",
    words: () => "297 versions ahead of the trusted one",
  },
  {
    name: "a role that vanishes from snapshot",
    roles: ["targets/releases", BETA],
    specials: on({ published: false }),
    state: "cached",
    outcome: "refused",
    words: (role) => `"${role}" is not acceptable: it was published before, and the snapshot does not name it any more`,
  },
  // Mix and match
  {
    name: "the known file among newer ones",
    roles: CHILDREN,
    specials: () => ({}),
    serve: (files, role) => files.set(role, KNOWN.get(role)!),
    outcome: "refused",
    words: (role) => [`"${role}"`, "does not have"],
  },
];

/** Another signature list than the file's own. */
function graft(file: Bytes, from: Bytes): Bytes {
  return utf8(JSON.stringify({ ...JSON.parse(text(file)), signatures: JSON.parse(text(from)).signatures }));
}

function invalidUtf8(file: Bytes): Bytes {
  return concat(file.slice(0, 2), new Uint8Array([0xc3, 0x28]), file.slice(2));
}

function filing(role: RoleName, id: string, key: JsonValue): Specials {
  return setIn(authorityOf(role), isBelowTargets(role) ? ["delegations", "keys", id] : ["keys", id], key);
}

function keyObject(type: string, publicPart: string, privatePart: string | null = null): JsonValue {
  return jsonObject([
    ["keytype", type],
    ["keyval", jsonObject([["private", privatePart], ["public", publicPart]])],
  ]);
}

function merge(a: Specials, b: Specials): Specials {
  const roles = new Set([...Object.keys(a), ...Object.keys(b)]) as Set<RoleName>;
  return Object.fromEntries([...roles].map((role) => [role, { ...a[role], ...b[role] }]));
}

/** Delegations with a bad signature or past their expiry are skipped, with all below them. */
function isSkippable({ name, words }: Attack, role: RoleName): boolean {
  if (!isBelowTargets(role) || name === "withholding the file") return false;
  const said = [words?.(role) ?? ""].flat()[0]!;
  return said.startsWith(unsigned(role)) || said.includes("expired on");
}

async function storeOf(files: ReadonlyMap<RoleName, Bytes>): Promise<MetadataStore> {
  const store = createMemoryMetadataStore();
  await store.write(GUN, files);
  return store;
}

function read(files: ReadonlyMap<RoleName, Bytes>, store: MetadataStore): Promise<ReadResult> {
  const server = new MemoryTrustServer();
  server.show(KNOWN); // older files stay there by hash and version, as on a real server
  for (const role of ROLES) server.lose(role);
  server.show(files);
  return readRepository({ server, gun: GUN, at: AT, store, expected: [BETA] });
}

for (const attack of ATTACKS) {
  for (const role of attack.roles ?? ROLES) {
    Deno.test(`attack on ${role}: ${attack.name}`, async (t) => {
      const files = await buildFiles({ ...moment(3, attack.specials(role)), ...attack.plan?.(role) });
      attack.serve?.(files, role);
      for (const state of ["fresh", "cached"] as const) {
        if (attack.state && attack.state !== state) continue;
        const before = state === "fresh" ? new Map<RoleName, Bytes>() : KNOWN;
        await t.step(state, async () => {
          const store = await storeOf(before);
          if (attack.outcome === "refused" && !isSkippable(attack, role)) {
            const words = [attack.words!(role)].flat();
            await failsWith(read(files, store), attack.code?.(role) ?? "trust-invalid", ...words);
            assert.deepEqual(await store.read(GUN), before, "nothing that is kept has moved");
            return;
          }
          const { repository } = await read(files, store);
          const kept = await store.read(GUN);
          if (attack.outcome === "accepted") {
            for (const [name, bytes] of files) assert.deepEqual(kept.get(name), bytes, name);
            assert.equal(resolveTag(repository, "v1")?.sha256, DIGEST);
            return;
          }
          const state = repository.delegations.get(role as DelegationRole);
          assert.equal(state?.kind, "skipped");
          for (const part of [attack.words!(role)].flat()) assert.ok(state.reason.includes(part), state.reason);
          assert.equal(resolveTag(repository, "v1") === undefined, role === "targets/releases");
          assert.equal(repository.delegations.has(BETA), role === BETA);
          assert.deepEqual(kept.get(role), before.get(role), "the copy of a skipped role stays");
          assert.deepEqual(kept.get("timestamp"), files.get("timestamp"));
        });
      }
    });
  }
}

Deno.test("attacks: the repository that they start from is good, on both machines", async () => {
  for (const before of [new Map<RoleName, Bytes>(), KNOWN]) {
    const store = await storeOf(before);
    const { repository } = await read(NEXT, store);
    assert.deepEqual([...repository.delegations.values()].map(({ kind }) => kind), ["trusted", "trusted"]);
    assert.deepEqual(new Map([...await store.read(GUN)].sort()), new Map([...NEXT].sort()));
  }
});

Deno.test("attacks: whatever random damage does, reading ends in a refusal of ours or in a good repository", async () => {
  const next = random(42);
  let [refused, accepted] = [0, 0];
  for (let i = 0; i < 600; i++) {
    const files = new Map(pick(next, [NEXT, KNOWN]));
    for (let hits = 1 + below(next, 3); hits > 0; hits--) {
      const role = pick(next, ROLES);
      files.set(role, damaged(next, files.get(role)!));
    }
    const before = pick(next, [new Map<RoleName, Bytes>(), KNOWN]);
    const store = await storeOf(before);
    try {
      const { repository } = await read(files, store);
      assert.equal(repository.root.version >= 2, true);
      accepted++;
    } catch (error) {
      assert.ok(isTagsealError(error), error instanceof Error ? error.stack : String(error));
      assert.ok(["trust-invalid", "not-found"].includes(error.code), error.message);
      assert.deepEqual(await store.read(GUN), before);
      refused++;
    }
  }
  assert.ok(refused > 400, `${refused} refused, ${accepted} accepted`);
});

/** Values that somebody may put in the place of any other. */
const ODD_VALUES: readonly (JsonValue | undefined)[] = [
  null,
  true,
  0,
  -1,
  2 ** 53 - 1,
  "",
  "__proto__",
  "\u0000",
  "x".repeat(10_000),
  [],
  [null],
  jsonObject(),
  jsonObject([["__proto__", null]]),
  undefined,
];

Deno.test("attacks: odd values anywhere, properly signed, end in a refusal of ours or in a good repository", async () => {
  const next = random(7);
  const seen = new Map<string, number>();
  for (let i = 0; i < 500; i++) {
    const role = pick(next, ROLES);
    const signed = JSON.parse(text(NEXT.get(role)!)).signed;
    const special: RolePlan = { set: [[anyPath(next, signed), pick(next, ODD_VALUES)]] };
    const files = await buildFiles(moment(3, { [role]: special }));
    const store = await storeOf(KNOWN);
    try {
      await read(files, store);
      seen.set("accepted", (seen.get("accepted") ?? 0) + 1);
    } catch (error) {
      assert.ok(isTagsealError(error, "trust-invalid"), error instanceof Error ? error.stack : String(error));
      assert.deepEqual(await store.read(GUN), KNOWN);
      seen.set("refused", (seen.get("refused") ?? 0) + 1);
    }
  }
  assert.ok(seen.get("refused")! > 200 && seen.get("accepted")! > 5, JSON.stringify([...seen]));
});

function anyPath(next: () => number, value: unknown): (string | number)[] {
  if (typeof value !== "object" || value === null) return [];
  const names: (string | number)[] = Array.isArray(value) ? value.map((_, i) => i) : Object.keys(value);
  if (names.length === 0) return ["x"];
  const name = pick(next, names);
  const rest = next() < 0.3 ? [] : anyPath(next, (value as Record<string | number, unknown>)[name]);
  return [name, ...rest.filter((step) => step !== "x" || rest.length === 1)];
}

Deno.test("attacks: a fresh key in every role at once is trusted nowhere that knows the repository", async () => {
  const keys = Object.fromEntries(BASE_ROLES.map((role) => [role, [role === "root" ? KEYS.root : newKey()]]));
  const files = await buildFiles({ ...moment(3), keys, root: { version: 3, signers: [KEYS.stranger] } });
  const store = await storeOf(KNOWN);
  await failsWith(read(files, store), "trust-invalid", unsigned("root"));
  assert.deepEqual(await store.read(GUN), KNOWN);
});

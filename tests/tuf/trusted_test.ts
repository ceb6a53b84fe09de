import assert from "node:assert/strict";
import { type Bytes, concat, utf8 } from "../../lib/bytes/bytes.ts";
import { keyOfCertificate } from "../../lib/crypto/keys.ts";
import { type Certificate, readCertificate } from "../../lib/crypto/x509.ts";
import type { RoleName } from "../../lib/tuf/roles.ts";
import { parseRoot } from "../../lib/tuf/parse.ts";
import { isPinned, type RootPin } from "../../lib/tuf/root_keys.ts";
import { openDelegations, openRoot, skipDelegation } from "../../lib/tuf/trusted.ts";
import { failsWith } from "../support/failures.ts";
import { RECORDED, recordedFiles } from "../support/recorded.ts";
import {
  AT,
  buildFiles,
  certified,
  certify,
  type DelegationPlan,
  DELEGATIONS,
  DIGEST,
  GUN,
  judge,
  type JudgeOptions,
  KEYS,
  metaOf,
  newKey,
  type Plan,
  type RolePlan,
  type TestKey,
} from "../support/trust_builder.ts";

const FILES = await buildFiles();
const ROLES = ["root", "timestamp", "snapshot", "targets"] as const;
const SECOND = 1000;

/** A plan that is special about one role, which may be a delegation. */
function only(role: RoleName, special: DelegationPlan): Plan {
  if (!role.startsWith("targets/")) return { [role]: special };
  const name = role as "targets/releases";
  return { delegations: { ...DELEGATIONS, [name]: { ...DELEGATIONS[name], ...special } } };
}

async function passes(plan: Plan, options: JudgeOptions = {}) {
  return await judge(await buildFiles(plan), options);
}

async function refuses(plan: Plan, options: JudgeOptions, ...words: string[]) {
  return await failsWith(judge(await buildFiles(plan), options), "trust-invalid", ...words);
}

Deno.test("a repository that notary made is trusted", async () => {
  const repository = await judge(recordedFiles(), { gun: RECORDED.gun, at: new Date(RECORDED.at) });
  assert.deepEqual([...repository.delegations].map(([name, { kind }]) => [name, kind]), [
    ["targets/releases", "trusted"],
    ["targets/alice", "unpublished"],
  ]);
  await failsWith(
    judge(recordedFiles(), { gun: RECORDED.gun, at: new Date(Date.parse(RECORDED.at) + 20 * 86_400_000) }),
    "trust-invalid",
    'The trust data of "timestamp" expired on',
  );
});

Deno.test("a repository in good order is trusted, in all its roles", async () => {
  const repository = await judge(FILES);
  assert.deepEqual(ROLES.map((role) => repository[role].version), [1, 1, 1, 1]);
  assert.deepEqual([...repository.delegations.values()].map(({ kind }) => kind), ["trusted", "trusted"]);
  assert.deepEqual(openDelegations(repository), []);
});

for (const role of ["timestamp", "snapshot", "targets", "targets/releases"] as const) {
  Deno.test(`rollback of ${role}: below what was trusted is fatal, the same version is not`, async () => {
    const plan = only(role, { version: 4 });
    await refuses(
      plan,
      { floors: { [role]: 5 } },
      `The trust data of "${role}" is not acceptable: it has version 4, and version 5 was trusted before (rollback)`,
    );
    await passes(plan, { floors: { [role]: 4 } });
    await passes(plan, { floors: { [role]: 3 } });
  });

  Deno.test(`the same version of ${role} with other content is refused; of a damaged copy nothing can be said`, async () => {
    const other = await buildFiles(only(role, { expires: "2028-01-01T00:00:00Z" }));
    const error = await refuses(
      {},
      { kept: new Map([[role, other.get(role)!]]) },
      `The trust data of "${role}" is not acceptable: it has version 1 like the trusted one, but other content`,
    );
    assert.equal(error.reason, "role");
    await passes({}, { kept: new Map([[role, other.get(role)!.slice(1)]]) });
  });
}

Deno.test("rollback of root: below the trusted one is refused, the same is not", async () => {
  const known = (version: number) => async () => {
    const root = (await buildFiles({ root: { version } })).get("root")!;
    return { anchor: { kind: "known", root } } as const;
  };
  await refuses(
    { root: { version: 2 } },
    await known(3)(),
    'The trust data of "root" is not acceptable: it has version 2, and version 3 was trusted before (rollback)',
  );
  await passes({ root: { version: 3 } }, await known(2)());
});

Deno.test("a first root whose certificates do not count is refused before anything else is asked for", async () => {
  const root = (await buildFiles({ keys: { root: [KEYS.stranger] } })).get("root")!;
  const opening = openRoot(GUN, root, { kind: "first-use" }, new Map(), AT);
  await failsWith(opening, "trust-invalid", `The root of "${GUN}" has no usable certificate`);
});

for (const role of ROLES) {
  Deno.test(`freeze: an expired ${role} is refused, a second before it is trusted`, async () => {
    const plan: Plan = only(role, { expires: "2026-06-01T12:00:00.5Z" });
    const at = (ms: number) => ({ at: new Date(AT.getTime() + ms) });
    await passes(plan, at(499));
    const error = await refuses(plan, at(500), `The trust data of "${role}" expired on 2026-06-01T12:00:00.5Z`);
    assert.equal(error.reason, "role");
    assert.match(
      error.remedy,
      role === "timestamp" || role === "snapshot" ? /the server signs this role/ : /the key of this role/,
    );
    await refuses(plan, at(SECOND), `The trust data of "${role}" expired on`);
  });
}

Deno.test("expired delegation: it is skipped, the others are trusted", async () => {
  const plan = only("targets/releases", { expires: "2026-06-01T12:00:00Z" });
  const { delegations } = await passes(plan);
  const releases = delegations.get("targets/releases")!;
  assert.equal(
    releases.kind === "skipped" && releases.reason,
    'The trust data of "targets/releases" expired on 2026-06-01T12:00:00Z',
  );
  assert.equal(delegations.get("targets/alice")!.kind, "trusted");
  const earlier = await passes(plan, { at: new Date(AT.getTime() - 1) });
  assert.equal(earlier.delegations.get("targets/releases")!.kind, "trusted");
});

Deno.test("mix and match: files of two moments do not pass together", async () => {
  const later = await buildFiles({
    targets: { version: 2 },
    snapshot: { version: 2 },
    timestamp: { version: 2 },
    ...only("targets/releases", { version: 2 }),
  });
  await judge(later);
  const mixed = (...roles: RoleName[]) =>
    judge(new Map([...later, ...roles.map((role) => [role, FILES.get(role)!] as const)]));
  const not = (role: string, parent: string) =>
    `The trust data of "${role}" is not acceptable: it is not the file that the ${parent} names`;
  await failsWith(mixed("snapshot"), "trust-invalid", not("snapshot", "timestamp"));
  await failsWith(mixed("timestamp"), "trust-invalid", not("snapshot", "timestamp"));
  await failsWith(mixed("targets"), "trust-invalid", not("targets", "snapshot"));
  await failsWith(mixed("targets/releases"), "trust-invalid", not("targets/releases", "snapshot"));
  await failsWith(mixed("snapshot", "timestamp"), "trust-invalid", not("targets", "snapshot"));
  await mixed("targets/alice"); // the same in both
  const otherRoot = await buildFiles({ root: { version: 2 } });
  await failsWith(
    judge(new Map([...FILES, ["root", otherRoot.get("root")!]])),
    "trust-invalid",
    not("root", "snapshot"),
  );
});

for (const role of ["snapshot", "targets", "targets/releases"] as const) {
  Deno.test(`${role}: other bytes than its parent names are fatal, though the signed content is the same`, async () => {
    const spaced: RolePlan = { served: (file) => concat(file, utf8("\n")) };
    await refuses(only(role, spaced), {}, `The trust data of "${role}" is not acceptable: it is not the file that the`);
    await passes(only(role, { sealed: spaced.served! }));
  });
  Deno.test(`${role}: each hash and the length must fit`, async () => {
    const parent = role === "snapshot" ? "timestamp" : "snapshot";
    for (const change of [["length"], ["hashes", "sha256"], ["hashes", "sha512"]]) {
      const wrong = change[0] === "length" ? 1 : new Uint8Array(change[1] === "sha256" ? 32 : 64).toBase64();
      await refuses(
        { [parent]: { set: [[["meta", role, ...change], wrong]] } },
        {},
        `it is not the file that the ${parent} names`,
      );
    }
    await passes({ [parent]: { set: [[["meta", role, "hashes", "sha512"], undefined]] } });
  });
}

Deno.test("snapshot: a name that Object has is no file of the repository", async () => {
  const { delegations } = await passes({ snapshot: { set: [[["meta", "__proto__"], metaOf(utf8("{}"))]] } });
  assert.deepEqual([...delegations.keys()], ["targets/releases", "targets/alice"]);
});

Deno.test("root: it must be the one that the snapshot names", async () => {
  await refuses(
    { snapshot: { set: [[["meta", "root", "length"], 1]] } },
    {},
    'The trust data of "root" is not acceptable: it is not the file that the snapshot names',
  );
});

const WHOSE: Readonly<Record<typeof ROLES[number], string>> = {
  root: "its own keys",
  timestamp: "the key that root names",
  snapshot: "the key that root names",
  targets: "the key that root names",
};

for (const role of ROLES) {
  const unsigned = `The trust data of "${role}" is not signed by ${WHOSE[role]}: 0 of 1 needed signatures are good`;
  Deno.test(`arbitrary software: ${role} signed by a stranger is refused`, async () => {
    await refuses({ [role]: { signers: [KEYS.stranger] } }, {}, unsigned);
    await passes({ [role]: { signers: [KEYS.stranger, KEYS[role]] } });
  });
  Deno.test(`arbitrary software: ${role} signed by the key of another role is refused`, async () => {
    const other = KEYS[role === "targets" ? "snapshot" : "targets"];
    await refuses({ [role]: { signers: [other] } }, {}, unsigned);
  });
  Deno.test(`arbitrary software: ${role} whose content was changed after signing is refused`, async () => {
    const forge = (file: Bytes) => utf8(new TextDecoder().decode(file).replace('"version":1', '"version":2'));
    await refuses({ [role]: { sealed: forge } }, {}, unsigned);
  });
  Deno.test(`arbitrary software: ${role} with a stranger's signature under the right key id is refused`, async () => {
    const posing: TestKey = { ...KEYS.stranger, publicKey: KEYS[role].publicKey };
    await refuses({ [role]: { signers: [posing] } }, {}, unsigned);
    await passes({ [role]: { signers: [posing, KEYS[role]] } });
  });
  Deno.test(`arbitrary software: ${role} without any signature is refused`, async () => {
    await refuses({ [role]: { signers: [] } }, {}, `The trust data of "${role}" is malformed: it has no signatures`);
  });
}

Deno.test("threshold: two different keys are needed, one key twice counts once", async () => {
  const second = newKey();
  const plan = (signers: TestKey[]): Plan => ({
    keys: { targets: [KEYS.targets, second] },
    threshold: { targets: 2 },
    targets: { signers },
  });
  const one = "is not signed by the key that root names: 1 of 2 needed signatures are good";
  await passes(plan([KEYS.targets, second]));
  await refuses(plan([KEYS.targets]), {}, one);
  await refuses(plan([KEYS.targets, KEYS.targets]), {}, one);
  await refuses(plan([KEYS.targets, KEYS.stranger]), {}, one);
});

Deno.test("threshold: one key in two forms counts once", async () => {
  const asCertificate = await certified(KEYS.targets);
  const keys = [KEYS.targets, asCertificate];
  await passes({ keys: { targets: keys } });
  await refuses(
    { keys: { targets: keys }, threshold: { targets: 2 } },
    {},
    'The trust data of "targets" is not signed by the key that root names: 1 of 2 needed signatures are good',
  );
});

Deno.test("threshold: more than there are keys can never be met", async () => {
  await refuses({ threshold: { timestamp: 2 } }, {}, "1 of 2 needed signatures are good");
});

// Root rotation

const nextRoot = await certified(newKey());
const known = { anchor: { kind: "known", root: FILES.get("root")! } } as const;
const rotated = (special: RolePlan = {}): Plan => ({
  keys: { root: [nextRoot] },
  root: { version: 2, signers: [KEYS.root, nextRoot], ...special },
});

Deno.test("root rotation: signed by the old key and by the new one, it is trusted", async () => {
  const repository = await passes(rotated(), known);
  assert.deepEqual([...repository.root.roles.root.keys.keys()], [nextRoot.publicKey.id]);
});

Deno.test("root rotation: not signed by the old key, it is refused", async () => {
  await refuses(
    rotated({ signers: [nextRoot] }),
    known,
    'The trust data of "root" is not signed by the keys of the root trusted so far: 0 of 1 needed signatures are good',
  );
});

Deno.test("root rotation: not signed by the new key, it is refused", async () => {
  await refuses(
    rotated({ signers: [KEYS.root] }),
    known,
    'The trust data of "root" is not signed by its own keys: 0 of 1 needed signatures are good',
  );
});

Deno.test("root: the same version with other content is refused", async () => {
  const other: Plan = { root: { expires: "2028-01-01T00:00:00Z" } };
  await refuses(
    other,
    known,
    'The trust data of "root" is not acceptable: it has version 1 like the trusted one, but other content',
  );
  await passes(other);
});

Deno.test("root: the same content in other bytes is the one that the snapshot names", async () => {
  await passes({ root: { sealed: (file) => concat(file, utf8("\n")) } }, known);
});

Deno.test("root: the same version whose own signature is bad is refused, known content or not", async () => {
  const posing: TestKey = { ...KEYS.stranger, publicKey: KEYS.root.publicKey };
  await refuses({ root: { signers: [posing] } }, known, 'The trust data of "root" is not signed by its own keys');
});

Deno.test("root rotation: a jump over versions is trusted where the known keys signed, and refused where not", async () => {
  await passes(rotated({ version: 9 }), known);
  const third = await certified(newKey());
  const jump: Plan = { keys: { root: [third] }, root: { version: 3, signers: [nextRoot, third] } };
  await refuses(jump, known, "is not signed by the keys of the root trusted so far");
  const between = [(await buildFiles(rotated())).get("root")!];
  await passes(jump, { ...known, between });
  await refuses(
    jump,
    { ...known, between: [(await buildFiles(rotated({ signers: [nextRoot] }))).get("root")!] },
    "is not signed by the keys of the root trusted so far",
  );
});

Deno.test("root rotation: the known root and those between may have expired, the newest may not", async () => {
  const old = (await buildFiles({ root: { expires: "2020-01-01T00:00:00Z" } })).get("root")!;
  const expired = { anchor: { kind: "known", root: old } } as const;
  await passes(rotated(), expired);
  const between = [(await buildFiles(rotated({ expires: "2021-01-01T00:00:00Z" }))).get("root")!];
  const newest: Plan = { keys: { root: [nextRoot] }, root: { version: 3 } };
  await passes(newest, { ...expired, between });
  await refuses(
    { ...newest, root: { version: 3, expires: "2026-01-01T00:00:00Z" } },
    { ...expired, between },
    'The trust data of "root" expired on 2026-01-01T00:00:00Z',
  );
});

Deno.test("root rotation: a known root whose certificate has run out still speaks for its successor", async () => {
  const aged = await certified(newKey(), { from: "2016-01-01T00:00:00Z", to: "2026-01-01T00:00:00Z" });
  const root = (await buildFiles({ keys: { root: [aged] } })).get("root")!;
  await passes({ ...rotated(), root: { version: 2, signers: [aged, nextRoot] } }, { anchor: { kind: "known", root } });
  await refuses(
    { keys: { root: [aged] } },
    { anchor: { kind: "known", root } },
    "has no usable certificate: a certificate expired on 2026-01-01T00:00:00.000Z",
  );
});

Deno.test("a damaged known root is fatal, and never silently replaced", async () => {
  await failsWith(
    judge(FILES, { anchor: { kind: "known", root: utf8("{}") } }),
    "trust-invalid",
    'The trust data of "root" is malformed',
  );
  const unsigned = (await buildFiles({ root: { signers: [KEYS.stranger] } })).get("root")!;
  await failsWith(
    judge(FILES, { anchor: { kind: "known", root: unsigned } }),
    "trust-invalid",
    "is not signed by its own keys",
  );
});

// Root certificates

const forged = certify(KEYS.root).then((certificate): TestKey => {
  const der = certificate.der.slice();
  der[der.length - 1]! ^= 1;
  return { ...KEYS.root, publicKey: keyOfCertificate(readCertificate(der)) };
});
const CERTIFICATES: readonly [name: string, key: Promise<TestKey>, words: string | undefined][] = [
  ["of this GUN", certified(KEYS.root), undefined],
  [
    "of another GUN",
    certified(KEYS.root, { commonName: "registry.test/acme/other" }),
    'a certificate is for "registry.test/acme/other"',
  ],
  ["of a GUN that this one begins", certified(KEYS.root, { commonName: `${GUN}lication` }), "a certificate is for"],
  ["of a GUN that begins this one", certified(KEYS.root, { commonName: GUN.slice(0, -1) }), "a certificate is for"],
  ["of a GUN in capitals", certified(KEYS.root, { commonName: GUN.toUpperCase() }), "a certificate is for"],
  ["with a wildcard", certified(KEYS.root, { commonName: "registry.test/acme/*" }), undefined],
  ["with a wildcard for all", certified(KEYS.root, { commonName: "*" }), undefined],
  [
    "with a wildcard that begins otherwise",
    certified(KEYS.root, { commonName: "registry.test/acme/b*" }),
    "a certificate is for",
  ],
  ["with a wildcard of others", certified(KEYS.root, { commonName: "registry.test/other/*" }), "a certificate is for"],
  [
    "with an asterisk in the middle",
    certified(KEYS.root, { commonName: "registry.test/*/app" }),
    "a certificate is for",
  ],
  ["of a CA", certified(KEYS.root, { ca: true }), "a certificate is a CA"],
  ["signed with SHA-1", certified(KEYS.root, { hash: "SHA-1" }), "a certificate is signed with a broken hash"],
  ["for encryption", certified(KEYS.root, { usage: 32 }), "a certificate is not for signatures"],
  ["whose self-signature does not hold", forged, "a certificate is not signed by its own key, though it says so"],
  [
    "that runs out now",
    certified(KEYS.root, { to: "2026-06-01T12:00:00Z" }),
    "a certificate expired on 2026-06-01T12:00:00.000Z",
  ],
  ["that runs out in a second", certified(KEYS.root, { to: "2026-06-01T12:00:01Z" }), undefined],
  ["valid from tomorrow", certified(KEYS.root, { from: "2026-06-02T12:00:00Z" }), undefined],
  [
    "valid from a second later",
    certified(KEYS.root, { from: "2026-06-02T12:00:01Z" }),
    "a certificate is not valid yet",
  ],
  ["that is none, but a plain key", Promise.resolve(newKey()), "a root key is not a certificate"],
  ["of an issuer", certified(KEYS.root, { issuer: KEYS.stranger }), undefined],
];

for (const [name, key, words] of CERTIFICATES) {
  Deno.test(`root certificates: one ${name} is ${words ? "refused" : "trusted"}`, async () => {
    const plan: Plan = { keys: { root: [await key] } };
    if (words === undefined) await passes(plan);
    else await refuses(plan, {}, `The root of "${GUN}" has no usable certificate: ${words}`);
    if (words === undefined) return;
    // Beside a good one it is ignored, and does not help to meet a threshold.
    await passes({ keys: { root: [await key, nextRoot] } });
    await refuses(
      { keys: { root: [await key, nextRoot] }, root: { signers: [await key] } },
      {},
      "0 of 1 needed signatures are good",
    );
    await refuses(
      { keys: { root: [await key, nextRoot] }, threshold: { root: 2 } },
      {},
      "1 of 2 needed signatures are good",
    );
  });
}

Deno.test("root certificates: a root that names no key is refused", async () => {
  const plan: Plan = { keys: { root: [] }, root: { signers: [KEYS.stranger] } };
  await refuses(plan, {}, `The root of "${GUN}" has no usable certificate: it names no root key`);
});

Deno.test("root certificates: they are judged for a root that is known, too", async () => {
  const files = await buildFiles({ keys: { root: [await certified(KEYS.root, { commonName: "other" })] } });
  const anchor = { kind: "known", root: files.get("root")! } as const;
  await failsWith(judge(files, { anchor }), "trust-invalid", 'a certificate is for "other"');
  await judge(files, { anchor, gun: "other" });
});

// Pins

Deno.test("pins: the right key or certificate is trusted, any other is refused", async () => {
  const { canonicalId: keyId, id, certificate } = KEYS.root.publicKey;
  const pin = (keyId: string, certificateDerHex?: string): JudgeOptions => ({
    anchor: { kind: "pin", pin: certificateDerHex === undefined ? { keyId } : { keyId, certificateDerHex } },
  });
  const der = certificate!.der.toHex();
  await judge(FILES, pin(keyId));
  await judge(FILES, pin(keyId, der));
  for (
    const wrong of [
      pin(id),
      pin(KEYS.stranger.publicKey.canonicalId),
      pin(""),
      pin(keyId, ""),
      pin(keyId, der.slice(2)),
      pin(KEYS.targets.publicKey.canonicalId),
      pin(KEYS.stranger.publicKey.id, der),
    ]
  ) {
    const error = await failsWith(judge(FILES, wrong), "trust-invalid", `The root of "${GUN}" is not the pinned one`);
    assert.deepEqual(error.details["served"], [keyId]);
  }
});

Deno.test("pins: a pinned key that is named and has not signed does not help", async () => {
  await refuses({ keys: { root: [KEYS.root, nextRoot] }, threshold: { root: 2 }, root: { signers: [nextRoot] } }, {
    anchor: { kind: "pin", pin: { keyId: KEYS.root.publicKey.canonicalId } },
  }, 'The trust data of "root" is not signed by the pinned key: 0 of 1 needed signatures are good');
});

Deno.test("pins: a key that is pinned does not count as a key of another GUN, nor one that is no certificate", async () => {
  const other = await certified(KEYS.root, { commonName: "registry.test/acme/other" });
  for (const key of [other, { ...KEYS.stranger }]) {
    const anchor = { kind: "pin", pin: { keyId: key.publicKey.canonicalId } } as const;
    await refuses({ keys: { root: [key] } }, { anchor }, `The root of "${GUN}" is not the pinned one`);
  }
});

Deno.test("pins: a CA must have issued the certificate of a key that signed", async () => {
  const key = newKey();
  const ca = await certify(key, { ca: true, commonName: "An issuer" });
  const pinned = (ca: Certificate) => ({ anchor: { kind: "pin", pin: { ca } } } as const);
  const issued: Plan = { keys: { root: [await certified(KEYS.root, { issuer: { ...key } })] } };
  await passes(issued, pinned(ca));
  await refuses(
    {},
    pinned(ca),
    `is not the pinned one: it has the key ${KEYS.root.publicKey.canonicalId}, and the pin is`,
    ca.subject,
  );
  const other = await certify(newKey(), { ca: true, commonName: "An issuer" });
  await refuses(issued, pinned(other), "is not the pinned one");
});

Deno.test("pins: whether a root holds one is whether a key that fits is there and has signed", async () => {
  const root = async (plan: Plan) => parseRoot((await buildFiles(plan)).get("root")!);
  const both = { keys: { root: [KEYS.root, nextRoot] } };
  const pin = { keyId: KEYS.root.publicKey.canonicalId };
  assert.equal(await isPinned(await root(both), GUN, pin, AT), true);
  assert.equal(await isPinned(await root({ ...both, root: { signers: [nextRoot] } }), GUN, pin, AT), false);
  assert.equal(await isPinned(await root({ keys: { root: [nextRoot] } }), GUN, pin, AT), false);
});

Deno.test("pins: a forged root that names the pinned key beside a key of its own is refused", async () => {
  const { canonicalId: keyId, certificate } = KEYS.root.publicKey;
  const forged = { keys: { root: [KEYS.root, nextRoot] }, root: { signers: [nextRoot] } };
  for (const pin of [{ keyId }, { keyId, certificateDerHex: certificate!.der.toHex() }]) {
    const anchor = { kind: "pin", pin } as const;
    await refuses(forged, { anchor }, "is not signed by the pinned key: 0 of 1 needed signatures are good");
    await judge(await buildFiles({ ...forged, root: { signers: [KEYS.root] } }), { anchor });
  }
});

Deno.test("pins: any one of several will do, none is no pin, and what is said of the wrong ones", async () => {
  const { canonicalId: keyId } = KEYS.root.publicKey;
  const stranger = { keyId: KEYS.stranger.publicKey.canonicalId };
  const otherCertificate = { keyId, certificateDerHex: "00" };
  const pinned = (pin: RootPin) => ({ anchor: { kind: "pin", pin } } as const);
  await passes({}, pinned({ anyOf: [stranger, { keyId }] }));
  const not = `The root of "${GUN}" is not the pinned one: it has the key ${keyId}`;
  const rows: [pin: RootPin, words: string][] = [
    ["required", `${not}, and the pin is none`],
    [{ anyOf: [] }, `${not}, and the pin is none`],
    [{ anyOf: [stranger, stranger] }, `${not}, and the pin is ${stranger.keyId} or ${stranger.keyId}`],
    [{ anyOf: [stranger, otherCertificate] }, `${not} in another certificate than the pin's`],
  ];
  for (const [pin, words] of rows) await refuses({}, pinned(pin), words);
});

// Delegations

Deno.test("delegations: signed by a stranger, or by the key of another, one is skipped and the run goes on", async () => {
  for (const signer of [KEYS.stranger, KEYS.alice, KEYS.targets]) {
    const { delegations } = await passes(only("targets/releases", { signers: [signer] }));
    const releases = delegations.get("targets/releases")!;
    assert.equal(
      releases.kind === "skipped" && releases.reason,
      'The trust data of "targets/releases" is not signed by the keys that "targets" names: 0 of 1 needed signatures are good',
    );
    assert.equal(delegations.get("targets/alice")!.kind, "trusted");
  }
});

Deno.test("delegations: without its threshold one is skipped, with it trusted", async () => {
  const keys = [KEYS.releases, KEYS.alice];
  const kind = async (signers: TestKey[]) =>
    (await passes(only("targets/releases", { keys, threshold: 2, signers }))).delegations.get("targets/releases")!.kind;
  assert.equal(await kind(keys), "trusted");
  assert.equal(await kind([KEYS.alice]), "skipped");
  assert.equal(await kind([KEYS.alice, KEYS.alice]), "skipped");
});

Deno.test("delegations: without keys one is skipped", async () => {
  const { delegations } = await passes(only("targets/releases", { keys: [], signers: [KEYS.stranger] }));
  assert.equal(delegations.get("targets/releases")!.kind, "skipped");
});

Deno.test("delegations: what is malformed is fatal, not skipped", async () => {
  await refuses(
    only("targets/releases", { signers: [] }),
    {},
    'The trust data of "targets/releases" is malformed: it has no signatures',
  );
  await refuses(only("targets/releases", { set: [[["_type"], "targets"]] }), {}, '"Targets" is needed');
  await refuses(
    only("targets/releases", { set: [[["_type"], "targets"]], signers: [KEYS.stranger] }),
    {},
    '"Targets" is needed',
  );
});

Deno.test("delegations: one that the snapshot names and the server withholds is fatal", async () => {
  const files = new Map(FILES);
  files.delete("targets/alice");
  await failsWith(
    judge(files),
    "trust-invalid",
    'The trust data of "targets/alice" is not acceptable: the snapshot names it, and the server does not have it',
  );
});

Deno.test("delegations: one that the snapshot does not name is unpublished; if it was there before, it vanished", async () => {
  const plan = only("targets/alice", { published: false });
  assert.equal((await passes(plan)).delegations.get("targets/alice")!.kind, "unpublished");
  await refuses(
    plan,
    { floors: { "targets/alice": 1 } },
    'The trust data of "targets/alice" is not acceptable: it was published before, and the snapshot does not name it any more',
  );
  const kept = new Map([["targets/alice" as const, utf8("{")]]);
  assert.equal((await passes(plan, { kept })).delegations.get("targets/alice")!.kind, "unpublished");
});

Deno.test("delegations: one that cannot be looked at is skipped, and the repository stays trusted", async () => {
  const repository = await judge(FILES);
  const alice = repository.targets.delegations.find(({ name }) => name === "targets/alice")!;
  const left = skipDelegation(repository, alice, "it is too long");
  assert.deepEqual([repository.kind, left.kind], ["repository", "repository"]);
  assert.deepEqual(left.delegations.get("targets/alice"), {
    kind: "skipped",
    delegation: alice,
    reason: "it is too long",
  });
  assert.equal(left.delegations.get("targets/releases")!.kind, "trusted");
});

Deno.test("delegations: one that its parent no longer lists may be gone, whatever was trusted before", async () => {
  const { "targets/releases": releases } = DELEGATIONS;
  await passes({ delegations: { "targets/releases": releases! } }, { floors: { "targets/alice": 7 } });
});

Deno.test("delegations: a file that was slipped in for an unpublished delegation is not looked at", async () => {
  const files = await buildFiles(only("targets/alice", { published: false }));
  const repository = await judge(new Map([...files, ["targets/alice", FILES.get("targets/alice")!]]));
  assert.equal(repository.delegations.get("targets/alice")!.kind, "unpublished");
});

Deno.test("delegations: a rollback of one is fatal even where it is expired as well", async () => {
  await refuses(only("targets/releases", { version: 1, expires: "2020-01-01T00:00:00Z" }), {
    floors: { "targets/releases": 2 },
  }, "(rollback)");
});

Deno.test("nested delegations: below a trusted one they are trusted, below a skipped one they are not even known", async () => {
  const nested = { "targets/releases/beta": { keys: [KEYS.alice], tags: { beta: DIGEST } } };
  const plan = (signers: TestKey[]): Plan => ({
    delegations: { "targets/releases": { keys: [KEYS.releases], signers }, ...nested },
  });
  const kinds = async (signers: TestKey[]) =>
    [...(await passes(plan(signers))).delegations].map(([name, { kind }]) => [name, kind]);
  assert.deepEqual(await kinds([KEYS.releases]), [["targets/releases", "trusted"], [
    "targets/releases/beta",
    "trusted",
  ]]);
  assert.deepEqual(await kinds([KEYS.stranger]), [["targets/releases", "skipped"]]);
});

Deno.test("nested delegations: their keys are those that their parent names", async () => {
  const { delegations } = await passes({
    delegations: {
      "targets/releases": { keys: [KEYS.releases] },
      "targets/releases/beta": { keys: [KEYS.alice], signers: [KEYS.releases] },
    },
  });
  const beta = delegations.get("targets/releases/beta")!;
  assert.equal(
    beta.kind === "skipped" && beta.reason,
    'The trust data of "targets/releases/beta" is not signed by the keys that "targets/releases" names: 0 of 1 needed signatures are good',
  );
});

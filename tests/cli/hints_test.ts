/** Next steps in the words of the command line: each is said, and names nothing that there is not. */
import assert from "node:assert/strict";
import { hintFor, remedyOf } from "../../lib/cli/hints.ts";
import { globalFlags } from "../../lib/cli/common_flags.ts";
import type { NextStep, PlainMove } from "../../lib/next_step.ts";
import { COMMANDS } from "../../tasks/commands.ts";
import { VARIABLES } from "../../tasks/variables.ts";

const ID = "0123456789abcdef".repeat(4);
const OTHER = "fedcba9876543210".repeat(4);
const GUN = "registry.example.com/team/app";

/** The flags, commands and variables that each move names; a move that is new has to be written here. */
const NAMED: { readonly [move in PlainMove]: readonly string[] } = {
  "check-signpath-address": ["--api-url"],
  "check-signpath-names": ["--api-url"],
  "check-signpath-service": ["--api-url"],
  "check-signpath-token": ["--api-token", "SIGNPATH_API_TOKEN"],
  "distrust-signpath-answer": ["--api-url"],
  "name-organization": ["--organization-id"],
  "name-hash-project": ["--signing-method", "--project-slug"],
  "name-parameter": ["--parameter"],
  "sign-with-other-key-kind": ["--signing-method"],
  "look-for-request": ["tagseal resume"],
  "look-for-own-request": ["--signing-request-id", "--new-signing-request"],
  "name-own-request": ["--signing-request-id", "TAGSEAL_SIGNING_REQUEST_ID"],
  "file-new-request": ["--signing-request-id", "TAGSEAL_SIGNING_REQUEST_ID"],
  "check-notary-address": ["--notary-url"],
  "check-repository": ["--notary-url", "tagseal init"],
  "look-in-some-minutes": ["tagseal list"],
  "name-registry": ["--registry-url"],
  "name-trust-folder": ["--trust-dir", "DOCKER_CONFIG"],
  "renew-policy-certificate": ["tagseal add-delegation", "--delegation-from-signpath"],
  "give-signpath-settings": [
    ...["SIGNPATH_API_TOKEN", "SIGNPATH_ORGANIZATION_ID", "SIGNPATH_PROJECT_SLUG", "SIGNPATH_SIGNING_POLICY_SLUG"],
    ...["--api-token", "--organization-id", "--project-slug", "--signing-policy-slug"],
  ],
  "print-artifact-configuration": ["tagseal signing-data", "--print-artifact-configuration"],
  "name-notary": ["--notary-url", "DOCKER_CONTENT_TRUST_SERVER"],
  "name-notary-anew": ["--notary-url"],
  "read-and-ask-operator": ["tagseal list"],
  "pin-root": ["--root-pin", "TAGSEAL_ROOT_PIN"],
  "trust-ca": ["--ca", "DENO_TLS_CA_STORE"],
  "replace-ca-as-server-certificate": ["--ca"],
  "name-tags-apart": ["--tags"],
  "name-key-folder": ["--trust-dir"],
  "name-token-of-key": ["--pkcs11-token"],
  "plug-in-token": ["--pkcs11-module"],
  "check-token-module": ["--pkcs11-module", "TAGSEAL_PKCS11_MODULE"],
  "install-token-module": ["--pkcs11-module"],
  "name-built-token-module": ["--pkcs11-module"],
  "name-token": ["--pkcs11-token"],
  "plug-in-or-name-token": ["--pkcs11-token"],
  "make-key-on-token": ["--pkcs11-root-key"],
  "build-token-addon": ["TAGSEAL_PKCS11_ADDON"],
  "rebuild-token-addon": [],
  "choose-port": ["--port"],
  "list-keys": ["tagseal keys"],
  "list-root-keys": ["tagseal keys"],
  "publish-certificate-and-delegate": ["tagseal root-certificate", "tagseal add-delegation"],
  "delegate-then-sign": ["tagseal add-delegation"],
  "sign-then-look": ["tagseal status"],
  "delegate-first": ["tagseal add-delegation"],
  "show-delegations": ["tagseal inspect"],
  "show-delegation-keys": ["tagseal inspect"],
  "look-at-new-keys": ["tagseal inspect"],
  "look-at-later-tags": ["tagseal list", "--all"],
  "list-tags": ["tagseal list", "--all"],
  "make-signing-data-anew": ["tagseal sign"],
  "use-signing-data": ["tagseal signing-data", "tagseal download"],
  "use-export": ["tagseal export"],
  "leave-export": ["--from"],
  "add-certificate": ["tagseal add-delegation"],
  "name-signing-key": ["--delegation-certificate"],
  "look-at-status": ["tagseal status"],
  "sign-test-tag": ["tagseal sign"],
  "sign-then-delete-key": ["tagseal delete-key"],
  "replace-certificate": ["tagseal remove-delegation"],
  "pin-in-ci": ["--root-pin"],
};

type Told = Exclude<NextStep["do"], PlainMove>;

/** Steps with facts, and what the user reads. */
const TOLD: { readonly [step in Told]: readonly (readonly [NextStep & { readonly do: step }, RegExp])[] } = {
  "as-told": [[{ do: "as-told", remedy: "Try again" }, /^Try again$/]],
  "in-turn": [[
    { do: "in-turn", steps: [{ do: "check-signpath-token" }, { do: "name-hash-project" }] },
    /^Check the API token \(--api-token or SIGNPATH_API_TOKEN\) and the organization id\. --signing-method hash needs /,
  ]],
  "look-whether-published": [
    [
      { do: "look-whether-published", why: "It may be there", first: undefined },
      /^It may be there: look with tagseal inspect whether it is there before you do it again$/,
    ],
    [
      { do: "look-whether-published", why: "It may be there", first: { do: "trust-ca" } },
      /^It may be there\. If the server .*--ca <pem>.*; then look with tagseal inspect whether/,
    ],
  ],
  "pin-confirmed-root": [[
    { do: "pin-confirmed-root", repository: GUN, folder: "/keys/tuf/x" },
    /^Do not use this data unless the administrator of "registry.*confirms, .* tagseal forget -r registry\.example\.com\/team\/app --root-pin <new root certificate>$/,
  ]],
  "restore-root": [[
    { do: "restore-root", folder: undefined },
    /^Restore it from a backup\. .* move the copy away, and give the certificate as --root-pin$/,
  ]],
  "check-vanished": [
    [{ do: "check-vanished", folder: undefined }, /^Check --notary-url\. .*move its folder below tuf\/ .* away$/],
    [{ do: "check-vanished", folder: "/x" }, /^Check --notary-url\. .*move "\/x" away$/],
  ],
  "let-server-sign-snapshot": [[
    { do: "let-server-sign-snapshot", repository: GUN },
    /, with the root key: tagseal rotate-key -r registry\.example\.com\/team\/app --role snapshot$/,
  ]],
  "protect-keys": [[
    { do: "protect-keys", folder: "/x" },
    /^Protect it: chmod 700 "\/x"; and look .* \(tagseal keys\)$/,
  ]],
  "move-file-away": [[{ do: "move-file-away", path: "/x" }, /^Move it away, .*, or replace it with --force$/]],
  "name-project-file": [[
    { do: "name-project-file", path: "/tmp/tagseal.json" },
    /^Look into it; .* name it \(--config \/tmp\/tagseal\.json, or TAGSEAL_CONFIG\)\. --config none goes without$/,
  ]],
  "give-plain-address": [
    [{ do: "give-plain-address", like: undefined }, /^Give it as https:\/\/host\[:port\], with .* in their own flags$/],
    [
      { do: "give-plain-address", like: "https://x" },
      /, for example https:\/\/x, with credentials in their own flags$/,
    ],
  ],
  "name-key": [[
    { do: "name-key", keyIds: [ID, OTHER] },
    /with --delegation-certificate: 0123456789ab, fedcba987654$/,
  ]],
  "bring-key": [[
    { do: "bring-key", keyIds: [ID] },
    /^Bring its private key \(0123456789ab\) to .* \(--trust-dir\) .* --signing-method pkcs11, .* --signing-method zip$/,
  ]],
  "name-policy-or-delegate": [[
    { do: "name-policy-or-delegate", repository: GUN, keyIds: [ID] },
    /^Nothing was sent to SignPath\. .*\(0123456789ab\).*: tagseal add-delegation -r registry\S+ --delegation-from-signpath$/,
  ]],
  "have-delegation-added": [
    [
      { do: "have-delegation-added", others: [] },
      /add it: tagseal add-delegation, with the signing key's certificate$/,
    ],
    [{ do: "have-delegation-added", others: ["ci", "team"] }, /; or sign as another one \(--delegation\): ci, team$/],
  ],
  "have-key-removed": [[
    { do: "have-key-removed", repository: GUN, keyId: ID },
    new RegExp(`take the key away: tagseal remove-delegation -r ${GUN} --key ${ID}$`),
  ]],
  "compare-policy-key": [[
    { do: "compare-policy-key", keyIds: [ID] },
    /\(key 0123456789ab\): compare it with tagseal inspect, or .* tagseal add-delegation --delegation-from-signpath\. If/,
  ]],
  "bring-role-key": [
    [
      { do: "bring-role-key", role: "targets" },
      /--trust-dir, .* --root-key-store pkcs11 or --targets-key-store pkcs11\. .*: tagseal rotate-key --role targets$/,
    ],
    [{ do: "bring-role-key", role: "root" }, /\. Bring the root key back .*; without it no key can be replaced$/],
  ],
};

/** Flags of other programs in the sentences. */
const FOREIGN = ["--algorithm"];

const plain = Object.keys(NAMED) as PlainMove[];
const steps: readonly NextStep[] = [
  ...plain.map((move) => ({ do: move })),
  ...Object.values(TOLD).flatMap((cases) => cases.map(([step]) => step)),
];

function namesIn(sentence: string): string[] {
  const found = sentence.matchAll(/(?<![\w-])--[a-z][a-z0-9-]+|\btagseal [a-z-]+|\b[A-Z][A-Z0-9]*_[A-Z0-9_]+\b/g);
  return [...found].map(([name]) => name).filter((name) => !FOREIGN.includes(name));
}

Deno.test("hints: a move names the flags, commands and variables that belong to it, and no others", () => {
  for (const move of plain) {
    assert.deepEqual(new Set(namesIn(hintFor({ do: move }))), new Set(NAMED[move]), move);
  }
});

Deno.test("hints: what is known of a step is said", () => {
  for (const [step, sentence] of Object.values(TOLD).flat()) assert.match(hintFor(step), sentence);
});

Deno.test("hints: every flag, command and variable that is named is there", async () => {
  const loaded = await Promise.all(Object.values(COMMANDS).map(({ load }) => load()));
  const flags = [...loaded.flatMap(({ command }) => Object.values(command.flags)), ...Object.values(globalFlags)];
  const known = new Set([
    ...flags.map(({ spec }) => /--[a-z0-9-]+/.exec(spec)![0]),
    ...Object.keys(COMMANDS).map((name) => `tagseal ${name}`),
    ...Object.keys(VARIABLES),
  ]);
  const named = steps.flatMap((step) => namesIn(hintFor(step)));
  assert.ok(named.length > 60);
  assert.deepEqual(named.filter((name) => !known.has(name)), []);
});

Deno.test("hints: sentences read as those of errors do, and none loosens what is checked", () => {
  for (const step of steps) {
    const sentence = hintFor(step);
    assert.match(sentence, /^(?:[A-Z]|tagseal |--)[^]*[^.\s]$/);
    assert.doesNotMatch(sentence, /--allow-http|insecure|--yes|allow-all|undefined/);
  }
});

Deno.test("hints: an error without a step keeps its own words", () => {
  assert.equal(remedyOf({ remedy: "Wait" }), "Wait");
  assert.equal(remedyOf({ remedy: "Name it", next: { do: "name-token" } }), "Say which one with --pkcs11-token");
});

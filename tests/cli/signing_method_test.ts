/** `--signing-method`: what each method needs is said before anything is done. */
import assert from "node:assert/strict";
import { createHost, type Host } from "../../lib/cli/host.ts";
import { openSession } from "../../lib/cli/session.ts";
import { openSigningMethod, type SigningMethodValues } from "../../lib/cli/signing_method.ts";
import { failsWith } from "../support/failures.ts";

const VALUES: SigningMethodValues = {
  signingMethod: "zip",
  signingRequestId: undefined,
  newSigningRequest: false,
  pkcs11Module: undefined,
  pkcs11Token: undefined,
  apiUrl: undefined,
  apiToken: "token",
  organizationId: "0f2c6b0e-0000-4000-8000-000000000001",
  serviceUnavailableTimeout: 1000,
  uploadAndDownloadTimeout: 1000,
  projectSlug: "app",
  signingPolicySlug: "release",
  artifactConfigurationSlug: undefined,
  description: undefined,
  parameter: new Map(),
  waitForCompletionTimeout: 1000,
  notaryUrl: undefined,
  notaryUsername: undefined,
  notaryPassword: undefined,
  trustDir: "/nowhere",
  rootPin: [],
  requirePin: false,
  ca: undefined,
  allowHttp: false,
};
const METHODS = ["zip", "hash", "key", "pkcs11"] as const;

function host(): Host {
  return createHost({ quiet: true, noInput: true }, {
    out() {},
    err() {},
    env: (name) => name === "TAGSEAL_PKCS11_ADDON" ? "/nowhere" : undefined,
    signal: new AbortController().signal,
  });
}

const open = async (values: Partial<SigningMethodValues>) => {
  using opened = host();
  const connect = () => () => Promise.reject(new Error("nobody is called"));
  const all = { ...VALUES, ...values };
  return await openSigningMethod(all, openSession(all, { ...opened, connect }), opened);
};

Deno.test("SignPath's methods want organization, token, project and policy; keys want none of them", async (t) => {
  const missing: [string, Partial<SigningMethodValues>][] = [
    ["--organization-id is missing", { organizationId: undefined }],
    ["--api-token is missing", { apiToken: undefined }],
    ["--project-slug is missing", { projectSlug: undefined }],
    ["--signing-policy-slug is missing", { signingPolicySlug: undefined }],
  ];
  for (const signingMethod of METHODS) {
    for (const [words, values] of missing) {
      await t.step(`${signingMethod}: ${words}`, async () => {
        const attempt = () => open({ signingMethod, ...values });
        if (signingMethod === "zip" || signingMethod === "hash") await failsWith(attempt(), "usage", words);
        else assert.ok((await attempt()).holder);
      });
    }
  }
});

Deno.test("opening a method calls nobody and loads no addon", async () => {
  for (const signingMethod of METHODS) assert.ok((await open({ signingMethod })).holder);
});

Deno.test("only keys are looked for at hand, and signing anew is dearer where somebody may have to approve", async () => {
  const methods = Object.fromEntries(
    await Promise.all(METHODS.map(async (signingMethod) => [signingMethod, await open({ signingMethod })] as const)),
  );
  assert.deepEqual(METHODS.filter((name) => methods[name]!.holder.kind === "keys"), ["key", "pkcs11"]);
  const attempts = METHODS.map((name) => methods[name]!.attempts);
  assert.ok(attempts[0]! < attempts[1]! && attempts[1]! < attempts[2]!, attempts.join());
  assert.equal(attempts[2], attempts[3]);
  assert.ok(attempts.every((n) => n >= 8 && n <= 100), "bounded, and enough for eight agents");
});

Deno.test("an address of SignPath that is not safe is refused for both of its methods", async () => {
  for (const signingMethod of ["zip", "hash"] as const) {
    const error = await failsWith(
      open({ signingMethod, apiUrl: "http://signpath.test/API" }),
      "bad-input",
      "is not encrypted",
    );
    assert.match(error.message, /SignPath API's address/);
  }
});

Deno.test("a token's keys without the addon: told when they are asked for", async () => {
  const { holder } = await open({ signingMethod: "pkcs11", pkcs11Module: new URL(import.meta.url).pathname });
  assert.ok(holder.kind === "keys");
  await failsWith(holder.atHand(), "not-found", "The PKCS#11 addon is not in");
});

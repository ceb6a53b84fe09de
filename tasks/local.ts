/** `tagseal local`: everything on this machine, without any account. @module */
import { type Command, defineCommand } from "../lib/cli/command.ts";
import { text } from "../lib/cli/flags.ts";
import type { Host } from "../lib/cli/host.ts";
import { type KeyStoreValues, openToken, TOKEN_VARIABLES, tokenFlags } from "../lib/cli/key_stores.ts";
import { writeArtifact } from "../lib/cli/signing.ts";
import { utf8 } from "../lib/bytes/bytes.ts";
import { formatPem } from "../lib/bytes/pem.ts";
import type { HashSigner } from "../lib/crypto/signer.ts";
import { TagsealError } from "../lib/errors.ts";
import { startLocalStack } from "../lib/local/stack.ts";
import type { SigningKeyChoice } from "../lib/local/stack_identity.ts";

/** The command. */
export const command: Command = defineCommand({
  description:
    "Runs a registry, a Notary server and a SignPath service on one loopback port over TLS until Ctrl-C, and " +
    "prints the variables that point the other commands (and docker, notary, skopeo) at them. For trying out and for " +
    "tests: everything is kept in memory or, with --data, in a folder, and anybody on this machine can use it.",
  flags: {
    port: text("--port <n>", "the port; 0 takes a free one (8443)"),
    key: text("--key <kind>", "the key that SignPath signs with: rsa, ec, or pkcs11 for one on a token (rsa)"),
    ...tokenFlags,
    data: text("--data <dir>", "keep all of it in this folder; names of repositories hold the port, so keep that too"),
    dir: text("--dir <dir>", "where to write the CA and the delegation certificate (.tagseal-local)"),
  },
  environment: TOKEN_VARIABLES,
  example: "tagseal local --port 8443",
  async run(values, host) {
    const port = Number(values.port ?? "8443");
    if (!Number.isInteger(port) || port < 0 || port > 65535) {
      throw new TagsealError("usage", `"${values.port?.slice(0, 40)}" is no port`, {
        remedy: "Give --port 0 to 65535",
      });
    }
    const dir = values.dir ?? ".tagseal-local";
    await using stack = await startLocalStack({
      port,
      now: host.now,
      ...await keyChoice(values.key, () => tokenKey(values, host)),
      ...(values.data === undefined ? {} : { dataDir: host.path(values.data) }),
    });
    const ca = host.path(await writeArtifact(host, `${dir}/ca.pem`, utf8(stack.caPem), true));
    const pem = utf8(formatPem("CERTIFICATE", stack.certificate));
    const certificate = host.path(await writeArtifact(host, `${dir}/signpath.cer`, pem, true));
    const variables = {
      SIGNPATH_API_URL: stack.apiUrl,
      SIGNPATH_API_TOKEN: stack.apiToken,
      SIGNPATH_ORGANIZATION_ID: stack.organizationId,
      SIGNPATH_PROJECT_SLUG: stack.projectSlug,
      SIGNPATH_SIGNING_POLICY_SLUG: stack.policies.automatic,
      DOCKER_CONTENT_TRUST_SERVER: stack.notaryUrl,
      DENO_CERT: ca,
    };
    if (values.json) host.out(JSON.stringify({ host: stack.host, certificate, variables }));
    else for (const [name, value] of Object.entries(variables)) host.out(`export ${name}="${value}"`);
    host.info("");
    host.info(`Registry, Notary server and SignPath are at https://${stack.host}; repositories are named`);
    host.info(`${stack.host}/<name>. Paste the lines above into another terminal, push an image, then:`);
    host.info(`  deno task init -r ${stack.host}/demo/app --delegation-certificate ${certificate}`);
    host.info(`  deno task sign -r ${stack.host}/demo/app -t v1`);
    host.info(`Requests under the policy "${stack.policies.manual}" wait for an approval:`);
    host.info(`  curl --cacert ${ca} -X POST -H "Authorization: Bearer $SIGNPATH_API_TOKEN" \\`);
    host.info(`    ${stack.apiUrl}/v1/${stack.organizationId}/SigningRequests/<id>/Approve`);
    host.info(`Fast hash signing: --signing-method hash --project-slug ${stack.hashProjectSlug}`);
    host.info("Ctrl-C ends it.");
    await new Promise<void>((resolve) => host.signal.addEventListener("abort", () => resolve(), { once: true }));
    return { json: undefined, lines: [] }; // all has been said at the start
  },
});

/** Without a choice it is the key that the folder has, else a new RSA key. */
async function keyChoice(kind: string | undefined, onToken: () => Promise<HashSigner>): Promise<SigningKeyChoice> {
  switch (kind) {
    case undefined:
      return {};
    case "rsa":
      return { algorithm: "rsa-2048" };
    case "ec":
      return { algorithm: "ecdsa-p256" };
    case "pkcs11":
      return { signingKey: await onToken() };
    default:
      throw new TagsealError("usage", `"${kind.slice(0, 40)}" is no kind of key`, {
        remedy: "Give --key rsa, ec or pkcs11",
      });
  }
}

/** The key that the token has for the stack; it is made there at the first time. */
async function tokenKey(values: KeyStoreValues, host: Host): Promise<HashSigner> {
  const token = openToken(values, host);
  const there = (await token.list()).find(({ role }) => role === "signpath");
  const id = there?.id ?? (await token.create({ role: "signpath" })).signer.publicKey.canonicalId;
  return await token.open(id);
}

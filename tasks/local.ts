/** `tagseal local`: everything on this machine, without any account. @module */
import { type Command, defineCommand } from "../lib/cli/command.ts";
import { choice, ifGiven, text } from "../lib/cli/flags.ts";
import { SHELL, type Shell } from "../lib/cli/form.ts";
import { quotedWord } from "../lib/cli/command_line.ts";
import type { Host } from "../lib/cli/host.ts";
import { type KeyStoreValues, openToken, tokenFlags } from "../lib/cli/key_stores.ts";
import { discardFolder, writeArtifact } from "../lib/cli/signing.ts";
import { utf8 } from "../lib/bytes/bytes.ts";
import { formatPem } from "../lib/bytes/pem.ts";
import type { HashSigner } from "../lib/crypto/signer.ts";
import { TagsealError } from "../lib/errors.ts";
import { pushTinyImage } from "../lib/local/image.ts";
import { type LocalStack, startLocalStack } from "../lib/local/stack.ts";
import type { SigningKeyChoice } from "../lib/local/stack_identity.ts";

/** What there is to sign in a new stack. */
const IMAGE = { path: "demo/app", tag: "v1", content: "Hello, world\n" } as const;

/** How lines are written for a shell. */
interface Writing {
  /** Sets a variable. */
  set(name: string, value: string): string;
  /** The value of a variable. */
  variable(name: string): string;
  /** Behind what goes on in the next line. */
  readonly goesOn: string;
  /** The program; an alias of Windows PowerShell has that name, too. */
  readonly curl: string;
}

const WRITTEN: Readonly<Record<Shell, Writing>> = {
  sh: {
    set: (name, value) => `export ${name}="${value}"`,
    variable: (name) => `$${name}`,
    goesOn: "\\",
    curl: "curl",
  },
  powershell: {
    set: (name, value) => `$env:${name} = ${quotedWord(value, "powershell")}`,
    variable: (name) => `$env:${name}`,
    goesOn: "`",
    curl: "curl.exe",
  },
};

/** A folder for Docker's configuration, keys and trust data. */
interface World extends AsyncDisposable {
  /** For `DOCKER_CONFIG`. */
  readonly folder: string;
  /** What becomes of it, to complete a sentence. */
  readonly ends: string;
}

/** The command. */
export const command: Command = defineCommand({
  description:
    "Runs a registry, a Notary server and a SignPath service on one loopback port over TLS until Ctrl-C, and " +
    "prints the variables that point the other commands (and docker, notary, skopeo) at them. For trying out and for " +
    "tests: everything is kept in memory or, with --data, in a folder, and anybody on this machine can use it.",
  flags: {
    port: text("--port <n>", "the port; 0 takes a free one (8443)"),
    key: {
      ...text("--key <kind>", "the key that SignPath signs with: rsa, ec, or pkcs11 for one on a token (rsa)"),
      choices: ["rsa", "ec", "pkcs11"],
    },
    ...tokenFlags,
    data: text("--data <dir>", "keep all of it in this folder; names of repositories hold the port, so keep that too"),
    shell: {
      ...ifGiven(choice("--shell <shell>", "", ["sh", "powershell"])),
      help: "the shell that lines are written for: sh, or powershell (that of this system)",
    },
    dir: text("--dir <dir>", "where to write the CA and the delegation certificate (.tagseal-local)"),
  },
  example: "tagseal local --port 8443",
  async run(values, host) {
    const port = Number(values.port ?? "8443");
    if (!Number.isInteger(port) || port < 0 || port > 65535) {
      throw new TagsealError("usage", `"${values.port?.slice(0, 40)}" is no port`, {
        remedy: "Give --port 0 to 65535",
      });
    }
    const dir = values.dir ?? ".tagseal-local";
    await using world = worldOf(host, dir, values.data);
    await using stack = await startLocalStack({
      port,
      now: host.now,
      ...await keyChoice(values.key, () => tokenKey(values, host)),
      ...(values.data === undefined ? {} : { dataDir: host.path(values.data) }),
    });
    const ca = host.path(await writeArtifact(host, `${dir}/ca.pem`, utf8(stack.caPem), true));
    // Where Docker looks for the CA of a Notary server.
    await writeArtifact(host, `${world.folder}/tls/${stack.host}/ca.crt`, utf8(stack.caPem), true);
    const pem = utf8(formatPem("CERTIFICATE", stack.certificate));
    const certificate = host.path(await writeArtifact(host, `${dir}/signpath.cer`, pem, true));
    const repository = `${stack.host}/${IMAGE.path}`;
    const write = WRITTEN[values.shell ?? SHELL];
    await pushFirstImage(stack, host);
    const variables = {
      DOCKER_CONFIG: world.folder,
      SIGNPATH_API_URL: stack.apiUrl,
      SIGNPATH_API_TOKEN: stack.apiToken,
      SIGNPATH_ORGANIZATION_ID: stack.organizationId,
      SIGNPATH_PROJECT_SLUG: stack.projectSlug,
      SIGNPATH_SIGNING_POLICY_SLUG: stack.policies.automatic,
      DOCKER_CONTENT_TRUST_SERVER: stack.notaryUrl,
      DENO_CERT: ca,
    };
    if (values.json) {
      host.json({ host: stack.host, repository, tags: [IMAGE.tag], certificate, variables });
    } else for (const [name, value] of Object.entries(variables)) host.out(write.set(name, value));
    host.info("");
    host.info(`Registry, Notary server and SignPath are at https://${stack.host}.`);
    host.info(`An image is there: ${repository}:${IMAGE.tag}`);
    host.info("Paste the lines above into another terminal, then:");
    host.info(`  deno task init -r ${repository} ${write.goesOn}`);
    host.info(`    --delegation-certificate "${certificate}" ${write.goesOn}`);
    host.info(`    --output-artifact-path "${write.variable("DOCKER_CONFIG")}/root.pem"`);
    host.info(`  deno task sign -r ${repository} -t ${IMAGE.tag}`);
    host.info(`  deno task verify -r ${repository} -t ${IMAGE.tag}`);
    host.info(`Keys and trust data of this trial stay in ${write.variable("DOCKER_CONFIG")}${world.ends}.`);
    host.info(`Requests under the policy "${stack.policies.manual}" wait for an approval:`);
    const [token, cert] = [write.variable("SIGNPATH_API_TOKEN"), write.variable("DENO_CERT")];
    const organization = `${write.variable("SIGNPATH_API_URL")}/v1/${write.variable("SIGNPATH_ORGANIZATION_ID")}`;
    host.info(`  ${write.curl} --cacert "${cert}" -X POST ${write.goesOn}`);
    host.info(`  -H "Authorization: Bearer ${token}" ${write.goesOn}`);
    host.info(`  "${organization}/SigningRequests/<id>/Approve"`);
    host.info(`Fast hash signing: --signing-method hash --project-slug ${stack.hashProjectSlug}`);
    host.info("Ctrl-C ends it.");
    await new Promise<void>((resolve) => host.signal.addEventListener("abort", () => resolve(), { once: true }));
    return { json: undefined, lines: [] }; // all has been said at the start
  },
});

/**
 * Where the keys and the trust data of a trial are: a folder of its own, since a stack that begins anew contradicts what
 * an earlier one made known, and since none of it belongs among the keys of the user. It lasts as long as the stack.
 */
function worldOf(host: Host, dir: string, data: string | undefined): World {
  if (data !== undefined) {
    return { folder: host.path(`${data}/docker`), ends: "", [Symbol.asyncDispose]: () => Promise.resolve() };
  }
  const folder = host.path(`${dir}/docker-${crypto.randomUUID().slice(0, 8)}`);
  return { folder, ends: ", and go with Ctrl-C", [Symbol.asyncDispose]: () => discardFolder(host, folder) };
}

/** The first image is there for who has no engine; one that was moved or deleted since stays as it is. */
async function pushFirstImage(stack: LocalStack, host: Host): Promise<void> {
  const { path, tag, content } = IMAGE;
  if (!stack.isNew) return;
  const send = host.connect({ caCerts: [stack.caPem] });
  await pushTinyImage(send, new URL(`https://${stack.host}`), path, tag, content);
}

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

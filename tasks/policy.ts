/** `tagseal policy`: tells other verifiers whose signatures count. @module */
import { fileText } from "../lib/bytes/bytes.ts";
import { connectionFlags, delegationFlags, delegationSourceFlags } from "../lib/cli/common_flags.ts";
import { type Command, defineCommand } from "../lib/cli/command.ts";
import { shellLine } from "../lib/cli/command_line.ts";
import { openSession } from "../lib/cli/session.ts";
import { openDelegation } from "../lib/cli/delegation.ts";
import { list, required, text } from "../lib/cli/flags.ts";
import type { Host } from "../lib/cli/host.ts";
import { openPolicyFolder, writePolicyFiles } from "../lib/cli/policy_folder.ts";
import { readRepositories, repositoriesFlags } from "../lib/cli/repositories.ts";
import { chainsTo } from "../lib/crypto/chain.ts";
import { type Certificate, readCertificates } from "../lib/crypto/x509.ts";
import { messageOf, TagsealError } from "../lib/errors.ts";
import { KEY_FILE, type PolicyInput } from "../lib/flows/policies/policy.ts";
import { type PreparedPolicy, preparePolicies, VERIFIERS } from "../lib/flows/policies/write_policies.ts";

const NAMES = [...VERIFIERS.keys()];
const MAX_CHAIN_BYTES = 2 ** 20;
/** What is a folder's name, a part of a statement's, and with little change of a Kubernetes resource's. */
const SIGNER = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,62}$/;

/** The command. */
export const command: Command = defineCommand({
  description:
    "Writes what verifiers of cosign and Notation signatures need to accept this key for these repositories, and " +
    "nothing else, with the command that tries it. Files that are there already get additions: entries of others " +
    "stay, and where one says otherwise nothing is written. Doing it again changes nothing.",
  flags: {
    ...repositoriesFlags,
    repository: list("-r, --repository <fqn>", "the image's full name without tag (repeatable)"),
    for: {
      ...list("--for <verifiers>", `for whom, separated by commas or repeated: ${NAMES.join(", ")}`),
      choices: NAMES,
    },
    outputDir: required("--output-dir <dir>", "the folder that gets the files, or has them already"),
    keyPath: text("--key-path <path>", `where ${KEY_FILE} lies on the machines that verify (in --output-dir)`),
    ...delegationFlags,
    delegation: { ...delegationFlags.delegation, help: "the signer's name in statements and trust stores (signpath)" },
    certificateChain: text("--certificate-chain <file>", "the CAs above the certificate, as PEM, the root among them"),
    ...delegationSourceFlags,
    ...connectionFlags,
  },
  example: "tagseal policy -r registry.example.com/team/app --delegation-certificate certificate.cer " +
    "--for podman,notation --output-dir verifiers",
  async run(values, host) {
    const verifiers = verifiersOf(values.for);
    const { names: [first, ...others] } = await readRepositories(values, host);
    const delegation = await openDelegation(values, openSession(values, host), host);
    if (!delegation?.key.certificate) {
      throw new TagsealError("usage", "--delegation-certificate is missing", {
        remedy: "Name the certificate of the signing key, or give --delegation-from-signpath",
      });
    }
    const { name: signer, key: { certificate } } = delegation;
    if (!SIGNER.test(signer)) {
      throw new TagsealError("usage", `--delegation cannot be "${signer.slice(0, 40)}" here`, {
        remedy: "Take up to 63 letters, digits, underscores, periods and dashes",
      });
    }
    const root = host.path(values.outputDir).replace(/(?<=.)[/\\]+$/, "");
    const input: PolicyInput = {
      repositories: [first!, ...others],
      signer,
      certificate,
      anchor: await readAnchor(certificate, values.certificateChain, host),
      folder: root,
      keyPath: values.keyPath ?? `${root}/${KEY_FILE}`,
    };
    const prepared = await preparePolicies(verifiers, input, openPolicyFolder(root));
    const changed = prepared.flatMap(({ files }) => files.filter(({ outcome }) => outcome !== "unchanged"));
    await writePolicyFiles(root, changed);
    prepared.forEach((policy) => explain(policy, host));
    return {
      json: { outputDir: root, keyId: delegation.key.canonicalId, verifiers: prepared.map(withoutContent) },
      lines: prepared.flatMap(({ files }) => files.map(({ path, outcome }) => `${root}/${path} ${outcome}`)),
    };
  },
});

function verifiersOf(given: readonly string[]): readonly string[] {
  const unknown = given.find((name) => !VERIFIERS.has(name));
  if (given.length > 0 && unknown === undefined) return [...new Set(given)];
  const what = unknown === undefined ? "is missing" : `does not know "${unknown.slice(0, 40)}"`;
  throw new TagsealError("usage", `--for ${what}`, { remedy: `Give --for some of ${NAMES.join(",")}` });
}

/** What trust in the certificate begins with: itself, or the root of the CA that issued it. */
async function readAnchor(own: Certificate, chain: string | undefined, host: Host): Promise<Certificate> {
  if (own.isSelfIssued) return own;
  if (chain === undefined) {
    throw new TagsealError("usage", "A CA has issued the certificate, and verifiers must know that CA", {
      remedy: "Give --certificate-chain <file> with the CA's certificate",
    });
  }
  try {
    const all = readCertificates(fileText(await host.readFile(chain, MAX_CHAIN_BYTES), false));
    const leadsTo = (root: Certificate) => root.isCa && root.isSelfIssued && chainsTo([own, ...all], root, host.now());
    const root = all.find(leadsTo);
    if (root) return root;
    throw new SyntaxError("it leads from the certificate to no root CA");
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new TagsealError("bad-input", `"${chain}" is no certificate chain: ${messageOf(error)}`, {
      remedy: "Write the certificates of all CAs above the signing certificate into it, as PEM, with the root",
      details: { path: chain },
    });
  }
}

function explain({ verifier, commands, notes }: PreparedPolicy, host: Host): void {
  for (const note of notes) host.info(`${verifier}: ${note}.`);
  for (const words of commands) host.info(`${verifier}, to try it (TAG is a tag): ${shellLine(...words)}`);
}

function withoutContent({ verifier, files, commands, notes }: PreparedPolicy): object {
  return { verifier, files: files.map(({ path, outcome }) => ({ path, outcome })), commands, notes };
}

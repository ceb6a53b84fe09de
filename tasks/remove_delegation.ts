/** `tagseal remove-delegation`: takes the right to sign away, and proves that it is gone. @module */
import { commandLine } from "../lib/cli/command_line.ts";
import { connectionFlags, delegationFlags, notaryFlags, repositoryFlag } from "../lib/cli/common_flags.ts";
import { type Command, defineCommand } from "../lib/cli/command.ts";
import { openSession } from "../lib/cli/session.ts";
import { requireConsent } from "../lib/cli/consent.ts";
import { text, toggle } from "../lib/cli/flags.ts";
import type { Host } from "../lib/cli/host.ts";
import { keyStoreFlags } from "../lib/cli/key_stores.ts";
import { TagsealError } from "../lib/errors.ts";
import { readCertificateKey } from "../lib/flows/delegation_certificate.ts";
import { type Consequences, removeDelegation } from "../lib/flows/remove_delegation.ts";
import { parseImageName } from "../lib/registry/image_ref.ts";

/** How many tags a warning names. */
const MAX_NAMED = 20;
const MAX_CERTIFICATE_BYTES = 2 ** 20;

/** The command. */
export const command: Command = defineCommand({
  description:
    "Takes a signer's delegation away (--delegation), a key (--key or --delegation-certificate), or one key of one " +
    "delegation (both), from targets/releases as well, and publishes with the targets key, whose passphrase is asked " +
    "for. --all-other takes everything else away instead. The repository is read back: the command succeeds only if " +
    "it is gone. Where tags stop being trusted by it, they are named and a confirmation is asked for. Replaces notary " +
    "delegation remove and docker trust signer remove.",
  flags: {
    ...repositoryFlag,
    delegation: text("--delegation <name>", "name of the delegation: targets/<name>"),
    delegationCertificate: delegationFlags.delegationCertificate,
    key: text("--key <id>", "the key, instead of its certificate: its id or the first digits (7 at least)"),
    allOther: toggle("--all-other", "keep what is named, and take everything else away"),
    ...keyStoreFlags,
    ...notaryFlags,
    ...connectionFlags,
  },
  example: "tagseal remove-delegation -r registry.example.com/team/app --delegation old-signer",
  async run(values, host) {
    const name = parseImageName(values.repository);
    const { delegation, delegationCertificate, key, allOther } = values;
    if (key !== undefined && delegationCertificate !== undefined) {
      throw new TagsealError("usage", "--key and --delegation-certificate exclude each other", {
        remedy: "Name the key in one way",
      });
    }
    const keyId = delegationCertificate === undefined ? key : await namedKey(delegationCertificate, host);
    if (delegation === undefined && keyId === undefined) {
      throw new TagsealError("usage", "Neither a delegation nor a key is named", {
        remedy: "Give --delegation <name>, --delegation-certificate <file> or --key <id>",
      });
    }
    const session = openSession(values, host);
    const trust = await session.notary(name, "push,pull");
    const result = await removeDelegation(
      trust,
      session.keys(),
      { gun: name.gun, name: delegation, keyId, allOther },
      (consequences) => confirmed(consequences, name.gun, values.yes, host),
    );
    const { outcome, removed, delegations, targetsVersion, consequences } = result;
    if (outcome === "unchanged") host.info(`Nothing else is there: "${name.gun}" stays as it is.`);
    else host.info("Read back and verified: the repository does not name what was removed any more.");
    return {
      json: { repository: name.gun, outcome, removed, delegations, targetsVersion, ...consequences },
      lines: removed.flatMap(({ role, keyIds }) => keyIds.map((id) => `${name.gun} ${role} ${id} removed`)),
    };
  },
});

async function namedKey(path: string, host: Host): Promise<string> {
  return readCertificateKey(await host.readFile(path, MAX_CERTIFICATE_BYTES), path).key.canonicalId;
}

async function confirmed(
  { lost, moved, noSigner }: Consequences,
  gun: string,
  yes: boolean,
  host: Host,
): Promise<void> {
  const named = (tags: readonly string[]) =>
    tags.slice(0, MAX_NAMED).join(", ") + (tags.length > MAX_NAMED ? ` and ${tags.length - MAX_NAMED} more` : "");
  if (noSigner) {
    host.warn(
      `no key is left in targets/releases of "${gun}": nobody can sign tags until ${
        commandLine("add-delegation")
      } names one, ` +
        "and Docker sees only what targets holds",
    );
  }
  if (lost.length > 0) {
    host.warn(
      `these tags of "${gun}" stop being trusted, as no key that is left has signed them: ${
        named(lost)
      }. To keep them (not where the key was stolen), ` +
        "sign a tag with a key that stays before this one is removed",
    );
  }
  if (moved.length > 0) {
    host.warn(`these tags of "${gun}" go back to the digest that targets holds: ${named(moved)}`);
  }
  await requireConsent(yes, host, `Publish this for "${gun}"?`);
}

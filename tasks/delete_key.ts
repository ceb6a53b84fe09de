/** `tagseal delete-key`: deletes a key, once nothing needs it any more. @module */
import { commandLine } from "../lib/cli/command_line.ts";
import { connectionFlags, notaryFlags } from "../lib/cli/common_flags.ts";
import { type Command, defineCommand } from "../lib/cli/command.ts";
import { openSession } from "../lib/cli/session.ts";
import { requireConsent } from "../lib/cli/consent.ts";
import { text, toggle } from "../lib/cli/flags.ts";
import { shortId } from "../lib/cli/layout.ts";
import { TagsealError } from "../lib/errors.ts";
import { type NeedlessKey, proveNeedless } from "../lib/flows/delete_key.ts";
import { findKey, listKeys } from "../lib/flows/list_keys.ts";
import type { KeyInfo } from "../lib/keystore/keystore.ts";
import { parseImageName } from "../lib/registry/image_ref.ts";

/** The command. */
export const command: Command = defineCommand({
  description:
    "Deletes a private key from the trust directory, by its id or by --role targets and --repository. For a targets key " +
    "the repository is read first, to prove that signing goes on without it; if a key is still needed, it is not " +
    "deleted. A confirmation is asked for. The last step of SignPath's guide, done safely.",
  argument: { name: "[id]", help: "the key's id, or its first digits" },
  flags: {
    repository: text("-r, --repository <fqn>", "the repository whose key it is"),
    role: {
      ...text("--role <role>", "targets: the targets key of --repository, in place of an id"),
      choices: ["targets"],
    },
    force: toggle("--force", "delete a root key, which nothing can replace; only together with --yes"),
    ...notaryFlags,
    ...connectionFlags,
  },
  example: "tagseal delete-key --role targets -r registry.example.com/team/app",
  async run(values, host, id) {
    const repository = values.repository === undefined ? undefined : parseImageName(values.repository).gun;
    const session = openSession(values, host);
    const store = session.keys();
    const key = choose(await listKeys([store]), id, values.role, repository);
    const gun = key.gun ?? repository;
    const named = `the ${key.role || "private"} key ${shortId(key.id)}${gun ? ` of "${gun}"` : ""}`;
    host.info(`This is about ${named}: ${key.location ?? key.id}`);
    if (key.role === "root") requireForce(key, values.yes && values.force);
    let proof: NeedlessKey | undefined;
    if (key.role === "targets") {
      if (gun === undefined) {
        throw new TagsealError("usage", `The key file does not say which repository ${key.id.slice(0, 7)}… is for`, {
          remedy: "Name it with --repository",
          details: { keyId: key.id },
        });
      }
      const name = parseImageName(gun);
      const trust = await session.notary(name, "pull");
      proof = await proveNeedless(trust, name.gun, key.id);
      host.info(sayProof(proof, name.gun));
      if (proof.kind === "replaced-by-delegation" && !proof.provedBy) {
        host.warn("no tag is signed yet, so that signing without this key was never tried: sign a test tag first");
      }
    }
    if (!store.remove) {
      throw new TagsealError("bad-input", "Keys of this store cannot be deleted from here", {
        remedy: "Use the tool that came with it",
      });
    }
    await requireConsent(values.yes, host, `Delete ${named} for good?`);
    await store.remove(key.id);
    if ((await store.list()).some(({ id }) => id === key.id)) {
      throw new TagsealError("unexpected", `The key ${key.id.slice(0, 7)}… is still there`, {
        remedy: `Look with ${commandLine("keys")}, and delete the file yourself`,
      });
    }
    if (key.role === "targets") {
      host.info(`If a targets key is needed again: ${commandLine("rotate-key", "--role", "targets")}`);
    }
    return {
      json: {
        keyId: key.id,
        role: key.role,
        repository: gun ?? null,
        path: key.location ?? null,
        deleted: true,
        proof,
      },
      lines: [`${key.id} deleted`],
    };
  },
});

function choose(keys: readonly KeyInfo[], id: string, role: string | undefined, gun: string | undefined): KeyInfo {
  if (id !== "") {
    const key = findKey(keys, id);
    if ((role === undefined || key.role === role) && (gun === undefined || (key.gun ?? gun) === gun)) return key;
    throw new TagsealError("usage", `The key ${key.id.slice(0, 7)}… is the ${key.role} key of "${key.gun ?? ""}"`, {
      remedy: "Leave --role and --repository out, or correct them",
      details: { keyId: key.id },
    });
  }
  if (role !== "targets" || gun === undefined) {
    throw new TagsealError("usage", "It is not said which key to delete", {
      remedy: `Give its id (${commandLine("keys")} lists them), or --role targets and --repository`,
    });
  }
  const found = keys.filter((key) => key.role === role && key.gun === gun);
  if (found.length === 1) return found[0]!;
  const keyIds = found.map(({ id }) => id);
  if (keyIds.length === 0) {
    throw new TagsealError("not-found", `There is no targets key of "${gun}" here`, {
      remedy: `${commandLine("keys")} lists the keys; name another directory with --trust-dir`,
      details: { repository: gun },
    });
  }
  throw new TagsealError(
    "usage",
    `There are ${keyIds.length} targets keys of "${gun}": ${keyIds.map(shortId).join(", ")}`,
    {
      remedy: `Give the id of one; ${commandLine("inspect")} shows which one the repository trusts`,
      details: { repository: gun, keyIds },
    },
  );
}

function requireForce({ id, location }: KeyInfo, forced: boolean): void {
  if (forced) return;
  throw new TagsealError(
    "bad-input",
    `A root key cannot be replaced once it is lost: ${id.slice(0, 7)}… was not deleted`,
    {
      remedy: `Move its file to a place that is safe and off this machine${location ? `: "${location}"` : ""}. If no ` +
        "repository uses it any more: --force and --yes",
      details: { keyId: id },
    },
  );
}

function sayProof(proof: NeedlessKey, gun: string): string {
  switch (proof.kind) {
    case "no-repository":
      return `The Notary server has no trust data for "${gun}".`;
    case "not-trusted":
      return `"${gun}" does not trust this key: another one has taken its place.`;
    case "replaced-by-delegation": {
      const { provedBy, signerKeyIds } = proof;
      const tag = provedBy ? ` ${provedBy.tag} ${provedBy.digest} verifies without it.` : "";
      return `Tags of "${gun}" are signed by ${signerKeyIds.map(shortId).join(", ")}.${tag}`;
    }
  }
}

/** What `tagseal move` says: what it will do, what it did, who goes on, and how to take it back. @module */
import { word } from "../bytes/printable.ts";
import type { MoveOptions, MovePlan, MoveResult } from "../flows/move_repository.ts";
import { filesOf } from "../notary/update.ts";
import { versionOf } from "../notary/publish.ts";
import { commandLine } from "./command_line.ts";
import { connectionFlags } from "./common_flags.ts";
import { retyped, type Typed } from "./flags.ts";
import type { Host } from "./host.ts";
import type { Report } from "./report.ts";

function places({ gun, to, toGun }: MoveOptions): object {
  return { repository: gun, movedTo: { repository: toGun, notaryUrl: address(to.server.url) } };
}

function address(url: URL): string {
  return url.href.replace(/\/+$/, "");
}

/** What would be posted. */
export function planReport(plan: MovePlan, options: MoveOptions, host: Host): Report {
  const { source: { repository, verbatim }, found, rootKey, rootVersions, posts } = plan;
  const roles = [...verbatim.keys()].map((role) => ({ role, version: versionOf(repository, role) }));
  const isBegun = found.repository !== undefined;
  host.info("Dry run: nothing was signed, nothing was posted.");
  const { gun, to, toGun } = options;
  const where = `${toGun} at ${address(to.server.url)}`;
  return {
    json: {
      dryRun: true,
      ...places(options),
      rootKeyId: rootKey.canonicalId,
      isBegun,
      rootVersions,
      posts,
      roles,
    },
    lines: [
      `${gun} -> ${where}${isBegun ? posts > 0 ? " (begun already)" : " (done already)" : ""}`,
      ...isBegun ? [] : roles.map(({ role, version }) => `${role} version ${version}, as it is`),
      ...rootVersions.map((version) => `root version ${version}, signed by ${rootKey.canonicalId}`),
      `${posts} posts, ${Math.max(0, posts - rootVersions.length)} of them empty`,
    ],
  };
}

/** What was done. */
export function movedReport(result: MoveResult, options: MoveOptions, typed: Typed, host: Host): Report {
  const { outcome, before, after, rootKeyId, tags, clients } = result;
  const { to: { server, store }, toGun } = options;
  const url = address(server.url);
  const shownTags = tags.map(({ tag, sha256, length, role, signers }) => ({
    tag,
    digest: `sha256:${sha256}`,
    length,
    role,
    signers,
  }));
  const roles = [...filesOf(after).keys()].map((role) => ({
    role,
    version: versionOf(after, role),
    previousVersion: versionOf(before, role),
  }));
  const copies = ["timestamp", "snapshot"].map((role) => `tuf/${toGun}/metadata/${role}.json`);
  const undo = {
    method: "DELETE",
    url: `${url}/v2/${toGun}/_trust/tuf/`,
    command: `notary -s ${url} delete ${toGun} --remote`,
  };
  host.info(`Read back and proved: ${tags.length} entries of ${roles.length - 3} roles, the same at both places.`);
  sayWhoGoesOn(result, options, copies, host);
  host.info(
    `Reached with: ${commandLine("list", "-r", toGun, "--notary-url", url, ...retyped(connectionFlags, typed))}`,
  );
  host.info(`To take it back before anybody reads from there: ${undo.command} (${undo.method} ${undo.url})`);
  const folder = store.folderOf?.(toGun);
  if (clients.kind === "delete-copies" && folder) host.info(`In "${folder}" that has been done already.`);
  return {
    json: {
      ...places(options),
      outcome,
      rootKeyId,
      tags: shownTags,
      roles,
      clients: clients.kind,
      ...(clients.kind === "new-name" ? {} : { clientsFromRoot: clients.fromRoot }),
      ...(clients.kind === "delete-copies" ? { deleteCopies: copies } : {}),
      undo,
    },
    lines: shownTags.map(({ tag, digest, role }) => `${toGun}:${word(tag)} ${digest} ${role}`),
  };
}

function sayWhoGoesOn(
  { clients, before, rootKeyId }: MoveResult,
  { toGun, gun }: MoveOptions,
  copies: readonly string[],
  host: Host,
): void {
  if (clients.kind === "new-name") {
    host.info(
      `"${toGun}" is another name than "${gun}": everybody meets it anew. Pins of the root key ${rootKeyId} hold, and ` +
        `pins of a certificate need the new one: ${commandLine("root-certificate")}`,
    );
    return;
  }
  if (clients.kind === "go-on") {
    host.info(`Whoever knows "${gun}" goes on untouched. Whoever has read it at the new place cannot go back.`);
  } else {
    host.warn(
      "the server was not brought above the versions that clients have seen. In each trust directory (~/.docker/trust) " +
        `that knows the repository, delete ${copies.join(" and ")}; nothing else, so that the root stays pinned`,
    );
  }
  if (clients.fromRoot === 1) return;
  host.warn(
    `root ${before.root.version} does not lead back beyond version ${clients.fromRoot} with this root key: clients that ` +
      "have not been here since have to read the old place once more before they change over, or pin the root anew",
  );
}

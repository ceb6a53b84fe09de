/** What must not compile does not: `deno check` fails where an expected error is missing. */
import assert from "node:assert/strict";
import { resolveAll } from "../../lib/tuf/resolve.ts";
import {
  advanceRoot,
  advanceSnapshot,
  advanceTargets,
  advanceTimestamp,
  openDelegations,
  openRoot,
  reopenRoot,
  type RootPhase,
  type SnapshotPhase,
  type TimestampPhase,
  type TrustedRepository,
} from "../../lib/tuf/trusted.ts";
import type { RepositoryView } from "../../lib/tuf/view.ts";
import { publishChange, type PublishOptions } from "../../lib/notary/publish.ts";
import { TagsealError } from "../../lib/errors.ts";
import type { RoleName } from "../../lib/tuf/roles.ts";
import { AT, buildFiles, GUN } from "../support/trust_builder.ts";

declare const root: RootPhase;
declare const timestamp: TimestampPhase;
declare const snapshot: SnapshotPhase;
declare const trusted: TrustedRepository;
declare const view: RepositoryView;
declare const reading: PublishOptions<RepositoryView>;

const bytes = new Uint8Array();

/** Never called: the compiler reads it. */
export const NOT_COMPILED = [
  () => advanceTimestamp(root, bytes),
  () => advanceSnapshot(timestamp, bytes),
  () => advanceTargets(snapshot, bytes),
  // @ts-expect-error: a step is not taken twice
  () => advanceRoot(timestamp, bytes),
  // @ts-expect-error: nor after those that follow it
  () => advanceRoot(snapshot, bytes),
  // @ts-expect-error: nor before those that it follows
  () => advanceSnapshot(root, bytes),
  // @ts-expect-error: targets need the snapshot
  () => advanceTargets(timestamp, bytes),
  // @ts-expect-error: a whole repository is no phase on the way
  () => advanceTimestamp(trusted, bytes),
  // @ts-expect-error: what was changed by hand is not trusted any more
  (): TrustedRepository => ({ ...trusted, delegations: new Map() }),
  // @ts-expect-error: nor is what says of itself that it is
  (): TrustedRepository => ({ ...view, kind: "repository", proven: true, floors: new Map(), seen: trusted.seen }),
  // @ts-expect-error: what was only looked at is not trusted
  () => openDelegations(view),
  // @ts-expect-error: who publishes upon what is not trusted says so: `publishChange<RepositoryView>`
  () => publishChange<TrustedRepository>(reading, { make: () => Promise.resolve(new Map()), isThere: () => false }),
  () => publishChange<RepositoryView>(reading, { make: () => Promise.resolve(new Map()), isThere: () => false }),
  () => resolveAll({ ...trusted, delegations: new Map() }),
  () => new TagsealError("unavailable", "x", { remedy: "y", reason: "no-tls" }),
  // @ts-expect-error: a reason belongs to its class of failure
  () => new TagsealError("unavailable", "x", { remedy: "y", reason: "denied" }),
  // @ts-expect-error: and most classes have none
  () => new TagsealError("stale", "x", { remedy: "y", reason: "no-tls" }),
];

Deno.test("trusted: each step says how far it has come, and the last one is the repository", async () => {
  const files = await buildFiles();
  const file = (role: RoleName) => files.get(role)!;
  const opened = await openRoot(GUN, file("root"), { kind: "first-use" }, new Map(), AT);
  const newer = await advanceRoot(opened, (await buildFiles({ root: { version: 2 } })).get("root")!);
  const same = await advanceRoot(opened, file("root"));
  const stamped = await advanceTimestamp(same, file("timestamp"));
  const listed = await advanceSnapshot(stamped, file("snapshot"));
  const repository = await advanceTargets(listed, file("targets"));
  const other = await buildFiles({ targets: { version: 2 } });
  const first = await openRoot(GUN, other.get("root")!, { kind: "first-use" }, new Map(), AT);
  const second = await advanceTimestamp(first, other.get("timestamp")!);
  const before = await advanceTargets(await advanceSnapshot(second, other.get("snapshot")!), other.get("targets")!);
  const unfooled = await advanceTargets(listed, file("targets"), before);
  assert.deepEqual(unfooled.targets.envelope.bytes, file("targets"), "what was read before may be another file");
  await assert.rejects(
    advanceTimestamp(reopenRoot(GUN, repository, new Map(), new Date("2030-01-01T00:00:00Z")), file("timestamp")),
    (error) => error instanceof TagsealError && error.byClock === "over",
  );
  const later = new Date(AT.getTime() + 1000);
  const reopened = reopenRoot(GUN, repository, new Map(), later);
  assert.deepEqual([reopened.root, reopened.at, reopened.gun], [repository.root, later, GUN]);
  const kinds = [opened, newer, same, stamped, listed, repository, reopened].map(({ kind }) => kind);
  assert.deepEqual(kinds, ["root", "root", "root", "timestamp", "snapshot", "repository", "root"]);
  assert.deepEqual(Object.keys({ ...repository }).filter((name) => name === "proven"), []);
});

/**
 * Verifying is rehearsed while servers are waited for: the engine compiles a function when it is first called, so that what
 * judges the answers is ready when they are here. Nothing that is found out counts for anything.
 *
 * @module
 */
import { utf8 } from "../bytes/bytes.ts";
import {
  advanceDelegation,
  advanceSnapshot,
  advanceTargets,
  advanceTimestamp,
  openDelegations,
  openRoot,
  type TrustedRepository,
} from "../tuf/trusted.ts";
import { AT, FILES, GUN } from "./rehearsal_sample.ts";

/** Verifies a repository that the notary client made; `undefined` where it gave up, once `answered` was settled. */
export async function rehearse(answered: Promise<unknown>): Promise<TrustedRepository | undefined> {
  let isOver = false;
  const over = () => void (isOver = true);
  answered.then(over, over);
  const file = (role: string) => utf8((FILES as Readonly<Record<string, string>>)[role]!);
  const root = await openRoot(GUN, file("root"), { kind: "first-use" }, new Map(), new Date(AT));
  if (isOver) return undefined;
  const stamped = await advanceTimestamp(root, file("timestamp"));
  if (isOver) return undefined;
  const snapped = await advanceSnapshot(stamped, file("snapshot"));
  if (isOver) return undefined;
  let repository = await advanceTargets(snapped, file("targets"));
  for (const delegation of openDelegations(repository)) {
    if (isOver) return undefined;
    const { name } = delegation;
    repository = await advanceDelegation(repository, delegation, name in FILES ? file(name) : undefined);
  }
  return repository;
}

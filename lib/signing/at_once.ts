/** Work on many things, a bounded number at a time. @module */

/** How many repositories are worked on at a time. */
export const AT_ONCE = 12;

/**
 * Does `work` for each item, `atOnce` of them at a time. After a failure nothing more is begun, and what was begun is
 * waited for: the process may end then, and must not end amid a write.
 */
export async function mapAtOnce<T, R>(
  items: readonly T[],
  atOnce: number,
  work: (item: T, index: number) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  const open = items.entries();
  let failed = false;
  const worker = async () => {
    for (const [i, item] of open) {
      try {
        results[i] = await work(item, i);
      } catch (error) {
        failed = true;
        throw error;
      }
      if (failed) return;
    }
  };
  const workers = await Promise.allSettled(Array.from({ length: Math.min(atOnce, items.length) }, worker));
  for (const outcome of workers) if (outcome.status === "rejected") throw outcome.reason;
  return results;
}

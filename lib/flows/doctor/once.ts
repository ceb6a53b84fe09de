/** What several checks want to know is found out once. @module */

/** `work`, done when it is first wanted, and once. */
export function once<T>(work: () => Promise<T>): () => Promise<T> {
  let done: Promise<T> | undefined;
  return () => done ??= work();
}

/** How many listen to a signal still. @module */

/** A controller whose signal counts who listens to its end. */
export function countedSignal(): { readonly controller: AbortController; listeners(): number } {
  const controller = new AbortController();
  const { signal } = controller;
  let count = 0;
  const counting = (by: number, method: AddOrRemove): AddOrRemove => (...given) => {
    if (given[0] === "abort") count += by;
    Reflect.apply(method, signal, given);
  };
  signal.addEventListener = counting(1, signal.addEventListener);
  signal.removeEventListener = counting(-1, signal.removeEventListener);
  return { controller, listeners: () => count };
}

type AddOrRemove = (...given: Parameters<AbortSignal["addEventListener"]>) => void;

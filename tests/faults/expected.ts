/** What may come of a fault: exit codes by class, and the exceptions by name. @module */
import type { Cell } from "./cells.ts";
import type { FaultClass } from "./faults.ts";

/** By class of fault. */
const CODES: Readonly<Record<FaultClass, readonly number[]>> = {
  passing: [0, 5],
  slow: [0, 5],
  useless: [0, 5],
  refusing: [0, 4],
  absent: [0, 2, 5],
  rejecting: [0, 2, 3, 5],
};

/** What may be beside that, where it is of that kind. */
const EXCEPTIONS: readonly { readonly why: string; readonly codes: readonly number[]; is(cell: Cell): boolean }[] = [
  {
    why: "what is no trust data is not trusted",
    codes: [3],
    is: ({ at, fault }) => /^GET notary/.test(at.kind) && ["an empty answer", "no JSON"].includes(fault.name),
  },
  {
    why: "where a web page is, there is no Notary server",
    codes: [2],
    is: ({ at, fault }) => /^GET notary/.test(at.kind) && fault.name === "a web page",
  },
  {
    why: "the signing request goes on, whatever its status was told as",
    codes: [8],
    is: ({ at }) => at.kind.endsWith("/Status"),
  },
];

/** The exit codes that a cell may end with. */
export function expectedCodes(cell: Cell): readonly number[] {
  const { fault, at, times } = cell;
  // What passes by itself costs a read nothing.
  if (fault.is === "passing" && times === "once" && /^(GET|HEAD) /.test(at.kind)) return [0];
  return [...CODES[fault.is], ...EXCEPTIONS.flatMap(({ is, codes }) => is(cell) ? codes : [])];
}

/** `lib/notary/rehearsal_sample.ts`: a recorded root as a part of the program. @module */

const RECORDING = "fixtures/notary-basic";

/** The module's text; `read` reads a file of the project. */
export async function rehearsalSample(read: (name: string) => Promise<string>): Promise<string> {
  const { at, gun } = JSON.parse(await read(`${RECORDING}/recorded.json`));
  const root = await read(`${RECORDING}/tuf/${gun}/metadata/root.json`);
  if (/['\\\n]/.test(root)) throw new Error("The recorded root is not on one line");
  return `// Written by \`deno task sync\` from ${RECORDING}.

/** The repository's name. */
export const GUN = ${JSON.stringify(gun)};
/** When the root is good. */
export const AT = ${JSON.stringify(at)};
/** What the notary client made. */
export const ROOT =
  '${root}';
`;
}

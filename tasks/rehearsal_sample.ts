/** `lib/notary/rehearsal_sample.ts`: a recorded repository as a part of the program. @module */

const RECORDING = "fixtures/notary-basic";
const ROLES: readonly string[] = ["root", "timestamp", "snapshot", "targets", "targets/releases"];

/** The module's text; `read` reads a file of the project. */
export async function rehearsalSample(read: (name: string) => Promise<string>): Promise<string> {
  const { at, gun } = JSON.parse(await read(`${RECORDING}/recorded.json`));
  const lines = await Promise.all(ROLES.map(async (role) => {
    const text = await read(`${RECORDING}/tuf/${gun}/metadata/${role}.json`);
    return `  ${/^\w+$/.test(role) ? role : JSON.stringify(role)}:\n    ${singleQuoted(text)},\n`;
  }));
  return `// Written by \`deno task sync\` from ${RECORDING}.

/** The repository's name. */
export const GUN = ${JSON.stringify(gun)};
/** When all of it is good. */
export const AT = ${JSON.stringify(at)};
/** What the notary client made, by role. */
export const FILES = {
${lines.join("")}} as const;
`;
}

/** As the formatter writes it: with the quotes that need fewer escapes. */
function singleQuoted(text: string): string {
  if (/['\\\n]/.test(text)) throw new Error("a recorded file is not on one line");
  return `'${text}'`;
}

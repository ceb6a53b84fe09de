/** In which form the program runs: what can be advised depends on it. @module */

/** A task of the project, the single file, or a program with Deno inside. */
export type Form = "task" | "file" | "program";

/** The form of this process. */
export const FORM: Form = Deno.build.standalone
  ? "program"
  : import.meta.url.endsWith("/lib/cli/form.ts")
  ? "task"
  : "file";

/** In which form the program runs, and how it was called: what can be advised depends on it. @module */
import { pathOfUrl } from "../files/names.ts";

/** A task of the project, the single file, or a program with Deno inside. */
export type Form = "task" | "file" | "program";

/** The form of this process. */
export const FORM: Form = Deno.build.standalone
  ? "program"
  : import.meta.url.endsWith("/lib/cli/form.ts")
  ? "task"
  : "file";

/** What runs the program, and on what. */
export const RUNTIME = {
  deno: Deno.version.deno,
  machine: `${Deno.build.os} ${Deno.build.arch}`,
} as const;

/** A shell that command lines are written for: one of POSIX, or PowerShell. */
export type Shell = "sh" | "powershell";

/** The shell of this machine. */
export const SHELL: Shell = Deno.build.os === "windows" ? "powershell" : "sh";

/** Where a program with Deno inside may load native code from: it is compiled in, and only administrators write there. */
export function installedAddonFolder(os: string = Deno.build.os): string {
  return os === "windows" ? "C:\\Program Files\\tagseal\\pkcs11" : "/usr/local/lib/tagseal/pkcs11";
}

/** What tells how a program was called. */
export interface Calling {
  /** Its form. */
  readonly form: Form;
  /** Whether a task of the project runs. */
  readonly byTask: boolean;
  /** The path of the file, or of the program. */
  readonly path: string;
  /** The folder that the user is in. */
  readonly folder: string;
  /** The folders in which shells look for programs. */
  readonly searched: readonly string[];
}

/** The words by which the user calls the program again. */
export function calledAs({ form, byTask, path, folder, searched }: Calling): readonly string[] {
  if (form === "task") return byTask ? ["deno", "task"] : ["tagseal"];
  const slashed = path.replaceAll("\\", "/");
  const [, within = "", name = ""] = /^(.*)\/([^/]*)$/.exec(slashed) ?? [];
  const same = (other: string) => other.replaceAll("\\", "/").replace(/\/+$/, "") === within;
  if (searched.some(same)) return [name];
  const here = `${folder.replaceAll("\\", "/").replace(/\/+$/, "")}/`;
  const relative = slashed.startsWith(here) ? slashed.slice(here.length) : slashed;
  return [relative.includes("/") ? relative : `./${relative}`];
}

/** The file that this program is: the single file, or the one with Deno inside; `undefined` where a project is run. */
export function programFile(): string | undefined {
  if (FORM === "task") return undefined;
  return FORM === "program" ? Deno.execPath() : pathOfUrl(import.meta.url);
}

/** What releases call this form, and the Deno that runs it. */
export function runningForm(): { readonly form: string; readonly deno: string } {
  return { form: FORM === "program" ? Deno.build.target : "deno", deno: Deno.version.deno };
}

/** The words that put `from` in the place of `to`, in the shells of this system. */
export function moveWords(from: string, to: string): readonly string[] {
  return Deno.build.os === "windows" ? ["Move-Item", "-Force", from, to] : ["mv", from, to];
}

/** The words by which this process is called again; a task of the project says in which folder the user is. */
export function called(): readonly string[] {
  return calledAs({
    form: FORM,
    byTask: Deno.env.get("TAGSEAL_CWD") !== undefined,
    path: programFile() ?? pathOfUrl(import.meta.url),
    folder: Deno.cwd(),
    searched: FORM === "task" ? [] : (Deno.env.get("PATH") ?? "").split(Deno.build.os === "windows" ? ";" : ":"),
  });
}

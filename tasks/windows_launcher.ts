/**
 * The launcher of the single file on Windows, `tagseal.cmd`: what the first lines of the file are to a POSIX shell.
 *
 * @see {@link https://learn.microsoft.com/windows-server/administration/windows-commands/call | call, and what %~dp0 is}
 * @module
 */
import { OLDEST_DENO } from "../lib/flows/doctor/machine.ts";
import { FILE_FLAGS } from "./single_file.ts";

/**
 * No argument stands in brackets, as one of its own would end them. Deno comes from PATH alone, never from the folder that
 * the user is in, where cmd looks first. It is started without `call`, which would take `%` and `^` of arguments for its
 * own; where `deno` is itself a script, its exit code is the last one then.
 */
const LINES: readonly string[] = [
  "@echo off",
  'rem Runs the file "tagseal" beside this one with Deno.',
  "setlocal DisableDelayedExpansion",
  'set "TAGSEAL_DENO="',
  'for %%I in (deno.exe deno.cmd deno.bat) do if not defined TAGSEAL_DENO set "TAGSEAL_DENO=%%~$PATH:I"',
  "if not defined TAGSEAL_DENO goto missing",
  'set "DENO_NO_UPDATE_CHECK=1"',
  'set "TAGSEAL_FFI="',
  'if defined TAGSEAL_PKCS11_ADDON set TAGSEAL_FFI="--allow-ffi=%TAGSEAL_PKCS11_ADDON%"',
  `"%TAGSEAL_DENO%" run ${FILE_FLAGS.join(" ")} %TAGSEAL_FFI% "%~dp0tagseal" %*`,
  "exit /b %ERRORLEVEL%",
  ":missing",
  `>&2 echo tagseal: error: Deno is not on PATH; install Deno ${OLDEST_DENO.join(".")} or newer: https://deno.com`,
  "exit /b 127",
];

/** Its text, with the line ends that labels need. */
export const WINDOWS_LAUNCHER: string = LINES.map((line) => `${line}\r\n`).join("");

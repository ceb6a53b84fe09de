/**
 * The launcher of the single file on Windows, `tagseal.cmd`: what the first lines of the file are to a POSIX shell.
 *
 * @see {@link https://learn.microsoft.com/windows-server/administration/windows-commands/call | call, and what %~dp0 is}
 * @module
 */
import { FILE_FLAGS, OLDEST_DENO } from "./single_file.ts";

/**
 * Nothing stands in brackets, as an argument with a bracket would end them. Deno is started without `call`, which would
 * take `%` and `^` of arguments for its own; where `deno` is itself a script, its exit code is the last one then.
 */
const LINES: readonly string[] = [
  "@echo off",
  'rem Runs the file "tagseal" beside this one with Deno.',
  "setlocal DisableDelayedExpansion",
  "where /q deno || goto missing",
  'set "DENO_NO_UPDATE_CHECK=1"',
  'set "TAGSEAL_FFI="',
  'if defined TAGSEAL_PKCS11_ADDON set TAGSEAL_FFI="--allow-ffi=%TAGSEAL_PKCS11_ADDON%"',
  `deno run ${FILE_FLAGS.join(" ")} %TAGSEAL_FFI% "%~dp0tagseal" %*`,
  "exit /b %ERRORLEVEL%",
  ":missing",
  `>&2 echo tagseal: error: Deno is not on PATH; install Deno ${OLDEST_DENO.join(".")} or newer: https://deno.com`,
  "exit /b 127",
];

/** Its text, with the line ends that labels need. */
export const WINDOWS_LAUNCHER: string = LINES.map((line) => `${line}\r\n`).join("");

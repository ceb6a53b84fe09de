/** Whose access to registries and Notary servers is used. @module */
import { fileText } from "../bytes/bytes.ts";
import { readFileBounded } from "../files/files.ts";
import type { Credentials, CredentialsSource } from "../http/access.ts";
import type { RunHelper } from "../registry/credential_helper.ts";
import { resolveCredentials } from "../registry/credentials.ts";
import { runHelperProcess } from "../registry/helper_process.ts";

/**
 * Credentials, or how to come by those for the registry at `host` (`host[:port]`): asked once, and only if a server
 * asks.
 */
export type CredentialsOption = Credentials | ((host: string) => ReturnType<CredentialsSource>);

/** What Docker's credentials take. */
export interface DockerCredentialsOptions {
  /**
   * Variables that a credential helper gets; it needs `PATH`, and often `HOME`. Without them no helper is run, and only
   * what `config.json` itself holds is used.
   */
  readonly helperVariables?: Readonly<Record<string, string>> | undefined;
  /** Told what cannot be used. */
  readonly onNotice?: ((line: string) => void) | undefined;
}

const MAX_CONFIG_BYTES = 2 ** 20;

/**
 * What `docker login` has left in a folder (`~/.docker`), or in the credential helper that is named there.
 *
 * Permissions: `--allow-read=<folder>`, and for helpers `--allow-run=docker-credential-<name>`.
 */
export function dockerCredentials(
  folder: string,
  { helperVariables, onNotice = () => {} }: DockerCredentialsOptions = {},
): CredentialsOption {
  const run: RunHelper = (program, server) =>
    helperVariables
      ? runHelperProcess(program, server, { env: helperVariables, signal: new AbortController().signal })
      : Promise.resolve({ failure: "forbidden" });
  return (host) =>
    resolveCredentials({
      flags: {},
      variable: { name: "the option credentials", value: undefined },
      dockerConfig: async () => {
        const bytes = await readFileBounded(`${folder}/config.json`, MAX_CONFIG_BYTES);
        return bytes && fileText(bytes, false);
      },
      host,
      warn: onNotice,
    }, run)();
}

/** How to come by the credentials for `host`. */
export function sourceOf(option: CredentialsOption | undefined, host: string): CredentialsSource {
  return typeof option === "function" ? () => option(host) : () => Promise.resolve(option);
}

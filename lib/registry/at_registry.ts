/** A repository where its registry answers, or where somebody says that it does. @module */
import { secureUrl } from "../http/send.ts";
import type { ImageName } from "./image_ref.ts";
import { orPlainHttp, type PlainHttpOptions } from "./plain_http.ts";
import { openRepository, type RegistryRepository, type RepositoryOptions } from "./repository.ts";

/** How the registry is reached. */
export interface RegistryWay extends Omit<RepositoryOptions, "url" | "path" | "through">, PlainHttpOptions {
  /** Its address, where that is not the host of the repository's name; https unless it says otherwise. */
  readonly address?: string | undefined;
  /** Names the address in messages, after "The". */
  readonly addressName: string;
}

/**
 * The repository at its registry. Only where no address is given is plain http tried, as Docker does: on loopback, or
 * with `allowHttp`.
 *
 * @throws {TagsealError} `bad-input` where the address is none, or may not be used in plain http
 */
export function repositoryAtRegistry(
  name: ImageName,
  { address, addressName, known, allowHttp, warn, ...options }: RegistryWay,
): RegistryRepository {
  const given = address ?? name.registryHost;
  const url = secureUrl(given.includes("://") ? given : `https://${given}`, addressName, allowHttp);
  const through = <T>(ask: (url: URL) => Promise<T>) => orPlainHttp(url, { known, allowHttp, warn }, ask);
  const way = { ...options, url, path: name.path };
  return openRepository(address === undefined ? { ...way, through } : way);
}

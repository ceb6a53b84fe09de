/**
 * A repository at a registry: the one way on which everything that is read there and written there goes.
 *
 * @see {@link https://github.com/opencontainers/distribution-spec/blob/v1.1.0/spec.md | OCI Distribution 1.1}
 * @module
 */
import { type Details, type Reason, TagsealError, type TagsealErrorCode } from "../errors.ts";
import type { AuthorizedService } from "../http/auth.ts";
import type { Sleep } from "../http/retry.ts";
import type { Answer, Call } from "../http/send.ts";
import { inItsWords } from "../http/server_words.ts";

/** One call to a repository. */
export interface RepositoryCall
  extends Pick<Call, "method" | "headers" | "body" | "maxBytes" | "redirects" | "idempotent" | "shared"> {
  /** Where to: below the repository's address (`manifests/v1`), or what {@linkcode withinRegistry} made of an address. */
  readonly to: string | URL;
}

/** What the registry answered, and the address that was asked. */
export interface RepositoryAnswer extends Answer {
  /** The address. */
  readonly url: URL;
}

/** A repository at a registry, as one command may use it. */
export interface RegistryRepository {
  /** Its name without the host: `team/app`. */
  readonly path: string;
  /**
   * Asks the registry. What is idempotent is repeated as the service repeats reads, also after a 500: docker's registry
   * gives that now and then while a tag is being rewritten.
   *
   * @throws what {@linkcode AuthorizedService} throws
   */
  request(call: RepositoryCall): Promise<RepositoryAnswer>;
  /** Waits for so many milliseconds. */
  pause(ms: number): Promise<void>;
}

/** How a repository is reached. */
export interface RepositoryOptions {
  /** The registry, with whatever it wants to know of its caller. */
  readonly service: AuthorizedService;
  /** The registry's address. */
  readonly url: URL;
  /** The repository's name without the host. */
  readonly path: string;
  /** What all calls ask access for: one token serves them all, and the first one already may write. */
  readonly access: "pull" | "push,pull";
  /** How waiting is done. */
  readonly sleep: Sleep;
  /** Has `ask` talk to the registry at another address, where it does not speak what `url` says. */
  readonly through?: <T>(ask: (url: URL) => Promise<T>) => Promise<T>;
  /** Ends what is under way. */
  readonly signal?: AbortSignal | undefined;
}

/** `repository`, which is asked for at most `most` things at a time, by whomever this is given to. */
export function askedAtMost(repository: RegistryRepository, most: number): RegistryRepository {
  const waiting: (() => void)[] = [];
  let open = 0;
  return {
    ...repository,
    async request(call) {
      if (open < most) open++;
      else await new Promise<void>((go) => waiting.push(go));
      try {
        return await repository.request(call);
      } finally {
        const next = waiting.shift();
        if (next) next();
        else open--;
      }
    },
  };
}

const TIMEOUT_MS = 30_000;
/** What is to be tried again by itself, at registries, beside what is everywhere. */
const PASSING: readonly number[] = [500];

/** A repository at a real registry. */
export function openRepository(options: RepositoryOptions): RegistryRepository {
  const { service, path, access, sleep, signal, through = (ask) => ask(options.url) } = options;
  const at = async (url: URL, { to: _, ...call }: RepositoryCall): Promise<RepositoryAnswer> => {
    const whole: Call = { service: "Registry", timeoutMs: TIMEOUT_MS, passing: PASSING, signal, ...call, url };
    return { ...await service.request(whole, { repository: path, actions: access }), url };
  };
  return {
    path,
    request(call) {
      const { to } = call;
      if (typeof to !== "string") return at(to, call);
      return through((registry) => at(new URL(`/v2/${path}/${to}`, registry), call));
    },
    pause: (ms) => sleep(ms, signal),
  };
}

/**
 * Where a registry says to go on (`Location`, `Link`), if that is the registry itself: nobody else gets what is sent
 * there. Behind a proxy for TLS some name their own host with `http:`; the way that is known to work is kept.
 */
export function withinRegistry(address: string | null, asked: URL): URL | undefined {
  const url = address === null ? null : URL.parse(address, asked);
  if (url?.host !== asked.host || !/^https?:$/.test(url.protocol)) return undefined;
  return new URL(`${url.pathname}${url.search}`.replace(/^\/*/, "/"), asked.origin);
}

const NEXT = /<([^<>]*)>\s*;\s*rel="?next"?/i;

/** Where a list goes on; nothing where it ends, and a word where that would be another host. */
export function nextPage({ headers, url }: RepositoryAnswer): URL | "elsewhere" | undefined {
  const next = NEXT.exec(headers.get("link") ?? "")?.[1];
  return next === undefined ? undefined : withinRegistry(next, url) ?? "elsewhere";
}

/** A failure at a repository: `what` and `why` make the sentence, the registry's own words stand behind it. */
export function repositoryError(
  code: TagsealErrorCode,
  { path }: Pick<RegistryRepository, "path">,
  { url, status, bytes }: RepositoryAnswer,
  { what, why, remedy, details = {}, reason }: {
    readonly what: string;
    readonly why: string;
    readonly remedy: string;
    readonly details?: Details;
    readonly reason?: Reason | undefined;
  },
): TagsealError {
  const said = status >= 400 ? inItsWords(bytes) : "";
  const message = `${what} of the repository "${path}" at the registry "${url.origin}" ${why}${said}`;
  return new TagsealError(code, message, {
    remedy,
    reason,
    call: { status },
    details: { registry: url.origin, repository: path, ...details },
  });
}

/**
 * The `WWW-Authenticate` header: what a server wants.
 *
 * @see {@link https://www.rfc-editor.org/rfc/rfc9110#section-11 | RFC 9110, section 11}
 * @module
 */

/** One challenge of a `WWW-Authenticate` header. */
export interface Challenge {
  /** The scheme in lower case. */
  readonly scheme: string;
  /** Parameters by name in lower case; where a server repeats one, the first counts. */
  readonly params: ReadonlyMap<string, string>;
}

const MAX_HEADER = 8192;

/**
 * The challenges of a `WWW-Authenticate` header, if there is one, as far as they follow RFC 9110 (11.6.1); nothing of a header longer than
 * 8 KiB. Several header lines joined by commas are read as one.
 */
export function parseChallenges(header: string | null): Challenge[] {
  const found: { scheme: string; params: Map<string, string> }[] = [];
  if (header === null || header.length > MAX_HEADER) return found;
  let at = 0;
  const take = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    const match = pattern.exec(header);
    if (match) at = pattern.lastIndex;
    return match;
  };
  for (;;) {
    take(/[ \t,]*/y);
    // A parameter comes first: "name =" can be nothing else, whereas a scheme is never followed by "=".
    const param = found.length > 0 && take(/([!#$%&'*+.^_`|~\w-]+)[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([^\s",]+))/y);
    if (param) {
      const name = param[1]!.toLowerCase();
      const params = found.at(-1)!.params;
      if (!params.has(name)) params.set(name, param[2]?.replaceAll(/\\(.)/g, "$1") ?? param[3]!);
      continue;
    }
    const scheme = take(/[!#$%&'*+.^_`|~\w-]+(?=[ \t,]|$)/y);
    if (!scheme) return found;
    found.push({ scheme: scheme[0].toLowerCase(), params: new Map() });
    take(/[ \t]+[\w\-.~+/]+=*(?=[ \t]*(?:,|$))/y); // token68, as Negotiate uses it: nothing for us
  }
}

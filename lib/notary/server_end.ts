/**
 * Public Notary servers that are switched off, and when: whoever signs there must know before, and who only then finds
 * that nobody answers must know why.
 *
 * Sources: Docker, "Retiring Docker Content Trust" (2025); Microsoft, "Transition from Docker Content Trust to the Notary
 * Project" (content trust leaves Azure Container Registry on 31 March 2028).
 *
 * @module
 */

/** The end of a Notary server. */
export interface ServerEnd {
  /** The host of the server. */
  readonly host: string;
  /** The last day is the one before this instant. */
  readonly at: Date;
}

const ENDS: readonly { readonly hosts: RegExp; readonly at: Date }[] = [
  { hosts: /^notary\.docker\.io$/, at: new Date("2026-12-08T00:00:00Z") },
  { hosts: /\.azurecr\.(io|cn|us)$/, at: new Date("2028-03-31T00:00:00Z") },
];

const MONTHS = "January February March April May June July August September October November December".split(" ");

/** When the server at `notaryUrl` is switched off; `undefined` where nothing of the kind has been announced. */
export function endOfServer(notaryUrl: URL): ServerEnd | undefined {
  const { hostname: host } = notaryUrl;
  const end = ENDS.find(({ hosts }) => hosts.test(host));
  return end && { host, at: end.at };
}

/** `notary.docker.io ends on 8 December 2026`, or `… ended …` where that is past. */
export function describeEnd({ host, at }: ServerEnd, now: Date): string {
  const day = `${at.getUTCDate()} ${MONTHS[at.getUTCMonth()]} ${at.getUTCFullYear()}`;
  return `${host} ${now < at ? "ends" : "ended"} on ${day}`;
}

/**
 * How a service wants to know who asks: the challenge that is taken, and whether what it names may be used.
 *
 * @see {@link https://distribution.github.io/distribution/spec/auth/token/ | Registry token specification}
 * @module
 */
import { shown } from "../bytes/printable.ts";
import type { Challenge } from "./challenge.ts";
import { isLoopback } from "./send.ts";

/** By a token of a token server. */
export interface Bearer {
  /** Tells this way from the other one. */
  readonly scheme: "bearer";
  /** The token server's address. */
  readonly realm: URL;
  /** The service's name for itself, if it has one. */
  readonly service: string | undefined;
}

/** A way to authenticate. */
export type Way = Bearer | {
  /** By user name and password, with every call. */
  readonly scheme: "basic";
  /** What user name and password are for, in the service's words. */
  readonly realm: string;
};

/**
 * The way to take of those that the service at `from` offers: Bearer before Basic. `wrong` where there is none: why, to go
 * on after "it"; or `badRealm`: the token server that it names, and what is wrong with its address.
 */
export function chooseWay(
  offered: readonly Challenge[],
  from: URL,
  allowHttp: boolean,
): Way | { readonly wrong: string } | { readonly badRealm: string } {
  const bearers = offered.filter(({ scheme, params }) => scheme === "bearer" && params.has("realm"));
  const bearer = bearers.find(({ params }) => URL.canParse(params.get("realm")!));
  if (bearer) {
    const realm = new URL(bearer.params.get("realm")!);
    const badRealm = faultOf(realm, from, allowHttp);
    if (badRealm !== undefined) return { badRealm };
    return { scheme: "bearer", realm, service: bearer.params.get("service") };
  }
  const plain = offered.find(({ scheme }) => scheme === "basic");
  if (plain) return { scheme: "basic", realm: plain.params.get("realm") ?? "" };
  if (bearers[0]) return { badRealm: `"${shown(bearers[0].params.get("realm")!)}", which is no address` };
  const names = offered.slice(0, 5).map(({ scheme }) => `"${shown(scheme)}"`).join(", ") || "none";
  return {
    wrong: `it offers no usable way to authenticate (it names ${names}; Bearer with a realm and Basic are known)`,
  };
}

/** Whether two challenges ask for the same. */
export function sameWay(a: Way, b: Way): boolean {
  if (a.scheme !== "bearer" || b.scheme !== "bearer") return a.scheme === b.scheme;
  return a.realm.href === b.realm.href && a.service === b.service;
}

/**
 * Whether what goes to `url` can be read by nobody else. Plain http on this machine can, where a service on this machine
 * named it: no other one may choose who on this machine gets a password.
 */
export function isConfidential(url: URL, namedBy: URL): boolean {
  return url.protocol === "https:" || (isLoopback(url.hostname) && isLoopback(namedBy.hostname));
}

function faultOf(realm: URL, from: URL, allowHttp: boolean): string | undefined {
  const name = `"${shown(`${realm.protocol}//${realm.host}${realm.pathname}`)}"`;
  if (realm.username || realm.password) return `${name}, with a user and password in the address`;
  if (realm.protocol !== "https:" && realm.protocol !== "http:") return `${name}, which is no https address`;
  return allowHttp || isConfidential(realm, from) ? undefined : `${name}, which is not encrypted`;
}

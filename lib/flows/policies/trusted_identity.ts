/** A certificate's subject as Notation's trust policies name it. @module */
import type { Certificate } from "../../crypto/x509.ts";
import { readFields } from "../../crypto/x509_der.ts";

/** What Go shows of a subject by name (`crypto/x509/pkix`); all else as numbers, which Notation cannot read. */
const NAMES: ReadonlyMap<string, string> = new Map([
  ["550406", "C"],
  ["550408", "ST"],
  ["550407", "L"],
  ["550409", "STREET"],
  ["550411", "POSTALCODE"],
  ["55040a", "O"],
  ["55040b", "OU"],
  ["550403", "CN"],
  ["550405", "SERIALNUMBER"],
]);
const MANDATORY = ["C", "ST", "O"];

/**
 * `x509.subject: C=AT, ST=Vienna, O=Acme`; nothing where Notation could not match the subject: it wants country, state
 * and organization, each attribute once, and none that Go knows no name for.
 */
export function trustedIdentity({ der }: Pick<Certificate, "der">): string | undefined {
  const parts = new Map<string, string>();
  for (const { type, value } of readFields(der).attributes) {
    const name = NAMES.get(type);
    if (name === undefined || parts.has(name) || value === "" || /\p{Cc}|=#/u.test(value)) return undefined;
    parts.set(name, value);
  }
  if (!MANDATORY.every((name) => parts.has(name))) return undefined;
  return `x509.subject: ${[...parts].map(([name, value]) => `${name}=${escaped(value)}`).join(", ")}`;
}

/** RFC 4514, 2.4. */
function escaped(value: string): string {
  return value.replaceAll(/[,+"\\<>;=]|^[ #]| $/g, "\\$&");
}

/**
 * Reads JWS envelopes of Notation, at least as strictly as the `notation` program: what two readers may take for two
 * things (a member twice, or in other letters, which Go takes for the same) is no envelope. Nothing is verified here.
 *
 * @module
 */
import { type Bytes, utf8 } from "../../bytes/bytes.ts";
import { isJsonObject, type JsonObject, type JsonValue, parseJson } from "../../bytes/json.ts";
import { type Certificate, readCertificate } from "../../crypto/x509.ts";
import { type Descriptor, readDescriptor } from "../../registry/descriptor.ts";
import { ATTRIBUTE, PAYLOAD_TYPE, RESERVED, SCHEME, TAG } from "./formats.ts";

/** What stands in an envelope, unverified. */
export interface ReadEnvelope {
  /** The name of the algorithm. */
  readonly alg: string;
  /** The signer's clock. */
  readonly signingTime: Date;
  /** Until when the signer wants it to be taken. */
  readonly expiry?: Date;
  /** The certificates, the signer's first. */
  readonly chain: readonly [Certificate, ...Certificate[]];
  /** The image. */
  readonly image: Descriptor;
  /** The tag that was signed, where one was. */
  readonly tag?: string;
  /** What was signed. */
  readonly signingInput: Bytes;
  /** The signature: RSA bytes, or r‖s. */
  readonly signature: Bytes;
}

/** How long an envelope may be, in bytes: those with long chains have some ten thousand. */
export const MAX_ENVELOPE_BYTES: number = 2 ** 20;
const MAX_CERTIFICATES = 10;

/**
 * Reads an envelope.
 *
 * @throws {SyntaxError} what is wrong with it
 */
export function readEnvelope(bytes: Bytes): ReadEnvelope {
  if (bytes.length > MAX_ENVELOPE_BYTES) throw new SyntaxError("an envelope is too long");
  const envelope = objectOf(bytes, ["payload", "protected", "header", "signature"]);
  const [protectedPart, payload] = [textOf(envelope["protected"]), textOf(envelope["payload"])];
  const header = objectOf(fromBase64(protectedPart, "base64url"), [
    "alg",
    "cty",
    "crit",
    ...Object.values(ATTRIBUTE),
  ]);
  return {
    ...readHeader(header),
    ...readTarget(objectOf(fromBase64(payload, "base64url"), ["targetArtifact"])),
    chain: readUnprotected(envelope["header"]),
    signingInput: utf8(`${protectedPart}.${payload}`),
    signature: fromBase64(textOf(envelope["signature"]), "base64url"),
  };
}

function readHeader(header: JsonObject): Pick<ReadEnvelope, "alg" | "signingTime" | "expiry"> {
  if (header["cty"] !== PAYLOAD_TYPE) throw new SyntaxError("a payload is of another type");
  if (header[ATTRIBUTE.scheme] !== SCHEME) throw new SyntaxError("a signing scheme is another one");
  const known: readonly string[] = [ATTRIBUTE.scheme, ATTRIBUTE.time, ATTRIBUTE.expiry];
  const other = Object.keys(header).find((name) => name.startsWith(RESERVED) && !known.includes(name));
  if (other !== undefined) throw new SyntaxError("a protected attribute asks for more than is known here");
  const hasExpiry = header[ATTRIBUTE.expiry] !== undefined;
  const needed = [ATTRIBUTE.scheme, ...(hasExpiry ? [ATTRIBUTE.expiry] : [])].sort();
  const crit = header["crit"];
  if (!Array.isArray(crit) || JSON.stringify([...crit].sort()) !== JSON.stringify(needed)) {
    throw new SyntaxError("what is critical is not what must be");
  }
  const [signingTime, expiry] = [
    timeOf(header[ATTRIBUTE.time]),
    hasExpiry ? timeOf(header[ATTRIBUTE.expiry]) : undefined,
  ];
  if (expiry && expiry <= signingTime) throw new SyntaxError("a signature expired before it was made");
  return { alg: textOf(header["alg"]), signingTime, ...(expiry ? { expiry } : {}) };
}

function readUnprotected(header: JsonValue | undefined): readonly [Certificate, ...Certificate[]] {
  const { x5c, ...others } = named(header, ["x5c", ATTRIBUTE.agent, ATTRIBUTE.timestamp]);
  if (others[ATTRIBUTE.agent] !== undefined) textOf(others[ATTRIBUTE.agent]);
  if (others[ATTRIBUTE.timestamp] !== undefined) fromBase64(textOf(others[ATTRIBUTE.timestamp]), "base64");
  if (!Array.isArray(x5c) || x5c.length > MAX_CERTIFICATES) throw new SyntaxError("there is no chain, or a long one");
  const [leaf, ...above] = x5c.map((one: JsonValue) => readCertificate(fromBase64(textOf(one), "base64")));
  if (!leaf) throw new SyntaxError("there is no certificate");
  return [leaf, ...above];
}

function readTarget({ targetArtifact }: JsonObject): Pick<ReadEnvelope, "image" | "tag"> {
  const { descriptor, annotations } = plainDescriptor(targetArtifact);
  return Object.hasOwn(annotations, TAG) ? { image: descriptor, tag: annotations[TAG]! } : { image: descriptor };
}

/** Members of descriptors that have no place in signatures, and that Go reads all the same. */
const UNUSED = ["urls", "data", "platform", "artifactType"] as const;

/** A descriptor that says what, which and how long, and has annotations at most. @throws {SyntaxError} for others */
export function plainDescriptor(
  value: JsonValue | undefined,
): { readonly descriptor: Descriptor; readonly annotations: Readonly<Record<string, string>> } {
  const members = named(value, ["mediaType", "digest", "size", "annotations", ...UNUSED]);
  const descriptor = readDescriptor(members);
  if (!descriptor || UNUSED.some((name) => members[name] !== undefined)) throw new SyntaxError("no plain descriptor");
  return { descriptor, annotations: textsOf(members["annotations"]) };
}

/** Annotations: an object of texts, or nothing. @throws {SyntaxError} for anything else */
export function textsOf(annotations: JsonValue | undefined): Readonly<Record<string, string>> {
  if (annotations === undefined) return {};
  if (!isJsonObject(annotations) || !Object.values(annotations).every((value) => typeof value === "string")) {
    throw new SyntaxError("annotations are not all texts");
  }
  return annotations as Readonly<Record<string, string>>;
}

/** A JSON document that is an object, with {@linkcode named} names. @throws {SyntaxError} for anything else */
export function objectOf(bytes: Bytes, names: readonly string[]): JsonObject {
  return named(parseJson(bytes), names);
}

/** An object that has `names` in no other letters, which Go would take for them (`encoding/json`). */
function named(value: JsonValue | undefined, names: readonly string[]): JsonObject {
  if (!isJsonObject(value)) throw new SyntaxError("something is no object");
  const folded = new Set(names.map(fold));
  if (Object.keys(value).some((name) => folded.has(fold(name)) && !names.includes(name))) {
    throw new SyntaxError("a name is written in other letters");
  }
  return value;
}

/** Letters without their case, as Unicode folds them: ſ is s, the Kelvin sign is k. */
function fold(name: string): string {
  return name.toUpperCase().toLowerCase();
}

function textOf(value: JsonValue | undefined): string {
  if (typeof value !== "string") throw new SyntaxError("something is no text");
  return value;
}

/** Base64 in its one form: base64url without padding, base64 with it. */
function fromBase64(source: string, alphabet: "base64" | "base64url"): Bytes {
  const bytes = Uint8Array.fromBase64(source, { alphabet });
  if (bytes.length === 0 || bytes.toBase64({ alphabet, omitPadding: alphabet === "base64url" }) !== source) {
    throw new SyntaxError("base64 is not in its one form");
  }
  return bytes;
}

const TIME = /^(\d{4}-\d\d-\d\dT)([01]\d|2[0-3])(:[0-5]\d:[0-5]\d)(?:\.\d{1,9})?(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/;

/** RFC 3339. The year 1 stands for no time in Go. */
function timeOf(value: JsonValue | undefined): Date {
  const written = textOf(value);
  const [, day = "", hour = "", rest = ""] = TIME.exec(written) ?? [];
  const plain = `${day}${hour}${rest}.000Z`;
  const local = new Date(plain);
  if (Number.isNaN(local.getTime()) || local.toISOString() !== plain || local.getUTCFullYear() < 2) {
    throw new SyntaxError("a time is none");
  }
  return new Date(written);
}

/** Whether two descriptors name the same content as the same thing. */
export function sameDescriptor(a: Descriptor, b: Descriptor): boolean {
  return a.digest === b.digest && a.size === b.size && a.mediaType === b.mediaType;
}

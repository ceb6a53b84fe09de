/**
 * Mutants that no test can or need notice, each with the reason. One that is gone, or that a test notices, is an error.
 *
 * @module
 */

/** One argument. */
export interface Argument {
  /** The file. */
  readonly file: string;
  /** The line that the change is on, without the space around it. */
  readonly line: string;
  /** What is changed to what. */
  readonly change: string;
  /** Why the change may stay unnoticed. */
  readonly why: string;
}

/** The arguments about one file: the line, and what is changed on it, with the reason. */
function of(file: string, ...rows: readonly (readonly [line: string, change: string, why: string])[]): Argument[] {
  return rows.map(([line, change, why]) => ({ file, line, change, why }));
}

/** Several changes on one line, for one reason. */
function alike(line: string, why: string, ...changes: readonly string[]) {
  return changes.map((change) => [line, change, why] as const);
}

const TYPES = "another check on the line, or on the next one, says the same; the types do not know that";
const CHANCE = "chance decides more than one unit does: what comes of it is held by tests/signing/crowd_test.ts";
const RATE = "from where on a line counts as slow is a choice; that it has its time is tested";
const FASTER = "the careful reader reads the same, in more time: tests/bytes/fast_reader_test.ts holds both together";
const FASTER_KEYS = "the runtime reads the same, in more time: tests/crypto/spki_test.ts holds both together";
const NOTHING_ELSE = "reading throws nothing else; a fault of ours would be told as theirs";
const DEEPER = "what lies deeper is looked up by no name from outside: it costs time, and is read the same";
const SECOND = "without it nothing is read, and one in other letters beside it is refused as the same name twice";
const AT_LOAD = "is made as the file is loaded, when no mutant of a function is in force: the tests notice its value";
const PLACES = "how much is set aside for places; that it is enough is tested with the shortest entries";
const ODD_KEYS = "what is no object has no such member, or the error that comes of it says the same: no keys";

/** All arguments. */
export const ARGUED: readonly Argument[] = [
  ...of(
    "lib/crypto/spki.ts",
    ["if (usual) return { shape: usual, spki: der.slice() };", "usual => false", FASTER_KEYS],
    ["if (error instanceof SyntaxError) return undefined;", "error instanceof SyntaxError => true", NOTHING_ELSE],
  ),
  ...of(
    "lib/tuf/tag_entries.ts",
    ...alike(
      "const MIN_ENTRY_BYTES = 2 + BEFORE_DIGEST.length + DIGEST_CHARS + BEFORE_LENGTH.length + 1;",
      PLACES,
      "2 + BEFORE_DIGEST.length + DIGEST_CHARS + BEFORE_LENGTH.length + 1 => 2 + BEFORE_DIGEST.length + DIGEST_CHARS + BEFORE_LENGTH.length - 1",
      "2 + BEFORE_DIGEST.length + DIGEST_CHARS + BEFORE_LENGTH.length => 2 + BEFORE_DIGEST.length + DIGEST_CHARS - BEFORE_LENGTH.length",
      "2 + BEFORE_DIGEST.length => 2 - BEFORE_DIGEST.length",
      "2 => 3",
      "2 => 1",
      "1 => 2",
      "1 => 0",
    ),
    ["const NO_DIGIT = 64;", "64 => 128", "neither is what a digit counts"],
    ["const BASE64 = new Uint8Array(256).fill(NO_DIGIT);", "256 => 512", "there are 256 bytes"],
    [
      'for (const [value, char] of [...utf8("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")].entries()) {',
      '"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/" => "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/?"',
      "the 65th counts 64, which is what no digit counts",
    ],
    ...alike(
      "const starts = new Uint32Array(Math.ceil((bytes.length - start) / MIN_ENTRY_BYTES));",
      PLACES,
      "(bytes.length - start) / MIN_ENTRY_BYTES => (bytes.length - start) * MIN_ENTRY_BYTES",
      "bytes.length - start => bytes.length + start",
    ),
    ["if (order < 0) low = middle + 1;", "order < 0 => order <= 0", "0 has ended the search on the line before"],
    ["if (order < 0) low = middle + 1;", "0 => 1", "0 has ended the search on the line before; there is no half"],
    ...["1 => 2", "1 => 0"].flatMap((change) =>
      [
        "if (!(char >= 0x20 && char < 0x7f) || char === BACKSLASH) return -1; // the end of the file as well",
        "return -1;",
        "return end > at && end - at <= MAX_DIGITS ? end : -1;",
      ].map((line) => [line, change, "there as well stands nothing that could follow"] as const)
    ),
    [
      "for (let at = start, out = 0; out < into.length; at += 4) {",
      "out < into.length => out <= into.length",
      "in steps of three, 32 is never met",
    ],
    ["if (x !== y) return x < y;", "x < y => x <= y", "they differ"],
    ["if (char === QUOTE) return i === wanted.length ? 0 : -1;", "1 => 2", "below 0 is below 0"],
    [
      "if (i === wanted.length) return 1;",
      "i === wanted.length => false",
      "a number less nothing is none, which is not below 0 either",
    ],
    ["if (i === wanted.length) return 1;", "1 => 2", "above 0 is above 0"],
    ...alike(
      "for (let i = 0; i < a.length && i < b.length; i++) if (a[i] !== b[i]) return a[i]! - b[i]!;",
      "a number less nothing is none, which sorts what begins with the other name behind it",
      "i < b.length => true",
      "i < b.length => i <= b.length",
    ),
  ),
  ...of("lib/schemes/notary_v1/sign_tags.ts", [
    "const sleep = work[0]?.trust.sleep ?? (() => Promise.resolve());",
    "work[0]?.trust.sleep ?? (() => Promise.resolve()) => work[0]?.trust.sleep",
    "where there is no work nobody sleeps",
  ]),
  ...of("lib/schemes/image_changes.ts", [
    'if (error instanceof SyntaxError) throw malformed("a certificate in it cannot be read");',
    "error instanceof SyntaxError => true",
    NOTHING_ELSE,
  ]),
  ...of(
    "lib/schemes/same_work.ts",
    [
      'if (name.endsWith(".jws")) return utf8(/^[\\w-]+\\.([\\w-]+)$/.exec(text(payload))?.[1] ?? "");',
      '/^[\\w-]+\\.([\\w-]+)$/.exec(text(payload))?.[1] ?? "" => /^[\\w-]+\\.([\\w-]+)$/.exec(text(payload))?.[1]',
      "nothing is encoded as nothing",
    ],
    [
      'if (isJsonObject(signed) && signed["expires"] !== undefined) return canonicalJson({ ...signed, expires: "" });',
      "isJsonObject(signed) => true",
      "what is no object has no such member, or throws, and is given back as it is",
    ],
  ),
  ...of(
    "lib/schemes/jobs.ts",
    ...alike(
      "const signed = { payloads: named, signatures, wasAway: true, beginsAnew: false };",
      "it is the truth, and nothing to schemes that add to a registry",
      "true => false",
      "false => true",
    ),
    [
      'const all: CosignTask = { ...task, bundle: "auto" };',
      '"auto" => "auto?"',
      "what is to be made stands in the plan; the types want a task all the same",
    ],
  ),
  ...of(
    "lib/schemes/signing_data.ts",
    [
      "(value: JsonValue | undefined, name) => isJsonObject(value) ? value[name] : undefined,",
      "isJsonObject(value) => true",
      ODD_KEYS,
    ],
    ["targets && parseJson(targets),", "targets => true", ODD_KEYS],
    [
      "return isJsonObject(keys) ? Object.values(keys as JsonObject).map(readPublicKey) : [];",
      "isJsonObject(keys) => true",
      ODD_KEYS,
    ],
    ...alike(
      "if (error instanceof SyntaxError || error instanceof TypeError) return [];",
      NOTHING_ELSE,
      "error instanceof SyntaxError || error instanceof TypeError => true",
      "error instanceof TypeError => false",
    ),
  ),
  ...of(
    "lib/tuf/fast_parse.ts",
    ...["1 => 2", "1 => 0"].flatMap((change) =>
      ["signed", "signatures"].map((half) =>
        [
          `const ${half} = canonicalText(document["${half}"], 1);`,
          change,
          "from where on text is made faster, and not what text",
        ] as const
      )
    ),
    [
      "if (signed === undefined || signatures === undefined) return undefined;",
      "signatures === undefined => false",
      "no file ends in a word that is none",
    ],
    [
      "const same = source.length === HEAD.length + signed.length + tail.length && source.startsWith(HEAD) &&",
      "source.startsWith(HEAD) => true",
      "before the two halves, in so many characters, nothing else can stand that is JSON",
    ],
    ["withoutPrototypes(document, 3);", "3 => 4", DEEPER],
    ["if (levels > 0 && members.length < MAX_LIST) {", "levels > 0 => true", DEEPER],
    ["if (levels > 0 && members.length < MAX_LIST) {", "levels > 0 => levels >= 0", DEEPER],
    ["if (levels > 0 && members.length < MAX_LIST) {", "members.length < MAX_LIST => true", DEEPER],
    [
      "if (levels > 0 && members.length < MAX_LIST) {",
      "members.length < MAX_LIST => members.length <= MAX_LIST",
      DEEPER,
    ],
    ["withoutPrototypes(value[name], levels - 1);", "levels - 1 => levels + 1", DEEPER],
    ["withoutPrototypes(value[name], levels - 1);", "1 => 0", DEEPER],
    ["const { document, payload } = cut && readCanonicalEnvelope(cut.left) || {};", "{} => false", TYPES],
    ["if (!cut || !document || !payload || !isJsonObject(rest)) return undefined;", "!cut => false", TYPES],
    ["if (!cut || !document || !payload || !isJsonObject(rest)) return undefined;", "!document => false", TYPES],
    ["if (!cut || !document || !payload || !isJsonObject(rest)) return undefined;", "!payload => false", TYPES],
    [
      "if (!cut || !document || !payload || !isJsonObject(rest)) return undefined;",
      "!isJsonObject(rest) => false",
      "where something else is signed, the tags are in another place than its own",
    ],
    [
      "const scanned = start === undefined ? undefined : scanTags(bytes, start);",
      "start === undefined => false",
      TYPES,
    ],
    ["if (start === undefined || !scanned) return undefined;", "start === undefined => false", TYPES],
    ...alike(
      "for (let at = bytes.indexOf(part[0]!); at >= 0; at = bytes.indexOf(part[0]!, at + 1)) {",
      "no document begins with its tags, and of two quotes side by side the second opens nothing",
      "0 => 1",
      "at >= 0 => at > 0",
      "1 => 2",
    ),
    ["if (!isJsonObject(entry) || !isJsonObject(hashes)) return undefined;", "!isJsonObject(entry) => false", TYPES],
    [
      'if (typeof length !== "number" || length < 0 || typeof sha256 !== "string" || sha256.length !== 44) return undefined;',
      'typeof sha256 !== "string" => false',
      "what is no text has no such length, or is no base64",
    ],
  ),
  ...of(
    "lib/tuf/parse.ts",
    ...[
      [
        "document = plain?.document ?? parseJson(bytes, numbersOf);",
        "plain?.document ?? parseJson(bytes, numbersOf) => parseJson(bytes, numbersOf)",
      ],
      ...[
        "plain?.document ?? parsePlainly(decode(bytes)) ?? parseJson(bytes, numbersOf) => plain?.document ?? parsePlainly(decode(bytes))",
        "plain?.document ?? parsePlainly(decode(bytes)) ?? parseJson(bytes, numbersOf) => parseJson(bytes, numbersOf)",
        "plain?.document ?? parsePlainly(decode(bytes)) => plain?.document",
        "plain?.document ?? parsePlainly(decode(bytes)) => parsePlainly(decode(bytes))",
      ].map((change) =>
        [
          "const document = plain?.document ?? parsePlainly(decode(bytes)) ?? parseJson(bytes, numbersOf);",
          change,
        ] as const
      ),
      [
        "return { version: Number(version), payload: () => plain?.payload ?? canonicalJson(signed) };",
        "plain?.payload ?? canonicalJson(signed) => canonicalJson(signed)",
      ],
      ["plain ? envelopeOf(role, bytes, plain) : parseEnvelope(role, bytes),", "plain => true"],
      ["plain ? envelopeOf(role, bytes, plain) : parseEnvelope(role, bytes),", "plain => false"],
      [
        'const targets = plain?.tags ?? readTargets(at.member("targets"));',
        'plain?.tags ?? readTargets(at.member("targets")) => readTargets(at.member("targets"))',
      ],
      [
        "targets.set(tag, readPlainTarget(entries[tag]) ?? readTarget(place.member(tag)));",
        "readPlainTarget(entries[tag]) ?? readTarget(place.member(tag)) => readTarget(place.member(tag))",
      ],
    ].map(([line, change]) => [line!, change!, FASTER] as const),
    ["if (!(error instanceof SyntaxError)) throw error;", "!(error instanceof SyntaxError) => false", NOTHING_ELSE],
    [
      "if (error instanceof SyntaxError || error instanceof TypeError) return undefined;",
      "error instanceof SyntaxError || error instanceof TypeError => true",
      NOTHING_ELSE,
    ],
    [
      "const RFC3339 = /^(\\d{4}-\\d\\d-\\d\\d)T([01]\\d|2[0-3]):\\d\\d:\\d\\d(\\.\\d{1,9})?(Z|[+-]\\d\\d:\\d\\d)$/;",
      "/^(\\d{4}-\\d\\d-\\d\\d)T([01]\\d|2[0-3]):\\d\\d:\\d\\d(\\.\\d{1,9})?(Z|[+-]\\d\\d:\\d\\d)$/ => /^(\\d{4}-\\d\\d-\\d\\d)T([01]\\d|2[0-3]):\\d\\d:\\d\\d(\\.\\d{1,9})?(Z|[+-]\\d\\d:\\d\\d)/",
      "behind a time with its zone Date takes nothing either",
    ],
    ["if (!bytes) return undefined;", "!bytes => false", TYPES],
    [
      'const signed = isJsonObject(document) ? document["signed"] : undefined;',
      "isJsonObject(document) => true",
      TYPES,
    ],
    ['const version = isJsonObject(signed) ? signed["version"] : undefined;', "isJsonObject(signed) => true", TYPES],
    [
      "if (!isJsonObject(signed) || !Number.isSafeInteger(version) || Number(version) < 1) return undefined;",
      "!isJsonObject(signed) => false",
      TYPES,
    ],
    ...alike(
      "if (day === undefined || Number.isNaN(at.getTime()) || Number.isNaN(midnight.getTime())) return undefined;",
      TYPES,
      "day === undefined => false",
      "Number.isNaN(midnight.getTime()) => false",
    ),
  ),
  ...of(
    "lib/tuf/trusted.ts",
    [
      "return before && sameBytes(before.envelope.bytes, bytes) ? before : parseTargets(role, bytes);",
      "before && sameBytes(before.envelope.bytes, bytes) => false",
      "spares reading the same file twice, which has the same content",
    ],
    [
      'if (next.version < phase.root.version) throw rollback("root", next.version, phase.root.version);',
      "next.version < phase.root.version => next.version <= phase.root.version",
      "the same version was dealt with above",
    ],
    [
      "if (sameBytes(kept, bytes)) return; // the usual case: nothing is read a second time",
      "sameBytes(kept, bytes) => false",
      "spares reading the same file twice, which has the same version and content",
    ],
  ),
  ...of(
    "lib/http/auth.ts",
    [
      'return status < 300 ? "served" : "other";',
      "status < 300 => status <= 300",
      "no server of these answers 300, and it would tell of its speed as well",
    ],
    ['return status < 300 ? "served" : "other";', '"other" => "other?"', "all that is neither of two words is other"],
    [
      "export const CALLS_AT_ONCE = 48;",
      "48 => 49",
      "one more or fewer at a time makes no difference that can be told",
    ],
    [
      "export const CALLS_AT_ONCE = 48;",
      "48 => 47",
      "one more or fewer at a time makes no difference that can be told",
    ],
  ),
  ...of(
    "lib/http/ping.ts",
    ["const MAX_BYTES = 2 ** 20;", "2 ** 20 => 2097152", "a bound of memory: nothing is read of the body"],
    ["const MAX_BYTES = 2 ** 20;", "2 ** 20 => 524288", "a bound of memory: nothing is read of the body"],
  ),
  ...of("lib/http/proxy.ts", [
    'const groups = tail ? [...head, ...Array(8 - head.length - tail.length).fill("0"), ...tail] : head;',
    '"0" => "0?"',
    "both are read as 0",
  ]),
  ...of(
    "lib/http/retry.ts",
    [
      'if (typeof waited === "number" && waited >= IN_VAIN) throw silent(call);',
      'typeof waited === "number" => true',
      "the word is not above any number; the types do not know that",
    ],
    ["if (left <= 0 || tries + 1 >= maxTries) return settle(outcome);", "0 => 1", "a millisecond more or less"],
    [
      "if (asked !== undefined && asked > left) return settle(outcome);",
      "asked !== undefined => true",
      "nothing is not above any number; the types do not know that",
    ],
    [
      "return ms > budgetMs ? { ms, maxTries: outages.maxTries } : usual;",
      "ms > budgetMs => ms >= budgetMs",
      "where both take the same time, either number of tries is one that was asked for",
    ],
    [
      "if (isTagsealError(error) && mayRepeat(error, idempotent)) return { error };",
      "isTagsealError(error) => true",
      "what is no error of ours says nothing of a call; the types do not know that",
    ],
    ["cancel();", "cancel(); => nothing", "leaves a timer, which the sanitizers of `deno test` see"],
    [
      'signal?.addEventListener("abort", stop, { once: true });',
      "true => false",
      "a signal is aborted once",
    ],
  ),
  ...of(
    "lib/http/server_words.ts",
    ["const MAX_READ_BYTES = 64 * 1024;", "64 * 1024 => 131072", "a bound of work: what is shown is far shorter"],
    ["const MAX_READ_BYTES = 64 * 1024;", "64 * 1024 => 32768", "a bound of work: what is shown is far shorter"],
  ),
  ...of(
    "lib/http/way.ts",
    [
      'if (a.scheme !== "bearer" || b.scheme !== "bearer") return a.scheme === b.scheme;',
      'a.scheme !== "bearer" => false',
      "what Basic names is no address, and thus no token server's; the types do not know that",
    ],
    [
      'if (a.scheme !== "bearer" || b.scheme !== "bearer") return a.scheme === b.scheme;',
      'b.scheme !== "bearer" => false',
      "what Basic names is no address, and thus no token server's; the types do not know that",
    ],
  ),
  ...of("lib/signing/policy_service.ts", [
    "const [what, time, byClock] = at < notBefore",
    "at < notBefore => at <= notBefore",
    "what is valid from now on is not refused",
  ]),
  ...of(
    "lib/signing/request_files.ts",
    ["const MAX_BYTES = 64 * 2 ** 20;", "64 * 2 ** 20 => 134217728", "a bound of memory, not of what is read"],
    ["const MAX_BYTES = 64 * 2 ** 20;", "64 * 2 ** 20 => 33554432", "a bound of memory, not of what is read"],
    [
      "const request = bytes && readRequest(bytes);",
      "bytes => true",
      "of no bytes there is no request; the types do not know that",
    ],
    ['const entry = object(parseJson(bytes), "it");', '"it" => "it?"', "nobody is told what is wrong with a file"],
    ['const unit = object(one, "it");', '"it" => "it?"', "nobody is told what is wrong with a file"],
  ),
  ...of("lib/signing/signing_data.ts", [
    "const most = Math.max(0, ...[...payloads.values()].map(({ length }) => length));",
    "0 => 1",
    "a byte is no more than a payload may have, either",
  ]),
  ...of("lib/signing/signed_file.ts", [
    "if (!isTagsealError(error)) throw error;",
    "!isTagsealError(error) => false",
    NOTHING_ELSE,
  ]),
  ...of("lib/signing/zip_signer.ts", [
    "equalBytes(words(sent), words(received)) && isSame(sent.payloads, received.payloads) &&",
    "isSame(sent.payloads, received.payloads) => true",
    "the manifest gives each payload's hash, which reading has checked: it stays, as two files are compared as a whole",
  ]),
  ...of(
    "lib/signing/at_once.ts",
    ["export const AT_ONCE = 12;", "12 => 13", "one more or fewer at a time makes no difference that can be told"],
    ["export const AT_ONCE = 12;", "12 => 11", "one more or fewer at a time makes no difference that can be told"],
  ),
  ...of("lib/signing/sign.ts", [
    "if (isTagsealError(error) && error.request) signingRequestId = error.request.id;",
    "isTagsealError(error) => true",
    "what is no error of ours has no request; the types do not know that",
  ]),
  ...of("lib/signpath/api.ts", [
    "const MAX_JSON_BYTES = 1024 * 1024;",
    "1024 * 1024 => 524288",
    "a bound of memory, not of what is read",
  ]),
  ...of(
    "lib/schemes/cosign/bundle.ts",
    [
      'if (publicKey === undefined || envelope === undefined) return "bundle-of-other-kind";',
      "envelope === undefined => false",
      "of the three members all are there or none",
    ],
    [
      'const { hint = "" } = isJsonObject(publicKey) ? publicKey : { hint: null };',
      "isJsonObject(publicKey) => true",
      "what is no object is refused on the next line; the types do not know that",
    ],
    ...["payload", "sig"].map((name) =>
      [
        'if (typeof payload !== "string" || typeof sig !== "string" || !hasOnly(signature, ["sig", "keyid"])) {',
        `typeof ${name} !== "string" => false`,
        "what is no text is no base64; the types do not know that",
      ] as const
    ),
    [
      'if (statement === undefined || raw === undefined || keyid !== "") return "malformed-bundle";',
      "statement === undefined => false",
      "of no bytes there is no statement; the types do not know that",
    ],
  ),
  ...of(
    "lib/schemes/notation/certificates.ts",
    ...["algorithm => true", '"key" => "key?"'].map((change) =>
      [
        'return algorithm ? { problems: [], chain, algorithm } : { problems: [{ certificate: leaf, reason: "key" }] };',
        change,
        "what is wrong with the signer's key was told as such; the types do not know that",
      ] as const
    ),
    [
      "if (error instanceof SyntaxError) return undefined;",
      "error instanceof SyntaxError => true",
      "reading a key throws nothing else; a fault of ours would be told as theirs",
    ],
    ...alike(
      "const usage = keyUsage(fields) ?? 0;",
      "where there is none, that alone is told",
      "keyUsage(fields) ?? 0 => keyUsage(fields)",
      "0 => 1",
    ),
    ...alike(
      'if (problems[0] !== "key-usage-missing" && ((keyUsage(fields) ?? 0) & CERTIFICATE_SIGNATURE) === 0) {',
      "where there is none, that alone is told",
      "keyUsage(fields) ?? 0 => keyUsage(fields)",
      "0 => 1",
    ),
    ['case "good":', '"good" => "good?"', "nothing is said of what is none of the other cases, either"],
    [
      'const OTHER_PURPOSES: ReadonlySet<string> = new Set(["01", "02", "04", "08", "09"].map((n) => `2b060105050703${n}`));',
      '`2b060105050703${n}` => ""',
      AT_LOAD,
    ],
  ),
  ...of(
    "lib/schemes/notation/formats.ts",
    ['rules: { hash, rsaPadding: "pss" },', '"pss" => "pss?"', AT_LOAD],
    [
      'return shape.family === "rsa" ? RSA.get(Math.ceil(shape.bits / 8)) : undefined;',
      'shape.family === "rsa" => true',
      "what has no bits has no row in the table; the types do not know that",
    ],
  ),
  ...of("lib/schemes/notation/read_envelope.ts", [
    'if (expiry && expiry <= signingTime) throw new SyntaxError("a signature expired before it was made");',
    "expiry => true",
    "nothing is not before any time; the types do not know that",
  ]),
  ...of(
    "lib/schemes/notation/verify.ts",
    [
      "if (tag !== undefined && tags.includes(tag)) signed.add(tag);",
      "tag !== undefined => true",
      "nothing is among no tags; the types do not know that",
    ],
    ["if (error instanceof SyntaxError) return undefined;", "error instanceof SyntaxError => true", NOTHING_ELSE],
    [
      'if (expiry && at >= expiry) return { reason: "expired", expiry };',
      "expiry => true",
      "no time is after nothing; the types do not know that",
    ],
  ),
  ...of(
    "lib/schemes/cosign/manifests.ts",
    ...["config", "layers"].map((name) =>
      [
        'const MEMBERS = ["schemaVersion", "mediaType", "artifactType", "config", "layers", "subject", "annotations", "history"];',
        `"${name}" => "${name}?"`,
        SECOND,
      ] as const
    ),
    ...["mediaType", "digest", "size"].map((name) =>
      [
        'const DESCRIPTOR_MEMBERS = ["mediaType", "digest", "size", "annotations", "artifactType", ...ELSEWHERE];',
        `"${name}" => "${name}?"`,
        SECOND,
      ] as const
    ),
    ["if (descriptor === undefined || !isJsonObject(value)) return undefined;", "!isJsonObject(value) => false", TYPES],
  ),
  ...of(
    "lib/schemes/cosign/attached.ts",
    [
      'if (isTagsealError(error, "unavailable") && error.reason === "no-image") return "manifest-of-other-type";',
      'isTagsealError(error, "unavailable") => true',
      "no error of another class has that reason; the types do not know that",
    ],
    [
      "let total = manifest.layers.some(({ size }) => size > MAX_MANIFEST_BYTES) ? Infinity : 0;",
      "0 => 1",
      "a bound of memory, which nobody knows to the byte",
    ],
    [
      'if (total > MAX_PAYLOAD_BYTES) return "payloads-too-large";',
      "total > MAX_PAYLOAD_BYTES => total >= MAX_PAYLOAD_BYTES",
      "a bound of memory, which nobody knows to the byte",
    ],
  ),
  ...of("lib/schemes/cosign/verify.ts", [
    'const signature = fromStrictBase64(layer.annotations.get(SIGNATURE_ANNOTATION) ?? "");',
    'layer.annotations.get(SIGNATURE_ANNOTATION) ?? "" => layer.annotations.get(SIGNATURE_ANNOTATION)',
    "what is no text is no base64; the types do not know that",
  ]),
  ...of(
    "lib/schemes/cosign/payload.ts",
    ["if (error instanceof SyntaxError) return undefined;", "error instanceof SyntaxError => true", NOTHING_ELSE],
    ["if (isTagsealError(error)) return undefined;", "isTagsealError(error) => true", NOTHING_ELSE],
    [
      'const { creator = "", timestamp = 0 }: JsonObject = value;',
      "0 => 1",
      "it stands for none, and any whole number is taken",
    ],
  ),
  ...of(
    "lib/schemes/cosign/scheme.ts",
    [
      "wasThere: added.some(({ amongOthers }) => amongOthers),",
      "added.some(({ amongOthers }) => amongOthers) => added.every(({ amongOthers }) => amongOthers)",
      "all of them are of one manifest, and know the same of it",
    ],
    [
      'const found = typeof read === "string" ? read : read && { manifest: read, payloads };',
      "read => true",
      "of nothing there is no manifest; the types do not know that",
    ],
    [
      "const attached = { digest, classic, bundles: [], unread: 0 };",
      "0 => 1",
      "which verifiers see it is not asked here",
    ],
  ),
  ...of("lib/schemes/cosign/keys.ts", [
    "if (error instanceof TypeError) return []; // a certificate in DER",
    "error instanceof TypeError => true",
    "what is wrong with PEM is told once more where the file is read as a certificate",
  ]),
  ...of("lib/schemes/cosign/signature.ts", [
    'export const COSIGN_RULES: SignatureRules = { hash: "sha256", rsaPadding: "pkcs1" };',
    '"pkcs1" => "pkcs1?"',
    "what is not PSS is PKCS #1: the types know no other word",
  ]),
  ...of(
    "lib/schemes/cosign/annotations.ts",
    [
      "if (error instanceof SyntaxError) return undefined;",
      "error instanceof SyntaxError => true",
      "reading PEM throws nothing else; a fault of ours would be told as theirs",
    ],
    [
      'return typeof promise === "string" && fromStrictBase64(promise) !== undefined && typeof body === "string" &&',
      'typeof promise === "string" => true',
      "what is no text is no base64; the types do not know that",
    ],
    [
      'return typeof token === "string" && fromStrictBase64(token) !== undefined;',
      'typeof token === "string" => true',
      "what is no text is no base64; the types do not know that",
    ],
  ),
  ...of("lib/signpath/filing.ts", [
    "if (submission.artifact.length > MAX_ARTIFACT_BYTES) {",
    "submission.artifact.length > MAX_ARTIFACT_BYTES => submission.artifact.length >= MAX_ARTIFACT_BYTES",
    "a bound of memory, which nobody knows to the byte",
  ]),
  ...of("lib/signpath/api.ts", [
    "...(signingRequestId === undefined ? {} : { signingRequestId }),",
    "signingRequestId === undefined => false",
    "no id and one that is undefined are the same to whoever reads it; the types tell them apart",
  ]),
  ...of("lib/signpath/api.ts", [
    "}, { budgetMs, sleep, now, onWait, contact, ...(idempotent === undefined ? {} : { idempotent }) });",
    "idempotent === undefined => false",
    "no value and one that is undefined are the same to whoever repeats; the types tell them apart",
  ]),
  ...of("lib/signpath/client.ts", [
    "...transferTimes(options.transferTimeoutMs, 0),",
    "0 => 1",
    "a byte more takes no time that can be measured",
  ]),
  ...of("lib/signpath/posting.ts", [
    'return parts.reduce((sum, part) => sum + (typeof part === "string" ? part.length : part.size), 0);',
    "0 => 1",
    "a byte more takes no time that can be measured",
  ]),
  ...of(
    "lib/signpath/problem.ts",
    ...["problem === null => false", 'typeof problem === "string" => true'].map((change) =>
      [
        'if (typeof problem !== "object" || problem === null) return typeof problem === "string" ? problem : "";',
        change,
        "what cannot be read says nothing, either",
      ] as const
    ),
    [
      'const type = answer.headers.get("content-type") ?? "";',
      'answer.headers.get("content-type") ?? "" => answer.headers.get("content-type")',
      "no type is read as a word that is none; the types do not know that",
    ],
    ["body = text(answer.bytes.subarray(0, 65_536));", "65_536 => 131072", "a bound of work: far less is shown"],
    ["body = text(answer.bytes.subarray(0, 65_536));", "65_536 => 32768", "a bound of work: far less is shown"],
  ),
  ...of(
    "lib/signpath/wait.ts",
    [
      'if (error.code !== "unavailable" || (failure !== undefined && left() > 0)) {',
      "0 => 1",
      "a millisecond more or less",
    ],
    [
      "if (left() <= 0) throw timedOut(signingRequestId, timeoutMs, last, failure);",
      "0 => 1",
      "a millisecond more or less",
    ],
  ),
  ...of("lib/schemes/notary_v1/verify_tags.ts", [
    "const list = tagListOf(repository, found.flatMap(([, signed]) => signed ?? []));",
    "signed ?? [] => signed",
    "where one is not signed, the tags of the list are not looked at; the types do not know that",
  ]),
  ...of(
    "lib/signing/payload_signer.ts",
    ["export const SERVICE_SPREAD = 44;", "44 => 45", CHANCE],
    ["export const SERVICE_SPREAD = 44;", "44 => 43", CHANCE],
  ),
  ...of("lib/signing/key_signer.ts", ["const SPREAD = 8;", "8 => 9", CHANCE], ["const SPREAD = 8;", "8 => 7", CHANCE]),
  ...of(
    "lib/signing/same_payloads.ts",
    ...alike(
      "byLength.get(bytes.length)!.length === 1",
      "what has a length of its own is told apart all the same",
      "byLength.get(bytes.length)!.length === 1 => false",
      "1 => 0",
    ),
    [
      "return others.length === 0 ? list! : distinct([list!, ...others].flat());",
      "others.length === 0 => false",
      "a list holds nothing twice: that it is not looked through saves time",
    ],
  ),
  ...of("lib/tuf/role_keys.ts", [
    "if (!(error instanceof SyntaxError)) throw error;",
    "!(error instanceof SyntaxError) => false",
    "reading a key throws nothing else; what nobody has foreseen is no matter of one key alone",
  ]),
  ...of("lib/http/timer.ts", [
    "const timer = AbortSignal.timeout(Math.max(0, Math.ceil(ms)));",
    "0 => 1",
    "nobody can tell a millisecond from none",
  ]),
  ...of(
    "lib/http/network.ts",
    [
      "return await fetch(request, client && { client });",
      "client => true",
      "no client and a client that is undefined are the same to fetch",
    ],
    [
      "const [what, files, remedy] = tls?.client && isUsable({ caCerts: options.caCerts })",
      "tls?.client => true",
      "where no client's certificate is given, only the CAs can be at fault, and they are asked about next",
    ],
  ),
  ...of(
    "lib/http/send.ts",
    ["upload: 64 * 1024,", "64 * 1024 => 131072", RATE],
    ["upload: 64 * 1024,", "64 * 1024 => 32768", RATE],
    ["download: 16 * 1024,", "16 * 1024 => 32768", RATE],
    ["download: 16 * 1024,", "16 * 1024 => 8192", RATE],
    [
      "...(call.body === undefined ? {} : { body: call.body }),",
      "call.body === undefined => false",
      "no body and a body that is undefined are the same to Request; the types tell them apart",
    ],
    ["#received = 0;", "0 => 1", "one byte more gives an exchange no time that can be measured"],
    ["patience.end();", "patience.end(); => nothing", "leaves a timer, which the sanitizers of `deno test` see"],
    ["const PACKED_BYTES = 4096;", "4096 => 8192", "a bound of memory, not of what is read"],
    ["const PACKED_BYTES = 4096;", "4096 => 2048", "a bound of memory, not of what is read"],
    ["this.#cancel?.();", "this.#cancel?.(); => nothing", "leaves a timer, which the sanitizers of `deno test` see"],
    [
      'if (left <= 0) return this.#controller.abort(new Error("Time is up"));',
      "left <= 0 => left < 0",
      "with no time left the timer ends at once",
    ],
    [
      'if (left <= 0) return this.#controller.abort(new Error("Time is up"));',
      "0 => 1",
      "a millisecond more or less",
    ],
    [
      "return parts.length === 1 ? new Uint8Array(parts[0]!) : concat(...parts);",
      "parts.length === 1 => false",
      "spares nothing but copying twice: the bytes are the same",
    ],
    [
      "return parts.length === 1 ? new Uint8Array(parts[0]!) : concat(...parts);",
      "1 => 0",
      "of no parts there are no bytes either way",
    ],
    [
      "for (let at = 0; at < part.length; at += PACKED_BYTES) yield part.subarray(at, at + PACKED_BYTES);",
      "at < part.length => at <= part.length",
      "one more piece, of no bytes",
    ],
  ),
  ...of("lib/schemes/notary_v1/role_entries.ts", [
    'const state = role === "targets" ? undefined : repository.delegations.get(role);',
    'role === "targets" => false',
    TYPES,
  ]),
  ...of("lib/schemes/notary_v1/role_base.ts", [
    "if (!state.expired) requirePlausible(state.version ?? 0, repository.gun, role);",
    "0 => 1",
    "both are plausible",
  ]),
  ...of(
    "lib/schemes/notary_v1/push_trust_data.ts",
    ...alike(
      "signed = parsePlainly(text(cutTags(part.bytes)?.left ?? part.bytes));",
      "the strict reader reads the same, in more time",
      "signed = parsePlainly(text(cutTags(part.bytes)?.left ?? part.bytes)); => nothing",
      "cutTags(part.bytes)?.left ?? part.bytes => cutTags(part.bytes)?.left",
      "cutTags(part.bytes)?.left ?? part.bytes => part.bytes",
    ),
    ["signed ??= signedOf(gun, part);", "signed ??= signedOf(gun, part); => nothing", TYPES],
    [
      'const expires = isJsonObject(signed) ? signed["expires"] : undefined;',
      "isJsonObject(signed) => true",
      "nothing but an object has such a member",
    ],
    [
      'if (typeof expires === "string" && isTrustTime(expires)) return expires;',
      'typeof expires === "string" => true',
      TYPES,
    ],
    [
      "if (!(lasts > 0 && lasts <= (LIFETIME_DAYS.targets + 1) * 86_400_000)) throw unlasting(gun, part);",
      "0 => 1",
      "whole seconds are compared, with a clock that stands on one in tests",
    ],
  ),
];

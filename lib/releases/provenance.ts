/**
 * Where a release comes from: an in-toto statement with SLSA's provenance.
 *
 * @see {@link https://slsa.dev/spec/v1.0/provenance | SLSA provenance 1}, {@link
 *   https://github.com/in-toto/attestation/tree/main/spec/v1 | in-toto attestation 1}
 * @module
 */

/** A file, and its SHA-256 in hex. */
export interface Digested {
  /** Its name. */
  readonly name: string;
  /** Its SHA-256 in hex. */
  readonly sha256: string;
}

/** How a release was built. */
export interface Build {
  /** What came out of it. */
  readonly files: readonly Digested[];
  /** The commit of the sources, in hex. */
  readonly commit: string;
  /** Where the sources are, as a URI, where that is known. */
  readonly source: string | undefined;
  /** The URI of who built it. */
  readonly builder: string;
  /** What was asked for: the version, and the systems that programs were made for. */
  readonly parameters: { readonly version: string; readonly targets: readonly string[] };
  /** The tools and lists that decide what comes out. */
  readonly tools: readonly Digested[];
}

/** What `parameters` and `tools` mean. */
const BUILD_TYPE = "urn:tagseal:release:1";

/** The statement as JSON. It names no time: the same sources and tools make the same one. */
export function provenanceOf({ files, commit, source, builder, parameters, tools }: Build): string {
  const described = ({ name, sha256 }: Digested) => ({ name, digest: { sha256 } });
  const statement = {
    _type: "https://in-toto.io/Statement/v1",
    subject: files.map(described),
    predicateType: "https://slsa.dev/provenance/v1",
    predicate: {
      buildDefinition: {
        buildType: BUILD_TYPE,
        externalParameters: parameters,
        resolvedDependencies: [
          { name: "source", ...source === undefined ? {} : { uri: source }, digest: { gitCommit: commit } },
          ...tools.map(described),
        ],
      },
      runDetails: { builder: { id: builder } },
    },
  };
  return `${JSON.stringify(statement, undefined, 1)}\n`;
}

/** The lines that `sha256sum -c` reads. */
export function checksumsOf(files: readonly Digested[]): string {
  return files.map(({ name, sha256 }) => `${sha256}  ${name}\n`).sort().join("");
}

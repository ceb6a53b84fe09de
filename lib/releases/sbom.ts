/**
 * What is in a release: a bill of materials.
 *
 * @see {@link https://cyclonedx.org/docs/1.6/json/ | CycloneDX 1.6}
 * @module
 */
// The library's own check of what it writes needs these beside it.
import "ajv";
import "ajv-formats";
import "ajv-formats-draft2019";
import { Enums, Models, Serialize, SPDX, Spec, Validation } from "@cyclonedx/cyclonedx-library";
import type { Shipped } from "./shipped.ts";

/** Of what the bill is. */
export interface Contents extends Shipped {
  /** The version of tagseal. */
  readonly version: string;
  /** The licence of tagseal. */
  readonly license: string;
  /** The licence of each package by id, where it names one. */
  readonly licenses: ReadonlyMap<string, string>;
  /** When the sources were committed. */
  readonly time: Date;
  /** The version of the Deno that is in programs; `undefined` where none were made. */
  readonly deno: string | undefined;
}

/** The bill as JSON. @throws {Error} where it is none by the schema of CycloneDX */
export async function billOfMaterials(contents: Contents): Promise<string> {
  const { version, license, licenses, time, packages, direct, deno } = contents;
  const program = component(Enums.ComponentType.Application, "tagseal", version, license);
  const libraries = new Map(packages.map((each) => {
    const library = component(Enums.ComponentType.Library, each.name, each.version, licenses.get(each.id));
    library.purl = `pkg:npm/${each.name.replace(/^@/, "%40")}@${each.version}` as never;
    library.hashes.set(Enums.HashAlgorithm["SHA-512"], each.sha512);
    return [each.id, library];
  }));
  for (const { id, needs } of packages) {
    for (const needed of needs) libraries.get(id)!.dependencies.add(libraries.get(needed)!.bomRef);
  }
  for (const id of direct) program.dependencies.add(libraries.get(id)!.bomRef);
  const bill = new Models.Bom();
  if (deno !== undefined) {
    const runtime = component(Enums.ComponentType.Platform, "deno", deno, "MIT");
    runtime.purl = `pkg:github/denoland/deno@v${deno}` as never;
    runtime.description = "In the programs with Deno inside, not in the single file";
    bill.components.add(runtime);
    program.dependencies.add(runtime.bomRef);
  }
  bill.metadata.timestamp = time;
  bill.metadata.component = program;
  for (const library of libraries.values()) bill.components.add(library);
  const serializer = new Serialize.JsonSerializer(new Serialize.JSON.Normalize.Factory(Spec.Spec1dot6));
  const text = serializer.serialize(bill, { sortLists: true, space: 1 });
  const wrong = await new Validation.JsonStrictValidator(Spec.Version.v1dot6).validate(text);
  if (wrong !== null) throw new Error(`The bill of materials is not valid: ${JSON.stringify(wrong)}`);
  return `${text}\n`;
}

function component(type: Enums.ComponentType, name: string, version: string, license?: string): Models.Component {
  const [, group, own = name] = /^(@[^/]+)\/(.+)$/.exec(name) ?? [];
  const made = new Models.Component(type, own, { version, bomRef: `${name}@${version}`, ...group ? { group } : {} });
  if (license !== undefined) made.licenses.add(licenseOf(license));
  return made;
}

/** An id of SPDX's list, an expression of such, or whatever else a package says. */
function licenseOf(text: string): Models.License {
  if (SPDX.isSupportedSpdxId(text)) return new Models.SpdxLicense(text);
  return / (?:OR|AND|WITH) /.test(text) ? new Models.LicenseExpression(text) : new Models.NamedLicense(text);
}

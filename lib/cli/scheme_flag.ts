/** `--scheme`: which kinds of signatures a command is about. @module */
import { TagsealError } from "../errors.ts";
import { DCT, IMAGE_SCHEMES, type SchemeName } from "../schemes/names.ts";
import { type Flag, text } from "./flags.ts";

/** The schemes in the order in which users learn of them. */
export const SCHEMES = [DCT, ...IMAGE_SCHEMES] as const;

/** The schemes that are asked for, each once, in the order of {@linkcode SCHEMES}; `standard` unless said. */
export function schemesFlag(help: string, standard: readonly SchemeName[]): Flag<readonly SchemeName[]> {
  const named = text("--scheme <list>", `${help} (${standard.join(",")})`, "TAGSEAL_SCHEME");
  return {
    ...named,
    kind: "list",
    choices: SCHEMES,
    standard: standard.join(","),
    async read(given, host) {
      const value = await named.read(given, host);
      if (value === undefined) return standard;
      const words = value.split(",").map((word) => word.trim()).filter(Boolean);
      const foreign = words.find((word) => !SCHEMES.some((scheme) => scheme === word));
      if (words.length > 0 && foreign === undefined) return SCHEMES.filter((scheme) => words.includes(scheme));
      const what = foreign === undefined ? "names none" : `does not know "${foreign.slice(0, 40)}"`;
      throw new TagsealError("usage", `--scheme ${what}`, { remedy: `Give --scheme some of ${SCHEMES.join(",")}` });
    },
  };
}

/** Docker Content Trust unless said. */
export const schemeFlag: Flag<readonly SchemeName[]> = schemesFlag(
  "kinds of signatures, several with commas: dct (Docker Content Trust), cosign, notation",
  ["dct"],
);

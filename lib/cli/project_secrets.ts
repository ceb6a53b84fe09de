/** Secrets in a project file: refused, and never repeated. @module */
import { isJsonObject, type JsonValue } from "../bytes/json.ts";
import { TagsealError } from "../errors.ts";
import { passphraseVariables } from "./passphrases.ts";

/** What names of secrets look like, written like this or like_this or likeThis, and the variables to set instead. */
const SECRETS: readonly (readonly [RegExp, readonly string[]])[] = [
  [/^(to-)?notary-(password|auth)$/, ["NOTARY_AUTH"]],
  [/^(registry-(password|auth)|docker-auth-config)$/, ["REGISTRY_AUTH"]],
  [/api-token$/, ["SIGNPATH_API_TOKEN"]],
  [/pkcs11-pin$/, ["TAGSEAL_PKCS11_PIN"]],
  [/root.*passphrase/, passphraseVariables("root").slice(0, 1)],
  [/targets.*passphrase/, passphraseVariables("targets").slice(0, 1)],
  [/passphrase/, ["root", "targets", "delegation"].flatMap((role) => passphraseVariables(role).slice(0, 1))],
  [/passw(or)?d|secret|credential|private-key|(?<!pkcs11-)token$/, [
    "NOTARY_AUTH",
    "REGISTRY_AUTH",
    "SIGNPATH_API_TOKEN",
  ]],
];
const WITH_PASSWORD = /^[a-z][a-z0-9+.-]*:\/\/[^/?#]*@/i;

/**
 * Refuses a file with a secret in it.
 *
 * @throws {TagsealError} `bad-input` where a member is called like a secret, or an address holds a password
 */
export function requireNoSecret(path: string, value: JsonValue, pointer = ""): void {
  if (typeof value === "string" && WITH_PASSWORD.test(value)) {
    throw refused(path, pointer, ["NOTARY_AUTH", "REGISTRY_AUTH"]);
  }
  if (Array.isArray(value)) value.forEach((item, i) => requireNoSecret(path, item, `${pointer}/${i}`));
  if (!isJsonObject(value)) return;
  for (const [name, member] of Object.entries(value)) {
    const place = `${pointer}/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`;
    // Names of repositories are whatever they are.
    const found = pointer === "/pins" ? undefined : SECRETS.find(([pattern]) => pattern.test(kebab(name)));
    if (found) throw refused(path, place, found[1]);
    requireNoSecret(path, member, place);
  }
}

/** The name as flags are written. */
export function kebab(name: string): string {
  return name.replaceAll(/([a-z0-9])([A-Z])/g, "$1-$2").replaceAll("_", "-").toLowerCase();
}

function refused(path: string, pointer: string, variables: readonly string[]): TagsealError {
  return new TagsealError(
    "bad-input",
    `"${path}" holds a secret, which belongs into no project file: ${pointer.slice(0, 100)}`,
    {
      remedy: `Take it out, and set ${
        variables.join(" or ")
      } instead. Where the file was shared, replace the secret as well`,
      details: { path, pointer: pointer.slice(0, 100) },
    },
  );
}

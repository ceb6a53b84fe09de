/** What the library says as facts, in the words of the command line: the one place where its errors come by flags, commands and variables. @module */
import type { NextMove } from "../errors.ts";
import type { NextStep, PlainMove } from "../next_step.ts";
import { commandLine, shellLine } from "./command_line.ts";
import { commandWords } from "./next_command.ts";

/** The next safe move of an error or a problem, as a sentence without a final period. */
export function remedyOf({ next, remedy }: NextMove): string {
  return next === undefined ? remedy : hintFor(next);
}

/** A step as a sentence without a final period. */
export function hintFor(step: NextStep): string {
  switch (step.do) {
    case "as-told":
      return step.remedy;
    case "in-turn":
      return step.steps.map(hintFor).join(". ");
    case "look-whether-published": {
      const look = `look with ${commandLine("inspect")} whether it is there before you do it again`;
      return step.first ? `${step.why}. ${hintFor(step.first)}; then ${look}` : `${step.why}: ${look}`;
    }
    case "pin-confirmed-root":
      return `Do not use this data unless the administrator of "${step.repository}" confirms, not through this ` +
        "server, that it was set up anew and that the first of these keys is its root key. Then: " +
        `${commandLine("forget", "-r", step.repository)} --root-pin <new root certificate>`;
    case "restore-root":
      return "Restore it from a backup. If there is none, ask the repository's administrator for the root " +
        `certificate, move ${copyIn(step.folder)} away, and give the certificate as --root-pin`;
    case "check-vanished":
      return "Check --notary-url. If the repository was deleted there and shall be made anew, every client must " +
        `forget its old root: here, move ${
          step.folder === undefined ? "its folder below tuf/ in the trust directory" : `"${step.folder}"`
        } away`;
    case "let-server-sign-snapshot": {
      const rotation = commandWords(step.repository, { kind: "rotate-key", role: "snapshot", rootVersion: 0 });
      return `Nothing was sent. Let the server sign the snapshot, with the root key: ${commandLine(...rotation)}`;
    }
    case "protect-keys":
      return `Protect it: chmod 700 "${step.folder}"; and look whether the keys are those that you know ` +
        `(${commandLine("keys")})`;
    case "move-file-away":
      return "Move it away, choose another path, or replace it with --force";
    case "name-project-file":
      return `Look into it; if it is right, name it (--config ${
        shellLine(step.path)
      }, or TAGSEAL_CONFIG). --config none ` +
        "goes without";
    case "give-plain-address": {
      const like = step.like === undefined ? "" : `, for example ${step.like}`;
      return `Give it as https://host[:port]${like}, with credentials in their own flags`;
    }
    case "name-key":
      return `Name one of them, or its certificate, with --delegation-certificate: ${shortIds(step.keyIds)}`;
    case "bring-key":
      return `Bring its private key (${
        shortIds(step.keyIds)
      }) to the trust directory (--trust-dir) with docker trust ` +
        "key load, or to a token for --signing-method pkcs11, or let SignPath sign with --signing-method zip";
    case "name-policy-or-delegate": {
      const delegate = commandLine(...commandWords(step.repository, { kind: "add-delegation" }));
      return `Nothing was sent to SignPath. Name the policy of one of the keys that may (${shortIds(step.keyIds)}), ` +
        `or add this one, with the targets key: ${delegate}`;
    }
    case "have-delegation-added": {
      const others = step.others.length === 0
        ? ""
        : `; or sign as another one (--delegation): ${step.others.join(", ")}`;
      return `Have whoever holds the targets key add it: ${commandLine("add-delegation")}, with the signing key's ` +
        `certificate${others}`;
    }
    case "have-key-removed": {
      const removal = commandWords(step.repository, { kind: "remove-delegation", keyId: step.keyId });
      return `Have the repository's administrator take the key away: ${commandLine(...removal)}`;
    }
    case "compare-policy-key":
      return "Nothing was published for this repository. Probably the signing policy uses another certificate than " +
        `the delegation (key ${shortIds(step.keyIds)}): compare it with ${commandLine("inspect")}, or add the ` +
        `policy's with ${
          commandLine("add-delegation", "--delegation-from-signpath")
        }. If they are the same, somebody ` +
        "changes the file on its way";
    case "bring-role-key":
      return "Run this where the key was made, or name its directory with --trust-dir, or its token with " +
        `--root-key-store pkcs11 or --targets-key-store pkcs11. ${
          step.role === "targets"
            ? `A deleted targets key is replaced with the root key: ${commandLine("rotate-key", "--role", "targets")}`
            : "Bring the root key back to where it can be read; without it no key can be replaced"
        }`;
    default:
      return PLAIN[step.do]();
  }
}

/** Each is said when it is asked for, since commands are named as this one was called. */
const PLAIN: { readonly [move in PlainMove]: () => string } = {
  "check-signpath-address": () =>
    "Check that the API address (--api-url) is that of SignPath and that no proxy answers in its place",
  "check-signpath-names": () =>
    "Check the ids, the slugs and the API address (--api-url), and that the token's user may see what they name",
  "check-signpath-service": () =>
    "Try again later; if it stays so, check the API address (--api-url) and SignPath's status page",
  "check-signpath-token": () => "Check the API token (--api-token or SIGNPATH_API_TOKEN) and the organization id",
  "distrust-signpath-answer": () =>
    "Nothing was published. Check --api-url and what answers there; if it is SignPath, report this to its support",
  "name-organization": () => "Copy it from SignPath's web UI, as --organization-id",
  "name-hash-project": () =>
    '--signing-method hash needs a project of the type "Hash signing data": name it with --project-slug',
  "name-parameter": () => "Use letters, digits, dots, underscores and dashes: --parameter name=value",
  "sign-with-other-key-kind": () =>
    "Add the certificate of an RSA or ECDSA key as delegation, or sign with another --signing-method",
  "look-for-request": () =>
    "Look it up in SignPath's web UI before submitting again; if it is there, go on with: " +
    `${commandLine("resume")} <id> -r <repository>`,
  "look-for-own-request": () =>
    "Look in SignPath's web UI for a request of that time. If it is there, run this again with --signing-request-id " +
    "<id>; if it is not, with --new-signing-request",
  "name-own-request": () =>
    "Nothing was published. Name the request that was filed for this, or leave --signing-request-id out (and " +
    "TAGSEAL_SIGNING_REQUEST_ID unset) to have a new one filed",
  "file-new-request": () =>
    "Nothing was published. Leave --signing-request-id out (and TAGSEAL_SIGNING_REQUEST_ID unset): a new request is " +
    "filed, on top of what is there now",
  "check-notary-address": () =>
    "Check the address with --notary-url, and try again later if the server is out of order",
  "check-repository": () =>
    `Check the repository's name and --notary-url; a new repository is set up with ${commandLine("init")}`,
  "name-registry": () =>
    "Check the repository's name, or give the registry's address as --registry-url where it is another host",
  "name-trust-folder": () =>
    "Name a folder that can be read and written with --trust-dir, or its parent with DOCKER_CONFIG",
  "renew-policy-certificate": () =>
    "Nothing was sent to SignPath. Check this machine's clock; else have a new certificate made at SignPath and add it: " +
    commandLine("add-delegation", "--delegation-from-signpath"),
  "give-signpath-settings": () =>
    "To have SignPath checked, set SIGNPATH_API_TOKEN, SIGNPATH_ORGANIZATION_ID, SIGNPATH_PROJECT_SLUG and " +
    "SIGNPATH_SIGNING_POLICY_SLUG, or give --api-token, --organization-id, --project-slug and --signing-policy-slug",
  "print-artifact-configuration": () =>
    `Compare it with ${commandLine("signing-data", "--print-artifact-configuration")} in SignPath's web UI`,
  "look-in-some-minutes": () =>
    `Something on the way seems to keep old answers. Look with ${commandLine("list")} in some minutes before you do ` +
    "it again",
  "name-notary": () =>
    "Give the address of the repository's Notary server as --notary-url or in DOCKER_CONTENT_TRUST_SERVER; without " +
    "them it is looked for on the registry's host, and many registries have none",
  "name-notary-anew": () =>
    "Nothing was sent there. If the Notary server has another address now, give that one with --notary-url",
  "read-and-ask-operator": () =>
    `Nothing was published. Read the repository with ${commandLine("list")} and check the server's own log`,
  "pin-root": () =>
    "Ask the repository's administrator for the root certificate, or for a CA that issues it, and give it as " +
    "--root-pin or in TAGSEAL_ROOT_PIN",
  "trust-ca": () =>
    "If the server belongs to a private CA, name that CA's certificate with --ca <pem>, or set " +
    "DENO_TLS_CA_STORE=system where this machine knows the CA",
  "replace-ca-as-server-certificate": () =>
    "Have the server's operator get a certificate that a CA has issued, or a self-signed one with CA:FALSE (openssl " +
    "req -x509 -addext basicConstraints=critical,CA:FALSE); then name it or the CA with --ca <pem>",
  "name-tags-apart": () => "Name the repository alone, and its tags with --tags",
  "name-key-folder": () => "Run this where the key is kept, or name its directory with --trust-dir",
  "name-token-of-key": () => "Plug in the token that holds it, and name it with --pkcs11-token",
  "plug-in-token": () =>
    "Plug the token in (for a YubiKey also: pcscd must run), or name its module with --pkcs11-module",
  "check-token-module": () => "Check --pkcs11-module or TAGSEAL_PKCS11_MODULE",
  "install-token-module": () => "Install the token's module (YubiKey: ykcs11), or name it with --pkcs11-module",
  "name-built-token-module": () =>
    "Name the module that belongs to the token, built for this machine, with --pkcs11-module",
  "name-token": () => "Say which one with --pkcs11-token",
  "plug-in-or-name-token": () => "Plug it in, or name one of these with --pkcs11-token",
  "make-key-on-token": () =>
    "Make an ECDSA P-256 key with the token's own tool (YubiKey: ykman piv keys generate --algorithm ECCP256 9c " +
    "public.pem, then a certificate for it), and name it: --pkcs11-root-key 02. A targets key can be kept in a file",
  "build-token-addon": () =>
    "Build it once: deno task build-pkcs11 (it needs npm and a C++ compiler). Where it was built elsewhere, set " +
    "TAGSEAL_PKCS11_ADDON to its folder",
  "rebuild-token-addon": () => "Build it again on this machine: deno task build-pkcs11",
  "choose-port": () => "Choose another port with --port, or 0 for any free one",
  "list-keys": () => `${commandLine("keys")} lists the keys; give an id, or its first digits (4 at least)`,
  "list-root-keys": () => `${commandLine("keys")} lists the keys with their roles`,
  "publish-certificate-and-delegate": () =>
    `Keep its keys: go on with ${commandLine("root-certificate")} and ${commandLine("add-delegation")}`,
  "delegate-then-sign": () => `Let another key sign first: ${commandLine("add-delegation")}. Then sign a test tag`,
  "sign-then-look": () =>
    `Sign a tag with the delegation key first, and see with ${commandLine("status")} that all is well`,
  "delegate-first": () =>
    `Add another key first with ${commandLine("add-delegation")}, or take the whole delegation away`,
  "show-delegations": () => `Nothing was changed. ${commandLine("inspect")} shows delegations and their keys`,
  "show-delegation-keys": () =>
    `${commandLine("inspect")} shows delegations and their keys; give the whole id, or at least 7 digits that are ` +
    "unique",
  "look-at-new-keys": () =>
    `The new keys were kept. Look with ${commandLine("inspect")}: if the repository names them, it is yours and ` +
    "complete",
  "look-at-later-tags": () =>
    `What was signed here was published, and then changed. See with ${commandLine("list", "--all")} what is there now`,
  "list-tags": () => `Nothing was changed. ${commandLine("list")} shows the signed tags, with --all in every role`,
  "make-signing-data-anew": () =>
    `Nothing was published. Make new signing data and have it signed; ${commandLine("sign")} does so by itself`,
  "use-signing-data": () =>
    `Use a file made by ${commandLine("signing-data")}, or its signed version from ${commandLine("download")}`,
  "use-export": () => `Give a file that ${commandLine("export")} wrote, unchanged`,
  "leave-export": () => "Leave --from out to work with the Notary server",
  "add-certificate": () => `Add the certificate with ${commandLine("add-delegation")}`,
  "name-signing-key": () => "Name the one that SignPath has, or its certificate, with --delegation-certificate",
  "look-at-status": () => `Do not use its tags; ${commandLine("status")} says what to do about it`,
  "sign-test-tag": () => `Sign a test tag with ${commandLine("sign")}`,
  "sign-then-delete-key": () =>
    `Sign a test tag, then delete it with ${commandLine("delete-key")}: signing works without it`,
  "replace-certificate": () =>
    "Have a new certificate made at SignPath and add it, then take this one away with " +
    commandLine("remove-delegation"),
  "pin-in-ci": () => "In CI, give its certificate or key id with --root-pin",
};

function copyIn(folder: string | undefined): string {
  return folder === undefined ? "the copy" : `"${folder}"`;
}

function shortIds(ids: readonly string[]): string {
  return ids.map((id) => id.slice(0, 12)).join(", ");
}

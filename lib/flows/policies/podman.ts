/**
 * podman, skopeo, CRI-O and all that is built on containers/image: `policy.json` says which key, `registries.d` that
 * signatures lie beside the image.
 *
 * @see containers-policy.json(5), containers-registries.d(5)
 * @module
 */
import { isJsonObject, type JsonValue } from "../../bytes/json.ts";
import { mergedJson, mergedYaml, readJson, readYaml, saysOtherwise } from "./documents.ts";
import { KEY_FILE, keyPem, onlyFile, type PolicyFolder, type PolicyInput, type VerifierPolicy } from "./policy.ts";

const POLICY = "policy.json";
const REGISTRIES = "registries.d";
const OURS = `${REGISTRIES}/tagseal.yaml`;
const ATTACHMENTS = "use-sigstore-attachments";

/** The files of podman, skopeo and CRI-O. @throws {TagsealError} `exists`, `bad-input` */
export async function podmanPolicy(input: PolicyInput, folder: PolicyFolder): Promise<VerifierPolicy> {
  const { repositories, keyPath, folder: root } = input;
  const scopes = repositories.map(({ gun }) => gun);
  const bytes = await folder.read(POLICY);
  const present = bytes && readJson(bytes, POLICY);
  const requirement = { type: "sigstoreSigned", keyPath, signedIdentity: { type: "matchRepoDigestOrExact" } };
  const policy = await mergedJson(folder, POLICY, {
    ...(member(present, "default") === undefined ? { default: [{ type: "reject" }] } : {}),
    transports: { docker: Object.fromEntries(scopes.map((scope) => [scope, [requirement]])) },
  });
  const attached = await attachedElsewhere(folder, scopes);
  const rest = scopes.filter((scope) => !attached.has(scope));
  return {
    files: [
      await onlyFile(folder, KEY_FILE, keyPem(input), "key"),
      ...rest.length === 0 ? [] : [
        await mergedYaml(folder, OURS, {
          docker: Object.fromEntries(rest.map((scope) => [scope, { [ATTACHMENTS]: true }])),
        }),
      ],
      policy,
    ],
    commands: [[
      ...["skopeo", "--policy", `${root}/${POLICY}`, "--registries.d", `${root}/${REGISTRIES}`],
      ...["copy", `docker://${scopes[0]}:TAG`, "dir:tagseal-try"],
    ]],
    notes: [
      ...defaultNote(member(present, "default")),
      ...Object.keys(member(member(present, "transports"), "docker") ?? {}).filter((name) => isBelow(name, scopes))
        .map((name) =>
          `the rule for "${name}" in ${POLICY} is more precise, and goes before the one for its repository`
        ),
      `these files belong into /etc/containers or ~/.config/containers, the key to "${keyPath}"`,
      "podman and skopeo of Debian 12 have sigstore signatures switched off, and reject every image then",
    ],
  };
}

function member(value: JsonValue | undefined, name: string): JsonValue | undefined {
  return isJsonObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;
}

function isBelow(name: string, scopes: readonly string[]): boolean {
  return scopes.some((scope) => name.startsWith(scope) && /^[:@]/.test(name.slice(scope.length)));
}

function defaultNote(present: JsonValue | undefined): string[] {
  if (present === undefined) return [`${POLICY} rejects all other images: add what else is to be pulled`];
  const accepts = JSON.stringify(present).includes('"insecureAcceptAnything"');
  return accepts ? [`the default of ${POLICY} is kept: it accepts images of all other repositories unsigned`] : [];
}

/** The scopes that other files of the folder have attachments switched on for: one must not stand in two files. */
async function attachedElsewhere(folder: PolicyFolder, scopes: readonly string[]): Promise<Set<string>> {
  const found = new Set<string>();
  for (const { name } of await folder.list(REGISTRIES)) {
    const path = `${REGISTRIES}/${name}`;
    const bytes = name.endsWith(".yaml") && path !== OURS ? await folder.read(path) : undefined;
    const docker = bytes && member(await readYaml(bytes, path), "docker");
    for (const scope of scopes) {
      const entry = member(docker, scope);
      if (entry === undefined) continue;
      if (member(entry, ATTACHMENTS) !== true) throw saysOtherwise(path, `docker / ${scope}`);
      found.add(scope);
    }
  }
  return found;
}

/** policy.json and registries.d: what is written, how it goes into files of others, and when it does not. */
import assert from "node:assert/strict";
import { FolderInMemory, inputFor, pems, signer } from "../../support/policy_world.ts";
import { failsWith } from "../../support/failures.ts";

const APP = "registry.example.com/team/app";
const OURS = [{
  type: "sigstoreSigned",
  keyPath: "/srv/verifiers/cosign.pub",
  signedIdentity: { type: "matchRepoDigestOrExact" },
}];
const certificate = await signer();

Deno.test("podman: a new folder gets the key, the attachments, and a policy that rejects all else", async () => {
  const folder = new FolderInMemory();
  const { outcomes, commands, notes } = await folder.put("podman", inputFor(certificate, APP, "acme/app", "alpine"));
  assert.deepEqual(Object.entries(outcomes), [
    ["cosign.pub", "written"],
    ["registries.d/tagseal.yaml", "written"],
    ["policy.json", "written"],
  ]);
  assert.equal(folder.files.get("cosign.pub"), pems(certificate).key);
  assert.deepEqual(folder.json("policy.json"), {
    default: [{ type: "reject" }],
    transports: { docker: { [APP]: OURS, "docker.io/acme/app": OURS, "docker.io/library/alpine": OURS } },
  });
  assert.equal(
    folder.files.get("registries.d/tagseal.yaml"),
    `docker:
  ${APP}:
    use-sigstore-attachments: true
  docker.io/acme/app:
    use-sigstore-attachments: true
  docker.io/library/alpine:
    use-sigstore-attachments: true
`,
  );
  assert.deepEqual(commands, [
    [
      ...["skopeo", "--policy", "/srv/verifiers/policy.json", "--registries.d", "/srv/verifiers/registries.d"],
      ...["copy", `docker://${APP}:TAG`, "dir:tagseal-try"],
    ],
  ]);
  assert.match(notes.join("\n"), /rejects all other images/);
});

Deno.test("podman: what others wrote stays, with their layout and comments; a second run changes nothing", async () => {
  const policy = `{
    "default": [{"type": "insecureAcceptAnything"}],
    "transports": {
        "docker-daemon": {"": [{"type": "insecureAcceptAnything"}]},
        "docker": {"registry.example.com": [{"type": "reject"}], "${APP}:old": [{"type": "reject"}]}
    }
}`;
  const registries = `# ours\ndocker:\n  # by hand\n  ${APP}: { lookaside: "https://sigs.example.com" } # old\n`;
  const folder = new FolderInMemory({ "policy.json": policy, "registries.d/tagseal.yaml": registries });
  const { outcomes, notes } = await folder.put("podman", inputFor(certificate, APP, "acme/app"));
  assert.deepEqual(outcomes, {
    "cosign.pub": "written",
    "registries.d/tagseal.yaml": "merged",
    "policy.json": "merged",
  });
  const before = JSON.parse(policy);
  before.transports.docker = { ...before.transports.docker, [APP]: OURS, "docker.io/acme/app": OURS };
  assert.deepEqual(folder.json("policy.json"), before);
  assert.match(folder.files.get("policy.json")!, /^\{\n {4}"default": \[\n {8}\{\n/, "indented as before");
  assert.equal(
    folder.files.get("registries.d/tagseal.yaml"),
    `# ours
docker:
  # by hand
  ${APP}: { lookaside: "https://sigs.example.com", use-sigstore-attachments: true } # old
  docker.io/acme/app:
    use-sigstore-attachments: true
`,
  );
  const told = notes.join("\n");
  assert.match(told, /it accepts images of all other repositories unsigned/);
  assert.match(told, new RegExp(`the rule for "${APP}:old" in policy.json is more precise`));
  const again = await folder.put("podman", inputFor(certificate, APP, "acme/app"));
  assert.deepEqual([...new Set(Object.values(again.outcomes))], ["unchanged"]);
});

Deno.test("podman: another rule for the same repository is never overwritten", async (t) => {
  const rule = (rule: unknown) => JSON.stringify({ default: [], transports: { docker: { [APP]: rule } } });
  const cases: [name: string, path: string, content: string, says: string][] = [
    [
      "another verdict",
      "policy.json",
      rule([{ type: "insecureAcceptAnything" }]),
      "transports / docker / registry.example.com/team/app",
    ],
    [
      "another key",
      "policy.json",
      rule([{ ...OURS[0], keyPath: "/etc/other.pub" }]),
      "transports / docker / registry.example.com/team/app",
    ],
    [
      "a key of their own beside",
      "policy.json",
      rule([{ type: "sigstoreSigned", keyData: "AA==" }]),
      "transports / docker / registry.example.com/team/app",
    ],
    ["one more demand", "policy.json", rule([OURS[0], OURS[0]]), "transports / docker / registry.example.com/team/app"],
    ["transports that are no object", "policy.json", '{"transports":[]}', 'at "transports"'],
    [
      "switched off",
      "registries.d/tagseal.yaml",
      `docker: {"${APP}": {use-sigstore-attachments: false}}`,
      "docker / registry.example.com/team/app / use-sigstore-attachments",
    ],
    [
      "elsewhere, for other signatures",
      "registries.d/site.yaml",
      `docker: {"${APP}": {lookaside: x}}`,
      "registries.d/site.yaml",
    ],
    ["another key's file", "cosign.pub", "-----BEGIN PUBLIC KEY-----\n", '"cosign.pub" holds another key already'],
  ];
  for (const [name, path, content, says] of cases) {
    const folder = new FolderInMemory({ [path]: content });
    await t.step(name, async () => {
      await failsWith(folder.put("podman", inputFor(certificate, APP)), "exists", says);

      assert.deepEqual([...folder.files], [[path, content]], "nothing is written");
    });
  }
});

Deno.test("podman: a repository that another file of registries.d has attachments for is left to it", async () => {
  const folder = new FolderInMemory({
    "registries.d/site.yaml": `docker:\n  ${APP}:\n    use-sigstore-attachments: true\n`,
    "registries.d/README": "\0 not YAML: {",
  });
  assert.deepEqual(Object.keys((await folder.put("podman", inputFor(certificate, APP))).outcomes), [
    "cosign.pub",
    "policy.json",
  ]);
  await folder.put("podman", inputFor(certificate, APP, "acme/app"));
  assert.doesNotMatch(folder.files.get("registries.d/tagseal.yaml")!, /team\/app/);
});

Deno.test("podman: files that nobody can read twice in the same way are refused", async (t) => {
  const bomb = ["a: &a [x]", ...[..."bcdefghij"].map((c, i) => `${c}: &${c} [${`*${"abcdefghij"[i]},`.repeat(9)}]`)];
  const cases: [name: string, path: string, content: string][] = [
    ["a member twice", "policy.json", '{"default":[],"default":[]}'],
    ["a byte order mark", "policy.json", "\ufeff{}"],
    ["nothing", "policy.json", ""],
    ["too deep", "policy.json", "[".repeat(100)],
    ["half a file", "registries.d/tagseal.yaml", 'docker: {"a'],
    ["a key twice", "registries.d/tagseal.yaml", "docker: {}\ndocker: {}\n"],
    ["two documents", "registries.d/site.yaml", "a: 1\n---\nb: 2\n"],
    ["aliases without end", "registries.d/site.yaml", bomb.join("\n")],
    ["an alias in the way", "registries.d/tagseal.yaml", "x: &x {}\ndocker: *x\n"],
  ];
  for (const [name, path, content] of cases) {
    const folder = new FolderInMemory({ [path]: content });
    await t.step(name, async () => {
      await failsWith(folder.put("podman", inputFor(certificate, APP)), "bad-input", `"${path}" cannot be read: `);
    });
  }
  const odd = new FolderInMemory({ "policy.json": '{"__proto__":{"default":1},"default":[{"type":"reject"}]}' });
  await odd.put("podman", inputFor(certificate, APP));
  assert.match(odd.files.get("policy.json")!, /"__proto__": \{\n\s+"default": 1/);
});

Deno.test("podman: a YAML file of comments alone gets its first entries", async () => {
  const folder = new FolderInMemory({ "registries.d/tagseal.yaml": "# nothing yet\n" });
  await folder.put("podman", inputFor(certificate, APP));
  const expected = `# nothing yet\ndocker:\n  ${APP}:\n    use-sigstore-attachments: true\n`;
  assert.equal(folder.files.get("registries.d/tagseal.yaml"), expected);
});

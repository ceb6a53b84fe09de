/** What `tagseal policy` writes, judged by the verifiers that it is for: skopeo and notation themselves. */
import assert from "node:assert/strict";
import { formatPem } from "../../lib/bytes/pem.ts";
import { type Certificate, certificatePem, readCertificate } from "../../lib/crypto/x509.ts";
import { createSigningCertificate } from "../../lib/local/certificates.ts";
import { peerTest, verifier } from "../support/peer_case.ts";
import { ACME, issuedByCa } from "../support/policy_world.ts";
import { freePorts } from "../support/ports.ts";
import { Process } from "../support/process.ts";
import { tagseal } from "../support/run.ts";

const NAMED: readonly (readonly [string, string])[] = [
  ["C", "AT"],
  ["ST", " Vienna"],
  ["O", '#Acme, "Ink" + <Sons>; a=b \\ c'],
  ["L", "Übersee"],
];

peerTest(
  "skopeo and notation take what the policy's key signed, and nothing else",
  ["docker-registry", "verifiers"],
  async (t) => {
    await using world = await World.start();
    const { registry } = world;
    const app = `${registry}/team/app`;
    for (const tag of ["signed", "unsigned", "foreign"]) await world.push(`${app}:${tag}`);
    await world.push(`${registry}/team/other:signed`);
    await world.signer("ours", ACME);
    await world.signer("theirs", ACME);
    await world.sign("ours", `${app}:signed`);
    await world.sign("theirs", `${app}:foreign`);
    await world.sign("ours", `${registry}/team/other:signed`);
    await world.run("crane", "tag", `${app}:signed`, "moved"); // the same digest under a tag that nobody signed
    await world.policy("ours", app);

    await t.step("skopeo", async () => {
      assert.equal(await world.copies(`${app}:signed`), "");
      assert.match(await world.copies(`${app}:unsigned`), /A signature was required, but no signature exists/);
      assert.match(
        await world.copies(`${app}:foreign`),
        /cryptographic signature verification failed|invalid signature/,
      );
      assert.match(await world.copies(`${app}:moved`), /Signature for identity .* is not accepted/);
      assert.match(await world.copies(`${registry}/team/other:signed`), /is rejected by policy/);
    });
    await t.step("notation", async () => {
      assert.equal(await world.verifies(`${app}:signed`), "");
      assert.match(await world.verifies(`${app}:unsigned`), /no signature is associated/);
      assert.match(await world.verifies(`${app}:foreign`), /signature verification failed/);
      assert.match(await world.verifies(`${registry}/team/other:signed`), /no applicable (oci )?trust policy/);
    });
    await t.step("a second signer and another repository beside it", async () => {
      await world.policy("theirs", `${registry}/team/other`, "--delegation", "theirs", "--for", "notation");
      assert.equal(await world.verifies(`${app}:signed`), "");
      assert.match(await world.verifies(`${registry}/team/other:signed`), /signature verification failed/);
      await world.policy("ours", `${registry}/team/more`);
      assert.equal(await world.copies(`${app}:signed`), "");
      assert.equal(await world.verifies(`${app}:signed`), "");
    });
  },
);

peerTest("notation takes subjects as the policy writes them", ["docker-registry", "verifiers"], async (t) => {
  await using world = await World.start();
  const cases: [name: string, subject: readonly (readonly [string, string])[], identity: RegExp][] = [
    ["every sign that is escaped", NAMED, /^x509\.subject: C=AT, ST=\\ Vienna, O=\\#Acme\\, .*, L=Übersee, CN=/],
    [
      "all that Go knows by name",
      [...ACME, ["2.5.4.9", "1 Way"], ["2.5.4.17", "1010"], ["OU", "X"], ["2.5.4.5", "7"]],
      /STREET=1 Way, POSTALCODE=1010, OU=X, SERIALNUMBER=7/,
    ],
    ["no country", [["ST", "Vienna"], ["O", "Acme"]], /^\*$/],
    ["a unit twice", [...ACME, ["OU", "a"], ["OU", "b"]], /^\*$/],
    ["a name that Go does not know", [...ACME, ["E", "a@example.com"]], /^\*$/],
    ["what looks like a number", [...ACME, ["L", "a=#b"]], /^\*$/],
  ];
  for (const [i, [name, subject, identity]] of cases.entries()) {
    await t.step(name, async () => {
      const image = `${world.registry}/team/app${i}`;
      await world.push(`${image}:v1`);
      await world.signer(`signer${i}`, subject);
      await world.sign(`signer${i}`, `${image}:v1`, ["notation"]);
      await world.policy(`signer${i}`, image, "--for", "notation", "--delegation", `signer${i}`);
      const { trustPolicies } = JSON.parse(await Deno.readTextFile(`${world.dir}/out/notation/trustpolicy.json`));
      assert.match(trustPolicies.at(-1).trustedIdentities[0], identity);
      assert.equal(await world.verifies(`${image}:v1`), "");
    });
  }
});

peerTest(
  "notation takes a certificate of a CA, and no other of the same CA",
  ["docker-registry", "verifiers"],
  async () => {
    await using world = await World.start();
    const image = `${world.registry}/team/app`;
    await world.push(`${image}:v1`);
    const { own, ca, privateKey } = await issuedByCa();
    await world.keep("ours", privateKeyPem(await crypto.subtle.exportKey("pkcs8", privateKey)), [own, ca]);
    await world.sign("ours", `${image}:v1`, ["notation"]);
    await Deno.writeTextFile(`${world.dir}/ca.pem`, certificatePem(ca));
    await Deno.writeTextFile(`${world.dir}/ours.crt`, certificatePem(own));
    await world.policy("ours", image, "--for", "notation", "--certificate-chain", "ca.pem");
    assert.equal(await world.verifies(`${image}:v1`), "");
    const path = `${world.dir}/out/notation/trustpolicy.json`;
    await Deno.writeTextFile(path, (await Deno.readTextFile(path)).replace("CN=Release", "CN=Somebody"));
    assert.match(await world.verifies(`${image}:v1`), /signature verification failed/);
  },
);

function privateKeyPem(pkcs8: ArrayBuffer): string {
  return formatPem("PRIVATE KEY", new Uint8Array(pkcs8));
}

/** A registry on plain http, signers, and a folder for policies. */
class World implements AsyncDisposable {
  readonly #cleanUp: AsyncDisposableStack;
  /** By their first words, with `IMAGE` for the image. */
  readonly #commands = new Map<string, string[]>();

  private constructor(readonly dir: string, readonly registry: string, cleanUp: AsyncDisposableStack) {
    this.#cleanUp = cleanUp;
  }

  static async start(): Promise<World> {
    await using cleanUp = new AsyncDisposableStack();
    const dir = await Deno.makeTempDir({ prefix: "tagseal-policy-" });
    cleanUp.defer(() => Deno.remove(dir, { recursive: true }));
    const [port] = freePorts(1);
    await Deno.writeTextFile(
      `${dir}/registry.yml`,
      JSON.stringify({
        version: 0.1,
        storage: { filesystem: { rootdirectory: `${dir}/registry` } },
        http: { addr: `127.0.0.1:${port}` },
      }),
    );
    const server = new Process("docker-registry", ["serve", `${dir}/registry.yml`], `${dir}/registry.log`);
    await cleanUp.use(server).waitUntil(async () => {
      const response = await fetch(`http://127.0.0.1:${port}/v2/`);
      await response.body?.cancel();
      return response.ok;
    });
    return new World(dir, `localhost:${port}`, cleanUp.move());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#cleanUp.disposeAsync();
  }

  /** Runs a program that must succeed; its standard output. */
  async run(name: Parameters<typeof verifier>[0], ...args: string[]): Promise<string> {
    const { error, stdout } = await this.#try(name, args);
    assert.equal(error, "", `${name} ${args.join(" ")}`);
    return stdout.trim();
  }

  /** Pushes an image of one layer that holds its own name. */
  async push(image: string): Promise<void> {
    await Deno.writeTextFile(`${this.dir}/layer`, image);
    await this.run("crane", "append", "-f", `${this.dir}/layer`, "-t", image);
  }

  /** Makes a key with a certificate, as each of the tools wants them. */
  async signer(name: string, attributes: readonly (readonly [string, string])[]): Promise<void> {
    const { certificateDer, privateKey } = await createSigningCertificate({
      commonName: "Release",
      algorithm: "ecdsa-p256",
      now: new Date(),
      days: 1000,
      attributes,
    });
    const pem = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
    await this.keep(name, pem, [readCertificate(certificateDer)]);
    const [key, prefix] = [`${this.dir}/${name}.pem`, `${this.dir}/${name}`];
    await this.run("cosign3", "import-key-pair", "--key", key, "--output-key-prefix", prefix, "-y");
  }

  /** Keeps a key and its certificates for notation. */
  async keep(name: string, privateKey: string, chain: readonly Certificate[]): Promise<void> {
    const [key, certificate] = [`${this.dir}/${name}.pem`, `${this.dir}/${name}.crt`];
    await Deno.writeTextFile(key, privateKey);
    await Deno.writeTextFile(certificate, chain.map(certificatePem).join(""));
    await Deno.mkdir(`${this.dir}/${name}/notation`, { recursive: true });
    const keys = { default: name, keys: [{ name, keyPath: key, certPath: certificate }] };
    await Deno.writeTextFile(`${this.dir}/${name}/notation/signingkeys.json`, JSON.stringify(keys));
  }

  /** Signs what a tag stands for. */
  async sign(name: string, image: string, tools: readonly string[] = ["cosign", "notation"]): Promise<void> {
    const digest = `${image.replace(/:[^:]*$/, "")}@${await this.run("crane", "digest", image)}`;
    if (tools.includes("cosign")) {
      const flags = [
        "--key",
        `${this.dir}/${name}.key`,
        "--tlog-upload=false",
        "--sign-container-identity",
        image,
        "-y",
      ];
      await this.run("cosign2", "sign", ...flags, digest);
    }
    const { error } = await this.#try("notation", ["sign", digest], { XDG_CONFIG_HOME: `${this.dir}/${name}` });
    assert.equal(error, "");
  }

  /** Writes the policy into the folder `out`. */
  async policy(name: string, repository: string, ...more: string[]): Promise<void> {
    const to = more.includes("--for") ? more : [...more, "--for", "podman,notation"];
    const flags = ["-r", repository, "--delegation-certificate", `${name}.crt`, "--output-dir", "out", "--json"];
    const { code, stderr, json } = await tagseal(["policy", ...flags, ...to], { cwd: this.dir });
    assert.equal(code, 0, stderr);
    const { verifiers } = json<{ verifiers: { commands: string[][] }[] }>();
    for (const words of verifiers.flatMap(({ commands }) => commands)) {
      this.#commands.set(words[0]!, words.map((word) => word.replace(`${repository}:TAG`, "IMAGE")));
    }
  }

  /** Why skopeo does not take an image, tried as the policy says; "" where it does. */
  async copies(image: string): Promise<string> {
    await Deno.remove(`${this.dir}/tagseal-try`, { recursive: true }).catch(() => {});
    const words = this.#commands.get("skopeo")!.map((word) => word.replace("IMAGE", image));
    words.splice(words.indexOf("copy") + 1, 0, "--src-tls-verify=false"); // the registry speaks plain http
    return (await this.#try("skopeo", words.slice(1))).error;
  }

  /** The same of notation. */
  async verifies(image: string): Promise<string> {
    const [, variable = "", notation, ...args] = this.#commands.get("env")!.map((word) => word.replace("IMAGE", image));
    assert.equal(notation, "notation");
    return (await this.#try("notation", args, Object.fromEntries([variable.split("=")]))).error;
  }

  async #try(name: Parameters<typeof verifier>[0], args: readonly string[], env: Record<string, string> = {}) {
    const output = await new Deno.Command(verifier(name), {
      args: [...args],
      cwd: this.dir,
      clearEnv: true,
      env: { PATH: Deno.env.get("PATH") ?? "", HOME: this.dir, COSIGN_PASSWORD: "", ...env },
      stdin: "null",
    }).output();
    const [stdout, stderr] = [output.stdout, output.stderr].map((bytes) => new TextDecoder().decode(bytes));
    return { error: output.code === 0 ? "" : `${output.code}: ${stderr}`, stdout: stdout! };
  }
}

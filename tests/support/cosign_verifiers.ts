/** The real verifiers of cosign signatures, and a registry as tagseal reaches it. @module */
import { formatPem } from "../../lib/bytes/pem.ts";
import { authorize } from "../../lib/http/auth.ts";
import { createSend } from "../../lib/http/network.ts";
import { openRepository, type RegistryRepository } from "../../lib/registry/repository.ts";
import type { CosignReader } from "../../lib/schemes/cosign/verify.ts";
import type { TestKey } from "./cosign.ts";
import { verifier } from "./peer_case.ts";

/** How many programs run at a time. */
export const AT_ONCE = 3;

/** The real verifiers, in a home of their own. */
export class Verifiers implements AsyncDisposable {
  readonly #policies = new Map<string, { readonly policy: string; readonly key: string }>();

  private constructor(private readonly dir: string, private readonly caPath: string | undefined) {}

  /** Starts nothing; makes the home. `caPath` is the CA of a registry that speaks TLS. */
  static async start(caPath?: string): Promise<Verifiers> {
    const dir = await Deno.makeTempDir({ prefix: "tagseal-verifiers-" });
    await Deno.mkdir(`${dir}/registries.d`);
    await Deno.writeTextFile(`${dir}/registries.d/all.yaml`, "default-docker: {use-sigstore-attachments: true}\n");
    return new Verifiers(dir, caPath);
  }

  /** Removes the home. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.dir, { recursive: true });
  }

  /** Whether a verifier accepts an image under a key; `more` are flags for it. */
  async accepts(reader: CosignReader, reference: string, key: TestKey, ...more: string[]): Promise<boolean> {
    const { policy, key: pub } = await this.#filesOf(key);
    if (reader !== "containers-image") {
      const ca = this.caPath === undefined ? [] : [`--registry-cacert=${this.caPath}`];
      const flags = ["verify", "--key", pub, "--insecure-ignore-tlog=true", ...ca, ...more];
      return await this.#run(verifier(reader === "cosign-2" ? "cosign2" : "cosign3"), [...flags, reference]);
    }
    const out = await Deno.makeTempDir({ dir: this.dir });
    const flags = ["--policy", policy, "--registries.d", `${this.dir}/registries.d`, "--tmpdir", this.dir, "copy"];
    const tls = this.caPath === undefined
      ? "--src-tls-verify=false"
      : `--src-cert-dir=${this.caPath.replace(/\/[^/]*$/, "")}`;
    return await this.#run(verifier("skopeo"), [...flags, tls, ...more, `docker://${reference}`, `dir:${out}`]);
  }

  async #run(program: string, args: readonly string[]): Promise<boolean> {
    const env = { HOME: this.dir, XDG_RUNTIME_DIR: this.dir, PATH: Deno.env.get("PATH") ?? "/usr/bin:/bin" };
    const child = new Deno.Command(program, {
      args: [...args],
      clearEnv: true,
      env,
      stdin: "null",
      stdout: "null",
      stderr: "null",
    });
    return (await child.output()).success;
  }

  async #filesOf({ key }: TestKey): Promise<{ readonly policy: string; readonly key: string }> {
    const known = this.#policies.get(key.id);
    if (known) return known;
    const files = { policy: `${this.dir}/${key.id}.json`, key: `${this.dir}/${key.id}.pub` };
    this.#policies.set(key.id, files);
    const signed = [{ type: "sigstoreSigned", keyPath: files.key }];
    Deno.writeTextFileSync(files.key, formatPem("PUBLIC KEY", key.spki));
    Deno.writeTextFileSync(
      files.policy,
      JSON.stringify({ default: [{ type: "reject" }], transports: { docker: { "": signed } } }),
    );
    return await Promise.resolve(files);
  }
}

/** The registry as tagseal reaches it; only what it waits for between two writes is shorter. */
export class Registry implements Disposable {
  readonly #connection;
  readonly #url: URL;

  /** At `url`; `caPem` is its CA. */
  constructor(url: string, caPem?: string) {
    this.#connection = createSend(caPem === undefined ? {} : { caCerts: [caPem] });
    this.#url = new URL(url);
  }

  /** One of its repositories. */
  repository(path: string): RegistryRepository {
    const service = authorize(this.#connection.send, { service: "registry", allowHttp: true, remedy: "none" });
    const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms / 20));
    return openRepository({ service, url: this.#url, path, access: "push,pull", sleep });
  }

  /** Ends its connections. */
  [Symbol.dispose](): void {
    this.#connection.close();
  }
}

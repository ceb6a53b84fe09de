/**
 * A machine and its servers for tests of commands: a home folder, a work folder, and a registry, a Notary server and a
 * SignPath service in memory, on one host.
 *
 * Every run is watched: no secret may show in what it prints, no temporary file may stay, and after a failure the folders
 * must be as they were, but for the copy of trust data (which may only follow what was verified) and for what is kept of
 * signing requests that go on.
 *
 * @module
 */
import assert from "node:assert/strict";
import { type Bytes, utf8 } from "../../lib/bytes/bytes.ts";
import type { Host } from "../../lib/cli/host.ts";
import { sha256Hex } from "../../lib/crypto/hash.ts";
import type { SendOptions } from "../../lib/http/network.ts";
import type { Send } from "../../lib/http/send.ts";
import {
  createSigningCertificate,
  type SigningAlgorithm,
  type SigningCertificate,
  type SigningCertificateRequest,
} from "../../lib/local/certificates.ts";
import { pushTinyImage } from "../../lib/local/image.ts";
import { createNotaryServer, type NotaryServerOptions } from "../../lib/local/notary_server.ts";
import { createRegistry, type RegistryOptions } from "../../lib/local/registry.ts";
import { fileSigningKey } from "../../lib/local/signpath_keys.ts";
import type { PayloadExtension } from "../../lib/signing/signing_data.ts";
import type { LocalProject } from "../../lib/local/signpath_policies.ts";
import {
  createSignPathService,
  type SignPathService,
  type SignPathServiceOptions,
} from "../../lib/local/signpath_service.ts";
import { type Outcome, tagseal } from "./run.ts";
import { signingCertificate } from "./rsa_keys.ts";

/** The passphrases that every run has in its variables. */
export const PASSPHRASES = { root: "correct horse battery", targets: "staple tests in time" } as const;

/** The servers that a story is told on. */
export interface Peers {
  /** Host of the registry, for names of repositories. */
  readonly host: string;
  /** Address of SignPath's API. */
  readonly apiUrl: string;
  /** SignPath: organization. */
  readonly organizationId: string;
  /** SignPath: token. */
  readonly apiToken: string;
  /** The certificate of SignPath's key (DER). */
  readonly certificate: Bytes;
  /** The certificate of the key of the policy `other-signing` (DER), where there is one. */
  readonly otherCertificate?: Bytes;
  /** SignPath itself. */
  readonly signPath: SignPathService;
  /** The CA of their TLS certificate, where it takes one. */
  readonly caPem?: string;
  /** The way to all of them. */
  connect(options: SendOptions): { send: Send; close(): void };
}

/** What is special about the servers. */
export interface PeerOptions {
  /** Guards the Notary server. */
  readonly notary?: NotaryServerOptions["authorize"];
  /** Guards the registry. */
  readonly registry?: RegistryOptions["authorize"];
  /** Answers what no server does: `/token`. */
  readonly elsewhere?: Send;
  /** What SignPath's artifact configuration signs; all unless given. */
  readonly signs?: readonly PayloadExtension[];
  /** SignPath's token; a random one unless given. */
  readonly apiToken?: string;
  /** The kind of SignPath's key. */
  readonly algorithm?: SigningAlgorithm;
  /** The servers' clock. */
  readonly now?: () => Date;
  /** How long SignPath's certificate lasts, in days; a year unless given. */
  readonly days?: number;
}

const OTHERS = new Map<string, Promise<SigningCertificate>>();

/** Another key's certificate, the same in all stories of a kind and a day: hardly one of them looks at it. */
function otherCertificate(request: SigningCertificateRequest): Promise<SigningCertificate> {
  const kind = `${request.algorithm} ${request.now.toISOString().slice(0, 10)}`;
  const made = OTHERS.get(kind) ?? createSigningCertificate(request);
  OTHERS.set(kind, made);
  return made;
}

/** SignPath's organization, its projects, and the certificates of its keys. */
export async function newSignPath(
  {
    apiToken = `token-of-ci-${crypto.randomUUID()}`,
    algorithm = "ecdsa-p256",
    now = () => new Date(),
    days = 365,
    signs,
  }: PeerOptions,
): Promise<
  { readonly signPath: SignPathServiceOptions; readonly certificates: Pick<Peers, "certificate" | "otherCertificate"> }
> {
  const certified = { algorithm, now: now() };
  const own = await signingCertificate({ ...certified, commonName: "Docker signing (test)", days });
  const other = await otherCertificate({ ...certified, commonName: "Another key (test)", days: 5000 });
  const policy = (slug: string, approval: "automatic" | "manual", { privateKey, certificateDer } = own) => ({
    slug,
    approval,
    key: fileSigningKey(privateKey),
    certificate: certificateDer,
  });
  const policies = [
    policy("release-signing", "automatic"),
    policy("release-signing-with-approval", "manual"),
    policy("other-signing", "automatic", other),
  ];
  const projects: LocalProject[] = [
    { slug: "demo-images", policies },
    { slug: "demo-hashes", kind: "hash-signing-data", policies: policies.slice(0, 1) },
  ];
  const organizationId = crypto.randomUUID();
  return {
    signPath: { organizationId, token: apiToken, now, projects, ...(signs ? { signs } : {}) },
    certificates: { certificate: own.certificateDer, otherCertificate: other.certificateDer },
  };
}

/** Servers in memory, on `https://localhost:5000`. */
export async function peersInMemory(options: PeerOptions = {}): Promise<Peers> {
  const now = options.now ?? (() => new Date());
  const { signPath: own, certificates } = await newSignPath(options);
  const signPath = createSignPathService(own);
  const notary = createNotaryServer({ now, ...(options.notary ? { authorize: options.notary } : {}) });
  const registry = createRegistry(options.registry ? { authorize: options.registry } : {});
  const send: Send = (request) => {
    const { pathname } = new URL(request.url);
    if (pathname.startsWith("/API/")) return signPath.handle(request);
    if (pathname.includes("/_trust/")) return notary.handle(request);
    if (pathname.startsWith("/v2/")) return registry.handle(request);
    return options.elsewhere?.(request) ?? Promise.resolve(new Response(null, { status: 404 }));
  };
  return {
    host: "localhost:5000",
    apiUrl: "https://localhost:5000/API",
    organizationId: own.organizationId,
    apiToken: own.token,
    ...certificates,
    signPath,
    connect: () => ({ send, close() {} }),
  };
}

/** How one command is run. */
export interface StoryRun {
  /** Variables beside the story's; an empty one is not set. */
  readonly env?: Readonly<Record<string, string>>;
  /** Parts of the host. */
  readonly host?: Partial<Host>;
  /** Ctrl-C. */
  readonly signal?: AbortSignal;
  /** The copy of trust data may not change either, as nothing is verified. */
  readonly cacheStays?: boolean;
  /** New key files may stay, as a server may trust them. */
  readonly keysMayStay?: boolean;
  /** All files may change, as what is written tells of the failure, or as a server fails once it has done its work. */
  readonly filesMayChange?: boolean;
}

/** A machine with its servers. */
export class Story implements AsyncDisposable {
  /** The repository of the story. */
  readonly gun: string;
  /** What must never be printed. */
  readonly secrets: string[];
  readonly #running = new Set<{ isAlone: boolean }>();
  /** Every call that left the machine: `GET /v2/…`. */
  readonly calls: string[] = [];
  /** The calls that have changed something; an upload that is begun and given up does not. */
  readonly writes = (): string[] =>
    this.calls.filter((call) =>
      /^(PUT|POST|PATCH|DELETE) \/v2\//.test(call) && !/^(POST|DELETE) .*\/blobs\/uploads\/[^/]*$/.test(call)
    );
  /** Stands between the machine and the servers. */
  between: (request: Request, send: Send) => Promise<Response> = (request, send) => send(request);
  /** The variables of every run. */
  env: Record<string, string>;

  private constructor(readonly peers: Peers, readonly folder: string) {
    this.gun = `${peers.host}/demo/app`;
    this.secrets = [...Object.values(PASSPHRASES), peers.apiToken];
    this.env = {
      HOME: `${folder}/home`,
      NOTARY_ROOT_PASSPHRASE: PASSPHRASES.root,
      NOTARY_TARGETS_PASSPHRASE: PASSPHRASES.targets,
      SIGNPATH_API_URL: peers.apiUrl,
      SIGNPATH_API_TOKEN: peers.apiToken,
      SIGNPATH_ORGANIZATION_ID: peers.organizationId,
      SIGNPATH_PROJECT_SLUG: "demo-images",
      SIGNPATH_SIGNING_POLICY_SLUG: "release-signing",
    };
  }

  /** A machine without anything on it but SignPath's certificate, as `signpath.cer`; in `dir`, or among temporary files. */
  static async begin(peers?: Peers, dir?: string): Promise<Story> {
    const folder = await Deno.makeTempDir({ prefix: "tagseal-story-", ...(dir === undefined ? {} : { dir }) });
    const story = new Story(peers ?? await peersInMemory(), folder);
    await Deno.mkdir(`${folder}/home`);
    await Deno.mkdir(story.work);
    await Deno.writeFile(story.path("signpath.cer"), story.peers.certificate);
    return story;
  }

  /** A machine with an initialised repository, its delegation, and the images `v1` and `v2` pushed. */
  static async readyToSign(peers?: Peers): Promise<Story> {
    const story = await Story.begin(peers);
    await story.push("v1");
    await story.push("v2");
    await story.succeed(["init", "-r", story.gun, "--delegation-certificate", "signpath.cer"]);
    story.calls.length = 0;
    return story;
  }

  /** The folder that commands run in. */
  get work(): string {
    return `${this.folder}/work`;
  }

  /** Docker's trust directory. */
  get trust(): string {
    return `${this.folder}/home/.docker/trust`;
  }

  /** A file in the work folder. */
  path(name: string): string {
    return `${this.work}/${name}`;
  }

  /** Builds and pushes an image; its digest. */
  async push(tag: string, content: string = tag, path: string = "demo/app"): Promise<string> {
    const { connect, caPem } = this.peers;
    const { send, close } = connect(caPem === undefined ? {} : { caCerts: [caPem] });
    try {
      return await pushTinyImage(send, new URL(`https://${this.peers.host}`), path, tag, content);
    } finally {
      close();
    }
  }

  /** Sets another repository up, with the delegation `signpath` and the image `v1` pushed; its name. */
  async another(path: string, certificate: string = "signpath.cer"): Promise<string> {
    const gun = `${this.peers.host}/${path}`;
    await this.push("v1", "v1", path);
    await this.succeed(["init", "-r", gun, "--delegation-certificate", certificate]);
    return gun;
  }

  /** Runs a command, and checks what holds for every run. */
  async run(args: readonly string[], run: StoryRun = {}): Promise<Outcome> {
    const self = { isAlone: this.#running.size === 0 };
    for (const other of this.#running) other.isAlone = false;
    this.#running.add(self);
    const before = await this.files();
    const env = Object.fromEntries(Object.entries({ ...this.env, ...run.env }).filter(([, value]) => value !== ""));
    const outcome = await tagseal(args, {
      env,
      cwd: this.work,
      ...(run.signal ? { signal: run.signal } : {}),
      network: (options) => {
        const { send, close } = this.peers.connect(options);
        const watched: Send = (request) => {
          this.calls.push(`${request.method} ${new URL(request.url).pathname}`);
          return this.between(request, send);
        };
        return { send: watched, close };
      },
      host: {
        sleep: () => new Promise((resolve) => setTimeout(resolve, 0)),
        ...run.host,
      },
    });
    const after = await this.files();
    this.#running.delete(self);
    // Another run may be at its own in this moment.
    const left = self.isAlone ? [...after.keys()].filter((path) => path.includes(".tmp")) : [];
    assert.deepEqual(left, [], "temporary files stay");
    this.#watch(args, outcome, before, after, run);
    return outcome;
  }

  /** Runs a command that must succeed. */
  async succeed(args: readonly string[], run: StoryRun = {}): Promise<Outcome> {
    const outcome = await this.run(args, run);
    assert.equal(outcome.code, 0, `tagseal ${args.join(" ")}\n${outcome.stderr}`);
    return outcome;
  }

  /** Runs a command that must end with `code`, saying all of `words` on stderr and nothing on stdout. */
  async fail(code: number, args: readonly string[], words: readonly string[], run: StoryRun = {}): Promise<Outcome> {
    const outcome = await this.run(args, run);
    assert.equal(outcome.code, code, `tagseal ${args.join(" ")}\n${outcome.stderr}`);
    assert.equal(outcome.stdout, "", "results only on stdout");
    assert.match(outcome.stderr, /^tagseal: error: \S.*[^.\n]\ntagseal: next: \S.*[^.\n]\n$/m);
    for (const word of words) {
      assert.ok(outcome.stderr.includes(word), `"${word}" is not in what ${args[0]} says:\n${outcome.stderr}`);
    }
    return outcome;
  }

  /** All files of the machine, with a hash of their content, by path. */
  async files(): Promise<Map<string, string>> {
    const found = new Map<string, string>();
    const walk = async (path: string): Promise<void> => {
      for await (const { name, isDirectory } of Deno.readDir(path)) {
        const full = `${path}/${name}`;
        if (isDirectory) await walk(full);
        else {
          const bytes = await Deno.readFile(full).catch((error) => {
            // Another run beside this one has put it where it belongs.
            if (!(error instanceof Deno.errors.NotFound) || !name.endsWith(".tmp")) throw error;
          });
          if (bytes) found.set(full.slice(this.folder.length + 1), sha256Hex(bytes));
        }
      }
    };
    await walk(this.folder);
    return found;
  }

  /** The names of the key files. */
  async keys(): Promise<string[]> {
    const names = [...(await this.files()).keys()].filter((path) =>
      /^home\/\.docker\/trust\/private\/.*\.key$/.test(path)
    );
    return names.map((path) => path.slice(path.lastIndexOf("/") + 1)).sort();
  }

  /** How many signing requests there are. */
  get signingRequests(): number {
    return this.peers.signPath.requests().length;
  }

  /** How often something was published, or tried to. */
  get posts(): number {
    return this.calls.filter((call) => /^POST .*\/_trust\/tuf\/$/.test(call)).length;
  }

  #watch(
    args: readonly string[],
    { code, stdout, stderr }: Outcome,
    before: ReadonlyMap<string, string>,
    after: ReadonlyMap<string, string>,
    run: StoryRun,
  ): void {
    for (const secret of this.secrets) {
      assert.ok(!`${stdout}${stderr}`.includes(secret), `a secret shows: tagseal ${args.join(" ")}`);
    }
    // deno-lint-ignore no-control-regex -- GitLab's own marks
    const marks = /^\x1b\[0Ksection_(?:start|end):\d+:[\w.-]+\r\x1b\[0K/gm;
    assert.doesNotMatch(
      run.env?.["GITLAB_CI"] ? `${stdout}${stderr.replaceAll(marks, "")}` : `${stdout}${stderr}`,
      /[^\P{Cc}\n]|[\u202a-\u202e]/u,
      "a control character shows",
    );
    if (args.includes("--json") && !args.includes("--help")) {
      assert.equal(typeof JSON.parse(stdout), "object");
      assert.equal(stdout.indexOf("\n"), stdout.length - 1, "one document, on one line");
    }
    if (code === 0 || run.filesMayChange) return;
    const kept = (files: ReadonlyMap<string, string>) =>
      [...files].filter(([path]) => run.cacheStays || !path.startsWith("home/.docker/trust/tuf/"))
        .filter(([path]) => !path.endsWith("/private/.tagseal.lock") && !path.endsWith(".tmp"))
        .filter(([path]) => !path.startsWith("home/.docker/trust/signing-requests/"))
        .filter(([path]) => !run.keysMayStay || !path.startsWith("home/.docker/trust/private/"));
    assert.deepEqual(
      kept(after),
      kept(before),
      `files changed, although it failed: tagseal ${args.join(" ")}\n${stderr}`,
    );
  }

  /** Removes the machine. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.folder, { recursive: true });
  }
}

/** Writes `content` to a file in the story's work folder; its name. */
export async function given(story: Story, name: string, content: string | Uint8Array): Promise<string> {
  await Deno.mkdir(story.path(name).replace(/\/[^/]*$/, ""), { recursive: true });
  await Deno.writeFile(story.path(name), typeof content === "string" ? utf8(content) : content);
  return name;
}

/** The folders show the architecture; this proves that imports keep to it. */
import assert from "node:assert/strict";

/** Rooms by layer; a room may import rooms of lower layers, never one of its own layer or above. */
const LAYERS: readonly (readonly string[])[] = [
  ["lib/next_step.ts", "lib/version.ts", "tagseal.schema.json"],
  ["lib/errors.ts"],
  ["lib/bytes"],
  ["lib/crypto", "lib/files", "lib/http"],
  ["lib/tuf", "lib/keystore", "lib/registry", "lib/signpath", "lib/updates"],
  ["lib/notary", "lib/releases"],
  ["lib/signing"],
  ["lib/schemes"],
  ["lib/flows", "lib/local"],
  ["lib/cli", "lib/library"],
  ["tasks", "mod.ts"],
];

/** Where concrete adapters are chosen: network, files and keys come in here and nowhere else above layer 4. */
const COMPOSITION = [
  "lib/cli/session.ts",
  "lib/cli/self_update.ts",
  "lib/cli/host.ts",
  "lib/cli/job_summary.ts",
  "lib/cli/docker_folder.ts",
  "lib/cli/token.ts",
  "lib/cli/policy_folder.ts",
  "lib/cli/signing.ts",
  "lib/cli/trust_dir.ts",
  "lib/library/connection.ts",
  "lib/library/credentials.ts",
  "lib/library/keys.ts",
  "lib/local/stack_data.ts",
  "lib/local/stack_identity.ts",
  "tasks/demo.ts",
  "tasks/build_pkcs11.ts",
  "tasks/bundle.ts",
  "tasks/bundler.ts",
  "tasks/parts.ts",
  "tasks/releases/",
  "tasks/sync.ts",
];
const ADAPTERS = [
  "lib/files/files.ts",
  "lib/keystore/file_keystore.ts",
  "lib/keystore/pkcs11_keystore.ts",
  "lib/notary/file_metadata_store.ts",
  "lib/updates/kept_floors.ts",
];

/** The only files that touch network, file system, variables or streams of the machine. */
const GLOBALS = new Map<string, RegExp>([
  ["lib/http/network.ts", /fetch|createHttpClient|HttpClient/],
  ["lib/files/lock.ts", /mkdir|FsFile/],
  ["lib/files/open.ts", /open|FsFile|FileInfo|OpenOptions|stat|realPath|errors/],
  ["lib/files/folder_health.ts", /DirEntry|FileInfo/],
  ["lib/files/names.ts", /build/],
  ["lib/files/nearest.ts", /FileInfo|uid/],
  ["lib/files/pipe.ts", /open|stat/],
  ["lib/files/files.ts", /mkdir|open|FsFile|FileInfo|DirEntry|rename|link|remove|readDir|stat|errors/],
  ["lib/files/replace.ts", /build|chmod|copyFile|link|realPath|rename|stat/],
  ["lib/keystore/file_keystore.ts", /stat/],
  ["lib/registry/helper_process.ts", /Command|ChildProcess|errors/],
  ["lib/registry/host_tls.ts", /readDir|errors/],
  ["lib/cli/form.ts", /build|cwd|env|execPath|version/],
  ["lib/cli/host.ts", /cwd|stdin|stderr|env/],
  ["lib/local/stack.ts", /serve|HttpServer|NetAddr/],
  ["tasks/build_pkcs11.ts", /Command|env|errors|stderr|exit/],
  ["tasks/public_names.ts", /Command/],
  ["tasks/sync.ts", /writeTextFile/],
  ["tasks/bundle.ts", /stderr|exit/],
  ["tasks/bundler.ts", /Command|build|errors|execPath|readDirSync|version/],
  ["tasks/parts.ts", /readDirSync/],
  ["tasks/releases/build.ts", /execPath|version/],
  ["tasks/releases/compile.ts", /build/],
  ["tasks/releases/compiler.ts", /env|utimeSync|version/],
  ["tasks/releases/main.ts", /addSignalListener|args|env|exit|stderr|stdout/],
  ["tasks/releases/publisher.ts", /mkdir/],
  ["tasks/releases/release.ts", /rename/],
  ["tasks/releases/sources.ts", /Command|env/],
  ["tasks/single_file.ts", /version|exit|args|readTextFileSync|cwd/], // in the text that it writes
  ["tasks/main.ts", /args|build|consoleSize|env|errors|exit|stdout|stderr|Signal/],
]);

/** Modules of the platform that compute and touch nothing. */
const PURE = /^node:(buffer|crypto|path|url|util|zlib)$/;

/** The only files that use other modules of the platform. */
const PLATFORM = new Map<string, RegExp>([
  ["lib/cli/prompts.ts", /process|readline/],
  ["lib/keystore/pkcs11_addon.ts", /module/],
  ["lib/local/certificates.ts", /net/],
  ["lib/local/database.ts", /process|sqlite/],
  ["lib/updates/follow.ts", /stream/],
]);

/** Where the project lies does not change while a program runs. */
const MEMORIES = new Set(["lib/files/open.ts"]);

interface Module {
  readonly file: string;
  readonly imports: readonly string[];
}

const root = new URL("../", import.meta.url);

async function modules(): Promise<Module[]> {
  const { exports } = JSON.parse(await Deno.readTextFile(new URL("deno.json", root)));
  const entries = [
    ...Object.values<string>(exports),
    "tasks/main.ts",
    "tasks/build_pkcs11.ts",
    "tasks/bundle.ts",
    "tasks/releases/main.ts",
    "tasks/sync.ts",
  ];
  const found = new Map<string, Module>();
  for (const entry of entries) {
    const { stdout } = await new Deno.Command(Deno.execPath(), { args: ["info", "--json", entry], cwd: root }).output();
    const graph: {
      modules: {
        specifier: string;
        dependencies?: { code?: { specifier: string }; type?: { specifier: string } }[];
      }[];
    } = JSON.parse(new TextDecoder().decode(stdout));
    for (const { specifier, dependencies = [] } of graph.modules) {
      const file = local(specifier);
      const imports = dependencies.flatMap(({ code, type }) => local(code?.specifier ?? type?.specifier ?? "") ?? []);
      if (file) found.set(file, { file, imports });
    }
  }
  return [...found.values()];
}

function local(specifier: string): string | undefined {
  return specifier.startsWith(root.href) ? specifier.slice(root.href.length) : undefined;
}

function roomOf(file: string): string {
  return file.startsWith("lib/") && file.split("/").length > 2 ? file.split("/").slice(0, 2).join("/") : (
    file.startsWith("tasks/") ? "tasks" : file
  );
}

function layerOf(file: string): number {
  const layer = LAYERS.findIndex((rooms) => rooms.includes(roomOf(file)));
  assert.notEqual(layer, -1, `"${file}" is in no room`);
  return layer;
}

const all = await modules();

Deno.test("architecture: every source file is part of the program or the library", async () => {
  const reached = new Set(all.map(({ file }) => file));
  const files: string[] = [];
  for (const folder of ["lib", "tasks"]) await walk(folder, files);
  assert.deepEqual(files.filter((file) => !reached.has(file)), []);
  assert.ok(files.length > 40);
});

Deno.test("architecture: imports only point downhill", () => {
  const uphill = all.flatMap(({ file, imports }) =>
    imports.filter((target) => roomOf(target) !== roomOf(file) && layerOf(target) >= layerOf(file))
      .map((target) => `${file} -> ${target}`)
  );
  assert.deepEqual(uphill, []);
});

Deno.test("architecture: signers know nothing of Notary, schemes nothing of SignPath or of each other", () => {
  const schemeOf = (file: string) => /^lib\/schemes\/([^/]+)\//.exec(file)?.[1];
  const forbidden = (file: string, target: string) =>
    file.startsWith("lib/signing/") && target.startsWith("lib/notary/") ||
    file.startsWith("lib/schemes/") && target.startsWith("lib/signpath/") ||
    schemeOf(file) !== undefined && schemeOf(target) !== undefined && schemeOf(file) !== schemeOf(target);
  const found = all.flatMap(({ file, imports }) =>
    imports.filter((target) => forbidden(file, target)).map((target) => `${file} -> ${target}`)
  );
  assert.deepEqual(found, []);
  assert.ok(forbidden("lib/schemes/cosign/a.ts", "lib/schemes/notation/b.ts"));
});

Deno.test("architecture: what scripts may count on is named one by one", async () => {
  const source = await Deno.readTextFile(new URL("mod.ts", root));
  assert.doesNotMatch(source, /^export \*/m, "names of the inside go into the mod.ts of their room");
});

Deno.test("architecture: no file remembers anything for longer than whoever called it", async () => {
  const memory = /^(?:export )?(?:let |const \w+(?:: [^=]+)? = new (?:Weak)?(?:Map|Set)(?:<[^(]*>)?\(\))/m;
  assert.match("const known = new WeakMap<Send, Set<string>>();", memory);
  assert.match("let loaded: Addon | undefined;", memory);
  const found: string[] = [];
  for (const { file } of all) {
    if (!MEMORIES.has(file) && memory.test(await Deno.readTextFile(new URL(file, root)))) found.push(file);
  }
  assert.deepEqual(found, []);
});

/** The files that an entry loads at once, packages as they are named. */
async function loadedBy(entry: string): Promise<string[]> {
  const { stdout } = await new Deno.Command(Deno.execPath(), { args: ["info", "--json", entry], cwd: root }).output();
  const graph: {
    modules: {
      specifier: string;
      dependencies?: { isDynamic?: boolean; code?: { specifier: string } }[];
    }[];
  } = JSON.parse(new TextDecoder().decode(stdout));
  const atOnce = new Map(
    graph.modules.map(({ specifier, dependencies = [] }) =>
      [specifier, dependencies.flatMap(({ isDynamic, code }) => isDynamic || !code ? [] : code.specifier)] as const
    ),
  );
  const loaded = new Set<string>();
  const load = (specifier: string) => {
    if (loaded.has(specifier)) return;
    loaded.add(specifier);
    atOnce.get(specifier)?.forEach(load);
  };
  load(new URL(entry, root).href);
  return [...loaded].flatMap((specifier) => local(specifier) ?? []);
}

Deno.test("architecture: whoever signs for content trust alone does not load what the other schemes take", async () => {
  const others = /^lib\/schemes\/(?:cosign|notation)\/|^lib\/schemes\/jobs\.ts$/;
  // The choices of a flag stand beside what they mean.
  const choices = "lib/schemes/cosign/forms.ts";
  for (const task of ["sign", "push", "signing_data", "verify"]) {
    const files = await loadedBy(`tasks/${task}.ts`);
    assert.ok(files.length > 50, "it is the whole of the command");
    assert.deepEqual(files.filter((file) => others.test(file) && file !== choices), [], task);
  }
});

Deno.test("architecture: a shell that asks for known names waits for no cryptography and no signing", async () => {
  const files = await loadedBy("lib/cli/known.ts");
  assert.ok(files.includes("lib/notary/kept_names.ts"));
  assert.deepEqual(files.filter((file) => /^lib\/(?:crypto|keystore|schemes|signing)\//.test(file)), []);
});

Deno.test("architecture: who has no project file waits for nothing that reads one", async () => {
  const reads = /project_(?:reader|mistakes|secrets|rules)\.ts$|tagseal\.schema\.json$/;
  assert.deepEqual((await loadedBy("tasks/main.ts")).filter((file) => reads.test(file)), []);
  assert.ok((await loadedBy("lib/cli/project_reader.ts")).filter((file) => reads.test(file)).length === 5);
});

Deno.test("architecture: no file leads back to itself", () => {
  const imports = new Map(all.map(({ file, imports }) => [file, imports]));
  const done = new Set<string>();
  const cycles: string[] = [];
  const visit = (file: string, way: readonly string[]) => {
    const at = way.indexOf(file);
    if (at >= 0) cycles.push([...way.slice(at), file].join(" -> "));
    if (at >= 0 || done.has(file)) return;
    for (const target of imports.get(file) ?? []) visit(target, [...way, file]);
    done.add(file);
  };
  for (const { file } of all) visit(file, []);
  assert.deepEqual(cycles, []);
});

Deno.test("architecture: use cases and commands reach files and keys through interfaces", () => {
  const direct = all.filter(({ file }) =>
    layerOf(file) >= layerOf("lib/schemes/") && !COMPOSITION.some((place) => file.startsWith(place)) &&
    file !== "mod.ts"
  )
    .flatMap(({ file, imports }) =>
      imports.filter((target) => ADAPTERS.includes(target)).map((target) => `${file} -> ${target}`)
    );
  assert.deepEqual(direct, []);
});

Deno.test("architecture: the embedded stack is used by its own commands only", () => {
  const users = all.filter(({ file, imports }) =>
    roomOf(file) !== "lib/local" && imports.some((target) => roomOf(target) === "lib/local")
  );
  assert.deepEqual(users.map(({ file }) => file).sort(), ["tasks/demo.ts", "tasks/local.ts"]);
});

Deno.test("architecture: no agent loads what makes and signs releases", () => {
  const isTool = (file: string) => /^(?:lib|tasks)\/releases\//.test(file);
  const users = all.filter(({ file, imports }) => !isTool(file) && imports.some(isTool));
  assert.deepEqual(users.map(({ file }) => file), []);
  assert.ok(all.filter(({ file }) => isTool(file)).length > 5);
});

Deno.test("architecture: the machine is touched in a few named places", async () => {
  for (const { file } of all) {
    const source = (await Deno.readTextFile(new URL(file, root))).replaceAll(/\/\*[^]*?\*\/|\/\/.*/g, "");
    const used = [...source.matchAll(/\bDeno\.(\w+)|[^.\w](fetch)\(/g)].map((match) => match[1] ?? match[2]!);
    const allowed = GLOBALS.get(file);
    assert.deepEqual(used.filter((name) => !allowed?.test(name)), [], file);
    const modules = [...source.matchAll(/\bfrom "(node:[^"]+)"|import\("(node:[^"]+)"\)/g)].map((m) => m[1] ?? m[2]!);
    const others = modules.filter((name) => !PURE.test(name) && !PLATFORM.get(file)?.test(name));
    assert.deepEqual(others, [], file);
    if (file !== "lib/http/jitter.ts") assert.doesNotMatch(source, /Math\.random/, file);
  }
});

Deno.test("architecture: trust decisions know neither clock nor network nor files", async () => {
  const pure = all.filter(({ file }) => /^lib\/(bytes|crypto|tuf)\//.test(file));
  assert.ok(pure.length > 15);
  for (const { file } of pure) {
    const source = (await Deno.readTextFile(new URL(file, root))).replaceAll(/\/\*[^]*?\*\/|\/\/.*/g, "");
    assert.doesNotMatch(source, /Date\.now|new Date\(\)|\bDeno\.|\bfetch\(|setTimeout/, file);
  }
});

/**
 * What must travel in types: decisions by the words or the loose facts of an error. Each place that reads foreign words,
 * or that only shows what it reads, is named with its reason.
 */
const WORDS = [
  /\bdetails(?:\?\.|!\.|\.|\?\.?\[|\[)["\w]/,
  /(?<!\.)\.details\b/,
  /\bdetails:\s*\{[^{}]*\}[^{}]*\}\s*=(?![=>])/,
  /(?:\bmessage|messageOf\([^()]*\))!?\??\.(?:includes|startsWith|endsWith|match|matchAll|search|indexOf|replace|replaceAll)\(/,
  /\.(?:test|exec)\([^;)]*(?:\bmessage\b|messageOf)/,
  /(?:\.message|messageOf\([^()]*\)|\.remedy)\s*[=!]==?/,
  /\.cause\b(?!\s*[,}])/,
];
const READS_WORDS = new Map<string, string>([
  ["lib/errors.ts", "makes details, and takes the runtime's advice out of every message"],
  ["lib/http/failures.ts", "the runtime gives no codes: its words become reasons here and nowhere else"],
  ["lib/http/send.ts", "takes a failure out of the proxy's wrapping"],
  ["lib/bytes/redaction.ts", "takes secrets out of an error's facts as out of its words"],
  ["lib/http/auth.ts", "hands the facts of a helper's failure on"],
  ["lib/files/open.ts", "takes the call and the path out of the platform's words, to be shown"],
  ["lib/notary/doubt.ts", "hands the facts of a failure on"],
  ["lib/notary/repository.ts", "hands the facts of a failure on, its own last"],
  ["lib/keystore/pkcs11_failures.ts", "the addon throws codes as words"],
  ["lib/registry/manifest_type.ts", "shows the parser's words in single quotes"],
  ["lib/local/signpath_refusals.ts", "details are those of a server's own refusal"],
  ["lib/cli/signing_file.ts", "says a reader's words of the file whose name it knows"],
  ["lib/cli/report.ts", "shows all of an error, the chain of its causes as well"],
]);

function readsWords(source: string): string[] {
  const code = source.replaceAll(/\/\*[^]*?\*\/|\/\/.*/g, "");
  return WORDS.flatMap((pattern) => pattern.exec(code)?.[0] ?? []);
}

Deno.test("architecture: nothing is decided by the words of an error, by its loose details or by its cause", async () => {
  const found = new Map<string, string[]>();
  for (const { file } of all) {
    const words = readsWords(await Deno.readTextFile(new URL(file, root)));
    if (words.length > 0) found.set(file, words);
  }
  assert.deepEqual([...found].filter(([file]) => !READS_WORDS.has(file)), []);
  assert.deepEqual([...READS_WORDS.keys()].filter((file) => !found.has(file)), [], "an exception that nobody needs");
});

Deno.test("architecture: every way of deciding by words is found", () => {
  const rows = [
    'if (error.details["status"] === 404) return;',
    "if (error.details.sent === false) return;",
    "const { status } = error.details;",
    "const { reason } = isTagsealError(error) ? error.details : {};",
    'const { details } = error;\nif (details["skippable"]) return;',
    "const { details: { status } } = error;\nreturn status;",
    'if (error.message.includes("expired")) return;',
    'if (messageOf(error).startsWith("The")) return;',
    "if (/expired/.test(error.message)) return;",
    "const [code] = /CKR_(\\w+)/.exec(messageOf(error)) ?? [];",
    'return error.message === "x";',
    'return messageOf(error) !== "x";',
    'if (error.remedy === "Again") return;',
    "return error.cause instanceof SyntaxError;",
    'const { message } = error;\nreturn message.match("x");',
  ];
  for (const row of rows) assert.notDeepEqual(readsWords(row), [], row);
  const innocent = [
    'throw new TagsealError("stale", `${error.message}. Again`, { remedy: error.remedy, details: { role }, cause: error });',
    "const said = messageOf(error);",
    'if (error.reason === "denied" || error.call?.status === 404) return;',
    "// error.message.includes(x) is what nobody does",
  ];
  for (const row of innocent) assert.deepEqual(readsWords(row), [], row);
});

/**
 * `deno test --parallel` runs files as threads of one process. Its environment is all tests' environment; and a PKCS#11
 * module brings libraries that die when a thread which used them ends while the process does.
 */
Deno.test("architecture: no test changes its own process: neither its environment nor what is loaded into it", async () => {
  const files: string[] = [];
  await walk("tests", files);
  const programs: string[] = [];
  for (const file of files) {
    const text = await Deno.readTextFile(new URL(file, root));
    assert.doesNotMatch(text, /^(?!.*doesNotMatch).*Deno\.(env\.(set|delete)|chdir)\(/m, file);
    if (/loadPkcs11Addon\([A-Za-z]/.test(text)) programs.push(file);
  }
  // The first loads what it wrote itself in the place of the addon. The others are programs, and end as tasks/main.ts.
  assert.deepEqual(programs.sort(), [
    "tests/keystore/pkcs11_keystore_test.ts",
    "tests/support/token_life.ts",
    "tests/support/token_signatures.ts",
  ]);
  for (const program of ["tasks/main.ts", ...programs.slice(1)]) {
    const lines = (await Deno.readTextFile(new URL(program, root))).trimEnd().split("\n");
    assert.match(lines.findLast((line) => line.includes("Deno.")) ?? "", /^ *Deno\.exit\(/, program);
  }
});

async function walk(folder: string, found: string[]): Promise<void> {
  for await (const entry of Deno.readDir(new URL(`${folder}/`, root))) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory) await walk(path, found);
    else if (entry.name.endsWith(".ts")) found.push(path);
  }
}

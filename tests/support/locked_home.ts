/**
 * A story whose trust directory cannot be written, or not even looked at: run as a process that obeys permissions, which
 * root does only without its capabilities. Prints what became of each command as JSON.
 *
 * @module
 */
import { copyFolder } from "./folders.ts";
import { Story } from "./local_story.ts";

/** What became of one command. */
export interface Told {
  /** The case and the command. */
  readonly name: string;
  /** Exit code. */
  readonly code: number;
  /** All of stderr. */
  readonly stderr: string;
  /** All of stdout. */
  readonly stdout: string;
}

const told: Told[] = [];

async function run(story: Story, name: string, args: string[]): Promise<void> {
  const { code, stderr, stdout } = await story.run(args, { cacheStays: true });
  told.push({ name: `${name}: ${args[0]}`, code, stderr, stdout });
}

/** All that reads, and the four steps, then signing at once. */
async function chain(story: Story, name: string, tag: string, more: string[] = []): Promise<void> {
  const repository = ["-r", story.gun, ...more];
  await run(story, name, ["list", ...repository]);
  await run(story, name, ["inspect", ...repository]);
  await run(story, name, ["status", ...repository]);
  await run(story, name, ["sign", "--dry-run", ...repository, "-t", tag]);
  await run(story, name, ["signing-data", ...repository, "-t", tag, "--output-artifact-path", `${name}.zip`]);
  if (told.at(-1)!.code === 0) {
    await run(story, name, ["submit", "--input-artifact-path", `${name}.zip`, "--wait-for-completion"]);
    await run(story, name, ["push", ...repository, "--input-artifact-path", `${name}.signed.zip`]);
  }
  await run(story, name, ["verify", ...repository, "-t", tag]);
  await run(story, name, ["sign", ...repository, "-t", tag]);
  await run(story, name, ["doctor", ...repository]);
}

const NEW = ["init", "-r", "localhost:5000/demo/new"];
const COPY = "tuf/localhost:5000/demo/app";

if (import.meta.main) {
  await using story = await Story.readyToSign();
  const folder = await Deno.makeTempDir(); // the story looks at all that is in its own
  for (const tag of ["a", "b", "c", "d", "e"]) await story.push(tag);

  story.env["HOME"] = `${folder}/bare`;
  await Deno.mkdir(`${folder}/bare`, { mode: 0o500 });
  await chain(story, "nothing there, no right to write", "a");
  await run(story, "nothing there, no right to write", NEW);
  delete story.env["HOME"];
  await chain(story, "no home", "b");
  await run(story, "no home", NEW);

  story.env["DOCKER_CONFIG"] = folder;
  const trust = `${folder}/trust`;
  await copyFolder(story.trust, trust);
  const paths = ["", "tuf", COPY, `${COPY}/metadata`, "private"].map((name) => `${trust}/${name}`);
  for (const path of paths) await Deno.chmod(path, 0o500);
  await Deno.chmod(`${trust}/${COPY}/.tagseal.lock`, 0o400);
  await chain(story, "a copy that can be read only", "c");
  await run(story, "a copy that can be read only", NEW);
  await Deno.chmod(trust, 0o000);
  await chain(story, "a copy that cannot be read", "d");
  await chain(story, "the same with a pin", "e", ["--root-pin", "localhost_5000_demo_app.root.pem"]);
  for (const path of paths) await Deno.chmod(path, 0o700);
  await Deno.remove(folder, { recursive: true });
  Deno.stdout.writeSync(new TextEncoder().encode(JSON.stringify(told)));
}

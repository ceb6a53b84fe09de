/** How the two clients are told to sign: the same tags with the same delegation key. @module */
import { RELEASES } from "../../lib/tuf/roles.ts";
import type { TagEntry } from "../../lib/schemes/notary_v1/tag_change.ts";
import type { Workshop } from "./workshop.ts";

/** A tag of a repository. */
export interface Line extends TagEntry {
  /** The repository. */
  readonly gun: string;
}

/** How the work is cut into processes. */
export type Shape = "update" | "fleet" | "fleet one by one" | "signers";

/** A client that signs. */
export interface SigningTool {
  /** Its name in the table. */
  readonly name: string;
  /** All its variables. */
  readonly env: Readonly<Record<string, string>>;
  /** Writes its lists to `home`, whose trust directories are there, and says what to start. */
  command(shape: Shape, home: string, lines: readonly Line[]): Promise<readonly string[]>;
}

/** How many processes of a fleet, or signers, work at once. */
export const AT_ONCE = 8;

// The update after which a signer lost the race is made again from what is there then.
const UNTIL_IT_IS_IN = `url=$1 ca=$2 home=$3 tag=$4
n() { notary -s "$url" --tlscacert "$ca" -d "$home/$tag" "$@"; }
publish() { for attempt in $(seq 80); do n publish "$1" && return 0; done; return 1; }
while read -r gun rest; do n addhash "$gun" $rest -r ${RELEASES} && publish "$gun" || exit 1; done < "$home/$tag.list"`;

/** The trust directory of one of several signers. */
export function trustDirOf(shape: Shape, home: string, tag: string): string {
  return shape === "signers" ? `${home}/${tag}` : `${home}/trust`;
}

/** The notary client. */
export function notaryTool(shop: Workshop): SigningTool {
  const { delayedUrl: url, peers } = shop;
  return {
    name: "notary",
    env: shop.notaryEnv,
    async command(shape, home, lines) {
      const list = await write(`${home}/list`, lines.map((line) => addHashArguments(line).join(" ")));
      const notary = (...args: string[]) => shop.notary(url, `${home}/trust`, ...args);
      const each = (
        processes: number,
        ...command: string[]
      ) => ["xargs", "-a", list, "-n", "5", "-P", `${processes}`, ...command];
      const addHash = notary("addhash", "-r", RELEASES);
      if (shape === "signers") {
        const lists = await listsByTag(home, lines, (line) => addHashArguments(line).join(" "));
        return forEachOf(lists, "sh", "-c", UNTIL_IT_IS_IN, "sh", url, peers.caPath, home, "{}");
      }
      if (shape === "fleet") return each(AT_ONCE, ...addHash, "-p");
      if (shape === "fleet one by one") return each(1, ...addHash, "-p");
      const [first, ...more] = lines;
      if (more.length === 0) return [...addHash, "-p", ...addHashArguments(first!)];
      // It takes one tag at a time; nothing goes to the server before they are published together.
      const commands = [each(1, ...addHash), notary("publish", first!.gun)];
      return ["sh", "-c", commands.map((words) => words.join(" ")).join(" && ")];
    },
  };
}

/** tagseal, told how to sign and where; with a key at hand unless said, so that no service takes part. */
export function tagsealTool(
  shop: Workshop,
  how: readonly string[] = [
    ...["--signing-method", "key", "--delegation", "ci"],
    ...["--notary-url", shop.delayedUrl, "--ca", shop.peers.caPath],
  ],
): SigningTool {
  const sign = (from: string, trustDir: string) =>
    shop.tagseal("sign", "--from", from, "--trust-dir", trustDir, ...how);
  return {
    name: "tagseal",
    env: shop.denoEnv,
    async command(shape, home, lines) {
      const asText = ({ gun, tag, digest, length }: Line) => `${gun}:${tag}@${digest} ${length}`;
      if (shape !== "signers") return sign(await write(`${home}/list`, lines.map(asText)), `${home}/trust`);
      const lists = await listsByTag(home, lines, asText);
      return forEachOf(lists, ...sign(`${home}/{}.list`, `${home}/{}`));
    },
  };
}

/** The runtime alone, with the requests of tagseal: what is left of a goal for anything else. */
export function bareTool(shop: Workshop): SigningTool {
  return {
    name: "the runtime alone",
    env: shop.denoEnv,
    async command(_, home, lines) {
      const list = await write(`${home}/guns`, lines.map(({ gun }) => gun));
      const script = new URL("bare.ts", import.meta.url).pathname;
      return shop.program(script, shop.delayedUrl, shop.peers.caPath, list, `${AT_ONCE}`);
    },
  };
}

/** Writes a list for each signer, that is, for each tag; the path of the list of tags. */
async function listsByTag(home: string, lines: readonly Line[], asText: (line: Line) => string): Promise<string> {
  const byTag = Map.groupBy(lines, ({ tag }) => tag);
  for (const [tag, own] of byTag) await write(`${home}/${tag}.list`, own.map(asText));
  return await write(`${home}/tags`, [...byTag.keys()]);
}

/** Starts a command for each tag of a list, all at once; `{}` is the tag. */
function forEachOf(tags: string, ...command: string[]): string[] {
  return ["xargs", "-a", tags, "-P", "0", "-I{}", ...command];
}

function addHashArguments({ gun, tag, digest, length }: Line): string[] {
  return [gun, tag, `${length}`, "--sha256", digest.slice("sha256:".length)];
}

async function write(path: string, lines: readonly string[]): Promise<string> {
  await Deno.writeTextFile(path, lines.map((line) => `${line}\n`).join(""));
  return path;
}

/** What other programs hand over while they run: standard input, and the pipes that shells open for `<(…)`. @module */
import { type Bytes, joined } from "../bytes/bytes.ts";
import { TagsealError } from "../errors.ts";

/** Pipes that are open in this process already; opening one of another name would wait for whoever writes to it. */
const OPEN_PIPE = /^\/(?:dev\/stdin|(?:dev|proc\/self)\/fd\/\d+)$/;

/** Whether a shell has opened a pipe by this name for this process. */
export function isOpenPipe(path: string): boolean {
  try {
    return OPEN_PIPE.test(path) && Deno.statSync(path).isFifo === true;
  } catch {
    return false;
  }
}

/** All that comes through such a pipe. @throws {TagsealError} `bad-input` where it is longer than `maxBytes` */
export async function readOpenPipe(path: string, maxBytes: number): Promise<Bytes> {
  const file = await Deno.open(path);
  return await readStream(file.readable, maxBytes, `What comes through "${path}"`);
}

/**
 * All of a stream, which `name` names at the beginning of a sentence.
 *
 * @throws {TagsealError} `bad-input` where it is longer than `maxBytes`
 */
export async function readStream(
  stream: ReadableStream<Uint8Array>,
  maxBytes: number,
  name: string,
): Promise<Bytes> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of stream) {
    length += part.length;
    if (length > maxBytes) {
      throw new TagsealError("bad-input", `${name} is longer than ${maxBytes} bytes`, {
        remedy: "Pipe in what is asked for alone",
      });
    }
    parts.push(part);
  }
  return joined(parts);
}

/** What comes on standard input and through pipes has a limit. */
import assert from "node:assert/strict";
import { type Bytes, utf8 } from "../../lib/bytes/bytes.ts";
import { readStream } from "../../lib/files/pipe.ts";
import { failsWith } from "../support/failures.ts";

const streamOf = (...parts: string[]) => ReadableStream.from<Bytes>(parts.map(utf8));

Deno.test("a stream is read to its end, and no further than may be", async () => {
  assert.deepEqual(await readStream(streamOf("ab", "", "cd"), 4, "Standard input"), utf8("abcd"));
  assert.deepEqual(await readStream(streamOf(), 0, "Standard input"), utf8(""));
  let ended = false;
  const endless = new ReadableStream<Bytes>({
    pull: (controller) => controller.enqueue(utf8("abc")),
    cancel: () => void (ended = true),
  });
  const error = await failsWith(readStream(endless, 4, "Standard input"), "bad-input");
  assert.equal(error.message, "Standard input is longer than 4 bytes");
  assert.ok(ended, "nothing more is read");
});

/** Forms that hold files, read back by the runtime's own reader. */
import assert from "node:assert/strict";
import { utf8 } from "../../lib/bytes/bytes.ts";
import { formOfFiles } from "../../lib/http/multipart.ts";

Deno.test("a form holds all its files, whatever is in them and whatever they are called", async () => {
  const files = new Map([
    ["root.json", utf8("{}")],
    ["targets/releases", Uint8Array.from({ length: 256 }, (_, i) => i)],
    ['odd "name"\r\nof one', utf8("--\r\n\r\n--")],
    ["empty", new Uint8Array()],
  ]);
  const { type, body } = formOfFiles("files", files);
  const form = await new Response(body, { headers: { "content-type": type } }).formData();
  const read = (form.getAll("files") as File[]).map(async (file) => [file.name, file.type, await file.bytes()]);
  const names = [...files.keys()].map((name) => name.replaceAll(/["\r\n]/g, encodeURIComponent));
  const given = [...files.values()].map((bytes, i) => [names[i], "application/octet-stream", bytes]);
  assert.deepEqual(await Promise.all(read), given);
  assert.notEqual(formOfFiles("files", files).type, type, "what separates files cannot be foreseen by who writes one");
  assert.match(new TextDecoder().decode(body), new RegExp(`\r\n--${type.split("=")[1]}--\r\n$`));
});

/** Paths that stay below a folder. */
import assert from "node:assert/strict";
import { pathInside } from "../../lib/files/inside.ts";
import { failsWith } from "../support/failures.ts";

Deno.test("inside: a link on the way is refused, wherever it leads; the folder itself may be one", async () => {
  const dir = await Deno.makeTempDir({ prefix: "tagseal-inside-" });
  try {
    await Deno.mkdir(`${dir}/real/sub`, { recursive: true });
    await Deno.symlink(`${dir}/real`, `${dir}/root`);
    assert.equal(pathInside(`${dir}/root/`, "sub/new/file"), `${dir}/root/sub/new/file`);
    for (const target of [dir, `${dir}/real/sub`, `${dir}/nowhere`]) {
      await Deno.symlink(target, `${dir}/real/link`);
      await failsWith(() => pathInside(`${dir}/root`, "link"), "bad-input", `root/link" is a symbolic link`);
      await failsWith(() => pathInside(`${dir}/root`, "link/file"), "bad-input", `root/link" is a symbolic link`);
      await Deno.remove(`${dir}/real/link`);
    }
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

/** Signing requests kept as files: read back as they were kept, and whatever else lies there is not taken for one. */
import assert from "node:assert/strict";
import { utf8 } from "../../lib/bytes/bytes.ts";
import { sha256Hex } from "../../lib/crypto/hash.ts";
import { TagsealError } from "../../lib/errors.ts";
import { takeLock } from "../../lib/files/lock.ts";
import type { KeptRequest } from "../../lib/signing/kept_requests.ts";
import { createRequestFiles, readRequest } from "../../lib/signing/request_files.ts";
import { failsWith } from "../support/failures.ts";
import { inFolder, mode, names } from "../support/test_files.ts";

const isWindows = Deno.build.os === "windows";
const ACCOUNT = "a".repeat(64);
const unit = (digit: string) => ({
  repository: "registry.test/acme/a",
  purpose: "b".repeat(64),
  sha256: digit.repeat(64),
});

function request(more: Partial<KeptRequest> = {}): KeptRequest {
  const filedAt = new Date("2026-06-10T12:00:00.123Z");
  return { signingRequestId: "one", filedAt, account: ACCOUNT, work: [unit("1"), unit("2")], ...more };
}

/** As it stands in a file. */
function document(change: Record<string, unknown> = {}): Record<string, unknown> {
  const { signingRequestId, filedAt, account, work } = request();
  const format = "tagseal-signing-request/1";
  return { format, signingRequestId, filedAt: filedAt.toISOString(), account, work, ...change };
}

/** By what it is for, so that the same again takes its place. */
function nameOf({ account, work }: KeptRequest): string {
  return `${sha256Hex(utf8([account, ...work.map(({ sha256 }) => sha256).sort()].join("\n")))}.json`;
}

const { signingRequestId: _, ...unheard } = request();

Deno.test("a request is kept in a file of its own for this user alone, replaced by one for the same, and forgotten", async () => {
  await inFolder(async (parent) => {
    const folder = `${parent}/requests`;
    const kept = createRequestFiles(folder, {});
    await kept.keep(unheard);
    assert.deepEqual(await kept.list(), [unheard]);
    await kept.keep(request());
    assert.deepEqual(await kept.list(), [request()]);
    assert.deepEqual(await names(folder), [nameOf(request())]);
    if (!isWindows) {
      assert.deepEqual([await mode(folder), await mode(`${folder}/${nameOf(request())}`)], [0o700, 0o600]);
    }
    const text = await Deno.readTextFile(`${folder}/${nameOf(request())}`);
    assert.deepEqual(JSON.parse(text), document());
    assert.match(text, /^[^\n]+\n$/);

    const others = [request({ account: "c".repeat(64) }), request({ work: [unit("1")] })];
    for (const other of others) await kept.keep(other);
    await kept.keep(request({ work: [unit("2"), unit("1")] })); // the same, in another order
    assert.equal((await kept.list()).length, 3);
    await kept.keep(request({ publishedAt: new Date("2026-06-10T13:00:00.456Z") }));
    assert.equal((await kept.list()).find(({ publishedAt }) => publishedAt)!.publishedAt!.getUTCMilliseconds(), 456);
    await kept.forget(request());
    assert.deepEqual(new Set(await kept.list()), new Set(others));
  });
});

Deno.test("what does not say what it is for, and under the name for that, is not a kept request", async () => {
  await inFolder(async (folder) => {
    const kept = createRequestFiles(folder, {});
    assert.deepEqual(await createRequestFiles(`${folder}/none`, {}).list(), []);
    await kept.keep(request());
    const bytes = await Deno.readFile(`${folder}/${nameOf(request())}`);
    const elsewhere = ["d".repeat(64) + ".json", `${nameOf(request())}.0123abcd.tmp`, `x${nameOf(request())}`];
    for (const name of [...elsewhere, "notes.json"]) await Deno.writeFile(`${folder}/${name}`, bytes);
    await Deno.writeTextFile(`${folder}/${"e".repeat(64)}.json`, "{");
    await Deno.mkdir(`${folder}/${"f".repeat(64)}.json`);
    assert.deepEqual(await kept.list(), [request()]);
  });
});

Deno.test("a thousand requests are looked at, and no more", async () => {
  await inFolder(async (folder) => {
    for (let i = 0; i < 1001; i++) {
      const account = i.toString(16).padStart(64, "0");
      const text = JSON.stringify(document({ account, work: [] }));
      Deno.writeTextFileSync(`${folder}/${nameOf(request({ account, work: [] }))}`, text);
    }
    const kept = createRequestFiles(folder, {});
    const found = await kept.list();
    assert.equal(found.length, 1000);
    // What else lies there takes no place of theirs, though it stands before them.
    await kept.forget(found[0]!);
    for (let i = 0; i < 50; i++) {
      const name = `${i}`.padStart(64, "0");
      for (const other of [`-${name}.json`, `${name}.json.bak`]) Deno.writeTextFileSync(`${folder}/${other}`, "");
      Deno.mkdirSync(`${folder}/${name}.json`);
    }
    assert.equal((await kept.list()).length, 1000);
  });
});

Deno.test("a file of a request is read strictly", () => {
  const read = (change: Record<string, unknown>) => readRequest(utf8(JSON.stringify(document(change))));
  assert.deepEqual(read({}), request());
  assert.deepEqual(read({ signingRequestId: null }), unheard);
  assert.deepEqual(read({ tomorrow: 1 }), request());
  assert.deepEqual(read({ work: [] }), request({ work: [] }));
  const publishedAt = "2026-06-10T12:34:56.789Z";
  assert.deepEqual(read({ publishedAt }), request({ publishedAt: new Date(publishedAt) }));
  const wrong: Record<string, unknown>[] = [
    { format: "tagseal-signing-request/2" },
    { format: undefined },
    { signingRequestId: undefined },
    { signingRequestId: 7 },
    { filedAt: "yesterday" },
    { publishedAt: "yesterday" },
    { publishedAt: null },
    { filedAt: 0 },
    { account: "ours" },
    { work: {} },
    { work: [unit("1"), "2"] },
    { work: [{ ...unit("1"), repository: null }] },
    { work: [{ ...unit("1"), purpose: "releases" }] },
    { work: [{ ...unit("1"), sha256: "1" }] },
  ];
  for (const change of wrong) assert.equal(read(change), undefined, JSON.stringify(change));
  for (const text of ["", "[]", "{", '"one"']) assert.equal(readRequest(utf8(text)), undefined, text);
});

Deno.test({
  name:
    "who files for the same is alone; what fails meanwhile is told as it is, and what was left half-written is gone",
  ignore: isWindows,
  fn: () =>
    inFolder(async (folder) => {
      const kept = createRequestFiles(folder, {});
      const lock = `${folder}/.tagseal-${nameOf(request()).slice(0, 2)}.lock`;
      const mine = `${nameOf(request())}.0123abcd.tmp`;
      const another = `${"d".repeat(64)}.json.0123abcd.tmp`;
      for (const name of [mine, another]) await Deno.writeTextFile(`${folder}/${name}`, "half");
      let isFree = true;
      const held = () => {
        using taken = takeLock(lock);
        isFree = taken !== undefined;
        return Promise.resolve("done");
      };
      assert.equal(await kept.alone(request(), held), "done");
      assert.equal(isFree, false);
      assert.deepEqual(await names(folder), [lock.slice(folder.length + 1), another].sort());

      const order: string[] = [];
      const both = ["first", "second"].map((name) =>
        kept.alone(request(), async () => {
          order.push(`${name} begins`);
          await Promise.resolve();
          order.push(`${name} ends`);
        })
      );
      await Promise.all(both);
      assert.deepEqual(order, ["first begins", "first ends", "second begins", "second ends"]);

      for (const code of ["bad-input", "unavailable", "exists"] as const) {
        const failure = new TagsealError(code, "It fails", { remedy: "Try again" });
        let tries = 0;
        await assert.rejects(kept.alone(request(), () => Promise.reject(++tries && failure)), (error) =>
          error === failure);
        assert.equal(tries, 1, code);
      }
    }),
});

Deno.test({
  name: "where nothing can be kept a request is filed all the same; where another run files one for a minute, none is",
  ignore: isWindows,
  fn: () =>
    inFolder(async (folder) => {
      await Deno.writeTextFile(`${folder}/file`, "");
      const unkept = createRequestFiles(`${folder}/file/requests`, {});
      assert.equal(await unkept.alone(request(), () => Promise.resolve("done")), "done");

      const lock = `${folder}/.tagseal-${nameOf(request()).slice(0, 2)}.lock`;
      using taken = takeLock(lock);
      assert.ok(taken);
      const never = () => Promise.reject(new Error("it is filed twice"));
      const { now } = performance;
      performance.now = () => now.call(performance) * 10_000; // a minute is over in a moment
      try {
        const error = await failsWith(
          createRequestFiles(folder, {}).alone(request(), never),
          "unavailable",
          "Another run",
        );
        assert.match(error.remedy, /^Nothing was filed here\. Wait for it to end/);
      } finally {
        performance.now = now;
      }
      const stopped = new Error("Ctrl-C");
      const stopping = createRequestFiles(folder, { signal: AbortSignal.abort(stopped) });
      await assert.rejects(stopping.alone(request(), never), (error) => error === stopped);
    }),
});

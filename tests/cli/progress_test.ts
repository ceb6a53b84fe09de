/** The line that tells how far a command is with its servers. */
import assert from "node:assert/strict";
import { createProgress } from "../../lib/cli/progress.ts";
import type { Send } from "../../lib/http/send.ts";

/** A progress with a clock of ours; the lines that it showed, each once. */
function watched(): { progress: ReturnType<typeof createProgress>; clock: { ms: number }; shown: string[] } {
  const clock = { ms: 0 };
  const shown: string[] = [];
  const status = (line: string) => shown.at(-1) === line || shown.push(line);
  return { progress: createProgress(status, () => clock.ms), clock, shown };
}

/** As long as two ticks, with a margin for a busy machine. */
const ticks = () => new Promise((resolve) => setTimeout(resolve, 600));

Deno.test("progress: what is over within a second shows nothing", async () => {
  const { progress, clock, shown } = watched();
  const send = progress.watch(() => Promise.resolve(new Response("all")));
  const answer = await send(new Request("https://notary.example.test/v2/"));
  clock.ms = 900;
  await ticks();
  assert.equal(await answer.text(), "all");
  progress.end();
  assert.deepEqual(shown, []);
});

Deno.test("progress: who is waited for, how many answers are there, how much has come; and it is taken back", async () => {
  const { progress, clock, shown } = watched();
  const slow = Promise.withResolvers<Response>();
  const answers: Record<string, () => Promise<Response>> = {
    "/quick": () => Promise.resolve(new Response(new Uint8Array(2_500_000), { headers: { "x-kept": "yes" } })),
    "/slow": () => slow.promise,
  };
  const send: Send = progress.watch((request) => answers[new URL(request.url).pathname]!());
  const waiting = send(new Request("https://registry.example.test:5000/slow"));
  const quick = await send(new Request("https://notary.example.test/quick"));
  assert.deepEqual([quick.status, quick.headers.get("x-kept")], [200, "yes"]);
  assert.equal((await quick.bytes()).length, 2_500_000);
  clock.ms = 3_000;
  await ticks();
  assert.deepEqual(shown, ["3 s: registry.example.test:5000, 1 of 2 answers, 2.5 MB"]);
  slow.resolve(new Response(null, { status: 204 }));
  assert.equal((await waiting).status, 204);
  await ticks();
  assert.deepEqual(shown.slice(1), [""]);
  progress.end();
});

Deno.test("progress: nothing is written over a question, and a download that fails or is given up is over", async () => {
  const { progress, clock, shown } = watched();
  const never = progress.watch(() => Promise.resolve(new Response(new ReadableStream())));
  const broken = progress.watch(() => Promise.reject(new TypeError("reset")));
  const answer = await never(new Request("https://notary.example.test/a"));
  clock.ms = 2_000;
  await progress.pause(ticks);
  assert.deepEqual(shown, []);
  await ticks();
  assert.deepEqual(shown, ["2 s: notary.example.test"]);
  await answer.body!.cancel();
  await assert.rejects(broken(new Request("https://notary.example.test/b")), TypeError);
  await ticks();
  assert.deepEqual(shown.at(-1), "");
  progress.end();
});

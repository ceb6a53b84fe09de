/** The status line of the host: one line, taken back before anything that lasts, on a terminal only. */
import assert from "node:assert/strict";
import { createHost, type Host, type HostFlags } from "../../lib/cli/host.ts";

const TAKEN_BACK = "\r\x1b[2K";

/** A host, and what was written, in order: `2:…` on stderr, `1:…` on stdout. */
function hostOn(terminal: boolean | undefined, flags: Partial<HostFlags> = {}): { host: Host; written: string[] } {
  const written: string[] = [];
  const host = createHost({ quiet: false, noInput: true, ...flags }, {
    out: (text) => void written.push(`1:${text}`),
    err: (text) => void written.push(`2:${text}`),
    env: () => undefined,
    ...(terminal === undefined ? {} : { columns: () => terminal ? 80 : undefined }),
    signal: new AbortController().signal,
  });
  return { host, written };
}

/** What a terminal shows in the end: lines, the last one without its end. */
function screen(written: readonly string[]): string[] {
  // deno-lint-ignore no-control-regex -- what the terminal is told
  const steps = /(\r\x1b\[2K|\n)/;
  const lines = [""];
  for (const text of written.map((each) => each.slice(2))) {
    for (const part of text.split(steps)) {
      if (part === TAKEN_BACK) lines[lines.length - 1] = "";
      else if (part === "\n") lines.push("");
      else lines[lines.length - 1] += part;
    }
  }
  return lines;
}

Deno.test("on a terminal each status takes the place of the one before", () => {
  const { host, written } = hostOn(true);
  host.status("waiting, 1 s");
  host.status("waiting, 2 s");
  assert.deepEqual(written, [`2:${TAKEN_BACK}waiting, 1 s`, `2:${TAKEN_BACK}waiting, 2 s`]);
  assert.deepEqual(screen(written), ["waiting, 2 s"]);
  host.status("");
  assert.deepEqual(screen(written), [""]);
});

Deno.test("the same status again writes nothing, and taking nothing away neither", () => {
  const { host, written } = hostOn(true);
  host.status("");
  assert.deepEqual(written, []);
  host.status("waiting");
  host.status("waiting");
  host.status("");
  host.status("");
  assert.deepEqual(written, [`2:${TAKEN_BACK}waiting`, `2:${TAKEN_BACK}`]);
});

Deno.test("what lasts never stands in one line with a status", () => {
  const { host, written } = hostOn(true);
  const says: [name: string, say: () => void, line: string][] = [
    ["progress", () => host.info("submitted"), "submitted"],
    ["a warning", () => host.warn("odd"), "tagseal: warning: odd"],
    ["a result", () => host.out("v1 sha256:0"), "v1 sha256:0"],
  ];
  const lasting: string[] = [];
  for (const [name, say, line] of says) {
    host.status("waiting, 1 s");
    say();
    lasting.push(line);
    assert.deepEqual(screen(written), [...lasting, ""], name);
    host.status("waiting, 2 s");
    assert.deepEqual(screen(written), [...lasting, "waiting, 2 s"], `${name}, and on`);
  }
  assert.deepEqual(written.filter((text) => text.startsWith("1:")), ["1:v1 sha256:0\n"], "stdout gets results alone");
});

Deno.test("a status after something that lasts is written again, be it the same", () => {
  const { host, written } = hostOn(true);
  host.status("waiting");
  host.info("submitted");
  host.status("waiting");
  assert.deepEqual(screen(written), ["submitted", "waiting"]);
});

Deno.test("without a terminal, or with --quiet, there is no status at all", () => {
  for (
    const { host, written } of [
      hostOn(false),
      hostOn(undefined),
      hostOn(true, { quiet: true }),
      hostOn(false, { quiet: true }),
    ]
  ) {
    host.status("waiting");
    host.status("");
    assert.deepEqual(written, []);
    host.status("waiting");
    host.warn("odd");
    host.out("result");
    assert.deepEqual(written, ["2:tagseal: warning: odd\n", "1:result\n"]);
  }
});

Deno.test("hostile characters in a status are made printable", () => {
  const { host, written } = hostOn(true);
  host.status("Evil\u001b]0;owned\u0007\r\n\u009b2J\u202e\u2066\u0000 status");
  assert.equal(written.length, 1);
  const shown = written[0]!.slice(`2:${TAKEN_BACK}`.length);
  assert.equal(shown, "Evil\\u001b]0;owned\\u0007\\u000d\\u000a\\u009b2J\\u202e\\u2066\\u0000 status");
  assert.doesNotMatch(shown, /[\p{Cc}\u202a-\u202e\u2066-\u2069]/u);
});

Deno.test("a status never wraps: it is cut", () => {
  const { host, written } = hostOn(true);
  host.status("x".repeat(500));
  assert.equal(screen(written)[0]!.length, 79);
});

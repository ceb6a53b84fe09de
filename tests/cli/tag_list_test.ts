/** The file of `sign --from`: what its lines mean, and which of them are refused. */
import assert from "node:assert/strict";
import { utf8 } from "../../lib/bytes/bytes.ts";
import { createHost } from "../../lib/cli/host.ts";
import { type ListedRepository, parseTagList, readTagList } from "../../lib/cli/tag_list.ts";
import { failsWith } from "../support/failures.ts";

const [A, B] = ["a", "b"].map((digit) => `sha256:${digit.repeat(64)}` as const) as [
  `sha256:${string}`,
  `sha256:${string}`,
];
const parse = (text: string) => parseTagList(text, "tags.txt");
const plain = (repositories: readonly ListedRepository[]) => repositories.map(({ name, tags }) => [name.gun, tags]);

Deno.test("a tag list: repositories and tags in the order of their first lines", () => {
  const text = [
    "# all of release 7",
    "r.example:5000/b:v2",
    "",
    ` \tr.example:5000/a:v1@${A}   528\t # built at night`,
    `\talpine:3.20@${B}`,
    "r.example:5000/b:v1 #",
    "docker.io/library/alpine:edge",
    "  # not yet: r.example/c:v1",
    "r.example:5000/b:v2\t",
  ].join("\n");
  assert.deepEqual(plain(parse(text)), [
    ["r.example:5000/b", [{ tag: "v2" }, { tag: "v1" }]],
    ["r.example:5000/a", [{ tag: "v1", digest: A, length: 528 }]],
    ["docker.io/library/alpine", [{ tag: "3.20", digest: B }, { tag: "edge" }]],
  ]);
  assert.equal(parse("alpine:1")[0]!.name.registryHost, "registry-1.docker.io");
});

Deno.test("a tag list: the same tag again changes nothing, by whatever name", () => {
  const line = `alpine:3@${A} 7`;
  assert.deepEqual(
    plain(parse(`${line}\n${line}\ndocker.io/library/alpine:3@${A} 7\nindex.docker.io/alpine:3@${A} 7`)),
    [
      ["docker.io/library/alpine", [{ tag: "3", digest: A, length: 7 }]],
    ],
  );
  assert.deepEqual(plain(parse(`x/y:a@${A}\nx/y:b@${A}`))[0]![1], [{ tag: "a", digest: A }, { tag: "b", digest: A }]);
});

Deno.test("a tag list: - is standard input, as long as a file may be", async () => {
  const asked: unknown[] = [];
  const of = (text: string) => {
    const signal = new AbortController().signal;
    const silent = { out() {}, err() {}, env: () => undefined, signal };
    return {
      ...createHost({ quiet: true, noInput: true }, silent),
      readStdin: (maxBytes?: number) => (asked.push(maxBytes), Promise.resolve(text)),
    };
  };
  assert.deepEqual(plain(await readTagList("-", of("x/a:1\n"))), [["docker.io/x/a", [{ tag: "1" }]]]);
  await failsWith(readTagList("-", of("x/a:1\nx/b\n")), "bad-input", '"x/b" names no tag (line 2 of "standard input")');
  await failsWith(readTagList("-", of("")), "bad-input", 'The list of tags "standard input" cannot be used');
  assert.deepEqual(asked, Array(3).fill(32 * 2 ** 20));
});

Deno.test("a tag list: every kind of line end, a byte order mark, no end of the last line", async () => {
  for (const end of ["\n", "\r\n", "\r"]) {
    for (const last of ["", end]) {
      assert.deepEqual(plain(parse(`# c${end}x/a:1${end}${end}x/b:2${last}`)), [
        ["docker.io/x/a", [{ tag: "1" }]],
        ["docker.io/x/b", [{ tag: "2" }]],
      ]);
    }
  }
  const asked: [string, number][] = [];
  const host = {
    ...createHost({ quiet: true, noInput: true }, {
      out() {},
      err() {},
      env: () => undefined,
      signal: new AbortController().signal,
    }),
    readFile(path: string, maxBytes: number) {
      asked.push([path, maxBytes]);
      return Promise.resolve(utf8("\ufeffx/a:1\r\nx/b:2\r\n"));
    },
  };
  assert.deepEqual(plain(await readTagList("tags.txt", host)), [
    ["docker.io/x/a", [{ tag: "1" }]],
    ["docker.io/x/b", [{ tag: "2" }]],
  ]);
  assert.deepEqual(asked, [["tags.txt", 33_554_432]]);
});

Deno.test("a tag list: lengths from 1 byte to the largest manifest", () => {
  for (const length of [1, 528, 4_194_304]) assert.equal(parse(`x/a:1@${A} ${length}`)[0]!.tags[0]!.length, length);
});

Deno.test("a tag list: what is wrong is named with its line", async (t) => {
  const cases: readonly [line: string, words: string, remedy?: RegExp][] = [
    ["x/a", '"x/a" names no tag', /^Write it like docker\.io\/x\/a:v1$/],
    [`x/a@${A}`, `"x/a@${A}" names no tag`],
    ["r.example:5000/a", "names no tag"],
    ["x/a:", '"" is not a tag'],
    ["x/a:1:2", '"1:2" is not a tag'],
    ["x/a:1#2", '"1#2" is not a tag'],
    ["x/a:1@", '"" is not a digest'],
    ["x/a:1@sha256:abc", '"sha256:abc" is not a digest'],
    [`x/a:1@sha512:${"a".repeat(128)}`, "is a sha512 digest; only sha256"],
    ["X/a:1", "has upper-case letters"],
    ["https://r.example/a:1", "is a URL"],
    ["r.example/a\u0000:1", '"r.example/a\\u0000" does not follow'],
    ["r.example/a\u00a0:1", '"r.example/a\\u00a0" does not follow'],
    ["\u2028x/a:1", '"\\u2028x/a" does not follow'],
    ["\u001b[2jx/a:1", '"\\u001b[2jx/a" does not follow'],
    ["x/a:1 528", "There is a length, but no digest", /@sha256:…/],
    ["x/a:1 x/b:1", '"x/b:1" is not the length of a manifest'],
    [`x/a:1@${A} 528 x`, '"x" stands where nothing is expected', /one tag per line/],
    ...["0", "-1", "1.5", "1e3", "0x10", "007", "+7", "4194305", "9".repeat(400), "٣", "five"].map((length) =>
      [`x/a:1@${A} ${length}`, "is not the length of a manifest", /1 to 4194304/] as [string, string, RegExp]
    ),
  ];
  for (const [line, words, remedy] of cases) {
    await t.step(JSON.stringify(line).slice(0, 60), async () => {
      const error = await failsWith(
        () => parse(`x/z:1\n\n${line}\nx/z:2`),
        "bad-input",
        words,
        '(line 3 of "tags.txt")',
      );
      if (remedy) assert.match(error.remedy, remedy);
      assert.ok(error.message.length < 500);
      // deno-lint-ignore no-control-regex
      assert.doesNotMatch(error.message, /[\u0000-\u001f\u2028]/);
    });
  }
});

Deno.test("a tag list: a tag cannot be two things; both lines are named", async () => {
  const pairs: readonly [string, string][] = [
    [`x/a:1@${A}`, `x/a:1@${B}`],
    [`x/a:1@${A}`, "x/a:1"],
    ["x/a:1", `docker.io/x/a:1@${A}`],
    [`x/a:1@${A} 7`, `x/a:1@${A} 8`],
    [`x/a:1@${A} 7`, `x/a:1@${A}`],
  ];
  for (const [first, second] of pairs) {
    const words = ['"docker.io/x/a:1" was something else in line 2', '(line 4 of "tags.txt")'];
    await failsWith(() => parse(`#\n${first}\nx/b:1\n${second}`), "bad-input", ...words);
  }
});

Deno.test("a tag list: nothing in it, or too much", async () => {
  for (const text of ["", "\n\n", "# x/a:1", " \t"]) {
    await failsWith(() => parse(text), "bad-input", 'The list of tags "tags.txt" cannot be used: it names no tag');
  }
  const lines = "x/a:1\n".repeat(200_000);
  assert.deepEqual(plain(parse(lines)), [["docker.io/x/a", [{ tag: "1" }]]]);
  assert.equal(parse(lines.slice(0, -1)).length, 1);
  for (const more of ["#", "\n", "\n\n\n", "x/b:1\n"]) {
    await failsWith(() => parse(lines + more), "bad-input", "it has more than 200000 lines");
  }
  await failsWith(() => parse("\n".repeat(32 * 2 ** 20)), "bad-input", "it has more than 200000 lines");
  const repositories = Array.from({ length: 10_001 }, (_, i) => `x/r${i}:1\n`);
  assert.equal(parse(repositories.slice(1).join("")).length, 10_000);
  await failsWith(() => parse(repositories.join("")), "bad-input", "it names more than 10000 repositories");
});

Deno.test("a tag list: 100,000 lines take what ten times 10,000 take", () => {
  const lines = Array.from({ length: 100_000 }, (_, i) => {
    const digest = i.toString(16).padStart(64, "0");
    return `registry.example.com:5000/team/app-${i % 5000}:1.2.${i}@sha256:${digest} ${500 + i} # ${i}`;
  });
  const timed = (count: number) => {
    const text = lines.slice(0, count).join("\r\n");
    const start = performance.now();
    const repositories = parse(text);
    const took = performance.now() - start;
    assert.equal(repositories.length, 5000);
    assert.equal(repositories.reduce((n, { tags }) => n + tags.length, 0), count);
    return took;
  };
  // Other tests take turns with this one on few cores: one undisturbed pair shows it. A quadratic reader needs 100 times.
  const ratios: number[] = [];
  while (ratios.length < 6 && Math.min(...ratios) > 20) ratios.push(timed(100_000) / timed(10_000));
  assert.ok(Math.min(...ratios) <= 20, `${ratios}`);
});

/** `tagseal report`: the page of a messy repository, as a browser shows it. */
import assert from "node:assert/strict";
import axe from "npm:axe-core@4.14.1";
import { makeMessyRepository } from "../support/messy_repository.ts";
import { openPage } from "../support/browser.ts";
import { EMBEDDED, REAL, stackTest } from "../support/stacks.ts";

stackTest(REAL, "report: the page in a browser", ["notary", "chromium"], async (t) => {
  await using peers = await REAL.start();
  const messy = await makeMessyRepository(peers, "team/app");
  const list = `${peers.dir}/list.txt`;
  await Deno.writeTextFile(list, `${messy.gun}\n${peers.registryHost}/team/none\n`);
  const path = `${peers.dir}/report.html`;
  const written = await messy.auditor("report", "--repositories-from", list, "--output-artifact-path", path);
  assert.equal(written.code, 2, "one of them is not there, which the page says as well");
  assert.equal(written.stdout.trim(), path);
  await using page = await openPage(path);

  await t.step("the picture of the roles, the timeline, coverage, signers and findings are there", async () => {
    const text = await page.evaluate<string>("document.body.innerText");
    for (
      const part of [
        /3 errors/,
        /"targets\/alice" expired on/,
        /could not be read/,
        /1 moved since it was signed/,
        /1 not signed \(17 %\)/,
        /carol\s+Docker Content Trust\s+4/,
      ]
    ) {
      assert.match(text, part);
    }
    const pictures = await page.evaluate<string[]>(
      "[...document.querySelectorAll('svg[role=img]')].map((svg) => svg.textContent)",
    );
    assert.equal(pictures.length, 2);
    assert.match(pictures[0]!, /root[^]*targets[^]*targets\/alice\s*expired[^]*targets\/bob\s*not trusted/);
    assert.match(pictures[1]!, /What ends when: targets\/alice: \d{4}-\d\d-\d\d/);
  });
  await t.step("nothing is asked for, nothing runs, and the console has nothing to say", async () => {
    assert.equal(await page.evaluate("document.scripts.length + document.querySelectorAll('[style]').length"), 0);
    assert.equal(
      await page.evaluate("getComputedStyle(document.querySelector('.counts')).display"),
      "flex",
      "the style",
    );
    assert.deepEqual(page.complaints, []);
  });
  await t.step("it fits: on a phone, a tablet, a wide screen", async () => {
    for (const width of [360, 820, 1400]) {
      await page.show({ width });
      await page.evaluate("document.querySelectorAll('details').forEach((one) => one.open = true)");
      const wide = await page.evaluate<string[]>(
        `[...document.querySelectorAll("body *")].filter((one) => one.getBoundingClientRect().right > ${width} + 1)` +
          ".map((one) => one.outerHTML.slice(0, 100))",
      );
      assert.deepEqual(wide, [], `${width}`);
      assert.ok(await page.evaluate<number>("document.documentElement.scrollWidth") <= width);
    }
  });
  await t.step("contrast, headings, names of pictures, in the light and in the dark", async () => {
    await page.evaluate(`${axe.source}; undefined`);
    for (const [width, dark] of [[360, false], [1400, true]] as const) {
      await page.show({ width, dark });
      const { violations, passes } = await page.evaluate<Record<"violations" | "passes", string[]>>(
        `axe.run().then(({ violations, passes }) => ({
          violations: violations.map(({ id, nodes }) => id + ": " + nodes.map(({ html }) => html).join(" ")),
          passes: passes.map(({ id }) => id),
        }))`,
      );
      assert.deepEqual(violations, [], `${width} ${dark ? "dark" : "light"}`);
      for (const rule of ["color-contrast", "heading-order", "svg-img-alt"]) assert.ok(passes.includes(rule), rule);
    }
  });
  await t.step("on paper all repositories are open", async () => {
    await page.evaluate("document.querySelectorAll('details').forEach((one) => one.open = false)");
    await page.show({ media: "print" });
    assert.ok(await page.evaluate<number>("document.querySelector('.pictures').getBoundingClientRect().height") > 100);
  });
});

stackTest(EMBEDDED, "report: a page is written once, whole, and not over another file", ["notary"], async () => {
  await using peers = await EMBEDDED.start();
  const messy = await makeMessyRepository(peers, "team/app");
  const path = `${peers.dir}/report.html`;
  await Deno.writeTextFile(path, "mine");
  const args = ["report", "-r", messy.gun, "--output-artifact-path", path] as const;
  const refused = await messy.auditor(...args);
  assert.equal(refused.code, 6);
  assert.equal(await Deno.readTextFile(path), "mine");
  const { code, stdout, stderr } = await messy.auditor(...args, "--force", "--json");
  assert.equal(code, 0, stderr);
  assert.deepEqual(JSON.parse(stdout).summary, { error: 3, warning: 1, note: 3 });
  const page = await Deno.readTextFile(path);
  assert.ok(page.length < 60_000, `${page.length} bytes`);
  assert.ok(!page.includes(peers.dir), "where the writer keeps files is nobody's business");
});

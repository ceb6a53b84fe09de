import assert from "node:assert/strict";
import { isTagsealError } from "../../lib/errors.ts";
import { notaryUrlFor, parseDigest, parseImageName, validTag } from "../../lib/registry/image_ref.ts";

Deno.test("parseImageName normalises as Docker does", () => {
  const rows: [string, string, string, string][] = [
    ["alpine", "docker.io/library/alpine", "registry-1.docker.io", "library/alpine"],
    ["acme/app", "docker.io/acme/app", "registry-1.docker.io", "acme/app"],
    ["a/b/c", "docker.io/a/b/c", "registry-1.docker.io", "a/b/c"],
    ["docker.io/alpine", "docker.io/library/alpine", "registry-1.docker.io", "library/alpine"],
    ["index.docker.io/x/y", "docker.io/x/y", "registry-1.docker.io", "x/y"],
    ["index.docker.io/x", "docker.io/library/x", "registry-1.docker.io", "library/x"],
    ["localhost/x", "localhost/x", "localhost", "x"],
    ["localhost:5000/x/y", "localhost:5000/x/y", "localhost:5000", "x/y"],
    ["reg:5000/x", "reg:5000/x", "reg:5000", "x"],
    ["[::1]:5000/x", "[::1]:5000/x", "[::1]:5000", "x"],
    ["Registry.Example.com/team/app", "Registry.Example.com/team/app", "Registry.Example.com", "team/app"],
    ["r.example/a.b/c_d/e__f/g---h/1", "r.example/a.b/c_d/e__f/g---h/1", "r.example", "a.b/c_d/e__f/g---h/1"],
  ];
  for (const [text, gun, registryHost, path] of rows) {
    assert.deepEqual(parseImageName(text), { gun, registryHost, path });
  }
});

Deno.test("parseImageName refuses what is no repository name", () => {
  const rows: [string, RegExp][] = [
    ["", /does not follow Docker's grammar/],
    ["alpine:3", /carries a tag/],
    ["localhost:5000", /carries a tag/],
    ["localhost:5000/x:v1", /carries a tag/],
    ["x/y@sha256:abc", /carries a digest/],
    ["https://r.example/x", /is a URL/],
    ["Acme/app", /upper-case/],
    ["r.example/Team/app", /upper-case/],
    ["r.example/../app", /does not follow/],
    ["../app", /malformed host/],
    ["r.example/a..b", /does not follow/],
    ["r.example/a//b", /does not follow/],
    ["r.example/", /does not follow/],
    ["/x", /does not follow/],
    ["r.example/x/", /does not follow/],
    ["r.example/a b", /does not follow/],
    ["r.example/a%2fb", /does not follow/],
    ["r.example/a?b", /does not follow/],
    ["r.example/a\nb", /name "r.example\/a\?b" does not follow/],
    ["r.example/ä", /does not follow/],
    ["r.example/-a", /does not follow/],
    ["r.example/a_", /does not follow/],
    ["r_x.example/a", /malformed host/],
    ["-r.example/a", /malformed host/],
    ["r.example:99999/a", /malformed host/],
    ["r.example:/a", /malformed host/],
    ["user:pw@r.example/a", /malformed host/],
    ["a".repeat(64), /is an image id/],
    [`r.example/${"a".repeat(246)}`, /is too long: 256 characters of at most 255/],
    ["x".repeat(1_000_000), /is too long/],
  ];
  for (const [text, words] of rows) {
    assert.throws(() => parseImageName(text), (error) => {
      assert.ok(isTagsealError(error, "usage"), text);
      assert.match(error.message, words);
      assert.ok(error.message.length < 500);
      return true;
    });
  }
  assert.equal(parseImageName(`r.example/${"a".repeat(245)}`).gun.length, 255);
  assert.throws(() => parseImageName("alpine:3"), { remedy: "Name the repository alone, and its tags with --tags" });
});

Deno.test("validTag follows Docker's grammar", () => {
  for (const tag of ["v1", "_x", "1.2.3-rc_1", "A".repeat(128)]) assert.equal(validTag(tag), tag);
  for (const tag of ["", ".v1", "-v1", "v 1", "v/1", "v:1", "ü", "v1\n", "..", "A".repeat(129)]) {
    assert.throws(() => validTag(tag), { code: "usage", message: /is not a tag$/ });
  }
});

Deno.test("parseDigest takes lower-case sha256 only", () => {
  const digest = `sha256:${"0123456789abcdef".repeat(4)}`;
  assert.equal(parseDigest(digest), digest);
  for (const text of ["", digest.toUpperCase(), digest.slice(7), digest.slice(0, -1), `${digest}0`, `${digest}\n`]) {
    assert.throws(() => parseDigest(text), { code: "usage", message: /is not a digest$/ });
  }
});

Deno.test("notaryUrlFor finds the server as the docker CLI does", () => {
  const of = (text: string, ...rest: [string?, boolean?]) => notaryUrlFor(parseImageName(text), ...rest).href;
  assert.equal(of("alpine"), "https://notary.docker.io/");
  assert.equal(of("localhost:5000/x"), "https://localhost:5000/");
  assert.equal(of("docker.io.example/x"), "https://docker.io.example/");
  assert.equal(of("alpine", "https://notary.example:4443"), "https://notary.example:4443/");
  assert.equal(of("alpine", ""), "https://notary.docker.io/");
  assert.equal(of("alpine", "http://notary.test", true), "http://notary.test/");
  assert.throws(() => of("alpine", "http://notary.test"), { code: "bad-input", message: /is not encrypted/ });
});

import assert from "node:assert/strict";
import { isTagsealError } from "../../lib/errors.ts";
import {
  notaryUrlFor,
  parseDigest,
  parseImageName,
  parseImageReference,
  validTag,
} from "../../lib/registry/image_ref.ts";
import { failsWith } from "../support/failures.ts";

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
    ["localhost:5000", /"localhost:5000" is a host without a repository/],
    ["r.example:5000", /is a host without a repository/],
    ["localhost:5000/", /"localhost:5000" is a host without a repository/],
    ["[::1]:5000/", /is a host without a repository/],
    ["registry-1.docker.io/acme/app", /has the address of Docker Hub's registry in it/],
    ["hub.docker.com/r/acme/app", /is the address of a web page/],
    ["hub.docker.com", /is the address of a web page/],
    ["https://hub.docker.com/_/alpine", /is the address of a web page/],
    ["localhost:5000/x:v1", /carries a tag/],
    ["x/y@sha256:abc", /carries a digest/],
    ["https://r.example/x", /is a URL/],
    ["Acme/app", /upper-case/],
    ["r.example/Team/app", /upper-case/],
    ["r.example/../app", /does not follow/],
    ["../app", /malformed host/],
    ["r.example/a..b", /does not follow/],
    ["r.example/a//b", /does not follow/],
    ["r.example/", /is a host without a repository/],
    ["/x", /does not follow/],
    ["r.example/x/", /does not follow/],
    ["r.example/a b", /does not follow/],
    ["r.example/a%2fb", /does not follow/],
    ["r.example/a?b", /does not follow/],
    ["r.example/a\nb", /name "r.example\/a\\u000ab" does not follow/],
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
  assert.throws(() => parseImageName("alpine:3"), {
    remedy: "Name the repository alone, and its tags apart",
    next: { do: "name-tags-apart" },
  });
});

Deno.test("a name that means something else is answered with the right one", async () => {
  const rows: [text: string, remedy: string][] = [
    ["localhost:43443", "Write the repository behind it: localhost:43443/team/app"],
    ["registry-1.docker.io/acme/app", "Write it as docker.io/acme/app"],
    ["hub.docker.com/r/acme/app", "Write it as docker.io/acme/app"],
    ["https://hub.docker.com/r/acme/app/tags", "Write it as docker.io/acme/app"],
    ["hub.docker.com/repository/docker/acme/app/general", "Write it as docker.io/acme/app"],
    ["https://hub.docker.com/_/alpine", "Write it as docker.io/library/alpine"],
    ["hub.docker.com/search?q=x", "Write it as docker.io/<user>/<repository>"],
    ["hub.docker.com/r/acme/\u001b[2J", "Write it as docker.io/<user>/<repository>"],
  ];
  for (const [text, remedy] of rows) {
    assert.equal((await failsWith(() => parseImageName(text), "usage")).remedy, remedy);
  }
  const reference = "registry-1.docker.io/acme/app:v1";
  assert.equal((await failsWith(() => parseImageReference(reference), "usage")).remedy, rows[1]![1]);
});

const DIGEST = `sha256:${"0123456789abcdef".repeat(4)}` as const;

Deno.test("parseImageReference takes images as everybody writes them", () => {
  const rows: [text: string, gun: string, tag?: string | undefined, digest?: string][] = [
    ["alpine", "docker.io/library/alpine"],
    ["alpine:3.20", "docker.io/library/alpine", "3.20"],
    [`alpine@${DIGEST}`, "docker.io/library/alpine", undefined, DIGEST],
    [`alpine:3.20@${DIGEST}`, "docker.io/library/alpine", "3.20", DIGEST],
    ["docker.io/alpine:3", "docker.io/library/alpine", "3"],
    ["index.docker.io/acme/app:V1", "docker.io/acme/app", "V1"],
    ["acme/app:_x.Y-Z", "docker.io/acme/app", "_x.Y-Z"],
    ["r.example/team/app:v1", "r.example/team/app", "v1"],
    [`r.example:5000/team/app:v1@${DIGEST}`, "r.example:5000/team/app", "v1", DIGEST],
    [`r.example:5000/team/app@${DIGEST}`, "r.example:5000/team/app", undefined, DIGEST],
    ["localhost/app:1", "localhost/app", "1"],
    ["localhost:5000/app:1", "localhost:5000/app", "1"],
    [`[2001:db8::1]/app:1@${DIGEST}`, "[2001:db8::1]/app", "1", DIGEST],
    ["[::1]:5000/app:1", "[::1]:5000/app", "1"],
    [`r.example/app:${"t".repeat(128)}`, "r.example/app", "t".repeat(128)],
    // Without a slash there is no host: so Docker reads them, too.
    ["localhost:5000", "docker.io/library/localhost", "5000"],
    ["r.example:5000", "docker.io/library/r.example", "5000"],
    [`${"a".repeat(64)}/b:1`, `docker.io/${"a".repeat(64)}/b`, "1"],
  ];
  for (const [text, gun, tag, digest] of rows) {
    const { name, ...rest } = parseImageReference(text);
    assert.deepEqual(name, parseImageName(gun), text);
    assert.equal(name.gun, gun);
    assert.deepEqual(
      rest,
      { ...(tag === undefined ? {} : { tag }), ...(digest === undefined ? {} : { digest }) },
      text,
    );
  }
});

Deno.test("parseImageReference refuses what Docker would not read, or what cannot be signed", async () => {
  const rows: [text: string, words: string][] = [
    ["", 'The repository name "" does not follow'],
    [":v1", "does not follow"],
    [`@${DIGEST}`, "does not follow"],
    [`:v1@${DIGEST}`, "does not follow"],
    ["app:", '"" is not a tag'],
    [`app:@${DIGEST}`, '"" is not a tag'],
    ["app@", '"" is not a digest'],
    ["app:v1@", '"" is not a digest'],
    ["app:v1:v2", '"v1:v2" is not a tag'],
    ["r.example:5000/app:v1:v2", '"v1:v2" is not a tag'],
    ["r.example/app:v1/x", '"v1/x" is not a tag'],
    ["app:.v1", '".v1" is not a tag'],
    [`app:${"t".repeat(129)}`, "is not a tag"],
    [`app:v1@${DIGEST}@${DIGEST}`, "is not a digest"],
    [`app@${DIGEST}:v1`, "is not a digest"],
    [`app@${DIGEST.toUpperCase()}`, "is not a digest"],
    [`app@${DIGEST.slice(0, -1)}`, "is not a digest"],
    [`app@${DIGEST}0`, "is not a digest"],
    [`app@${DIGEST.slice(7)}`, "is not a digest"],
    [`app@${DIGEST}/x`, "has a malformed host"],
    [`app@sha512:${"0".repeat(128)}`, "is a sha512 digest; only sha256 is signed and verified"],
    [`app:v1@sha384:${"0".repeat(96)}`, "is a sha384 digest; only sha256 is signed and verified"],
    ["https://r.example/app:v1", "is a URL"],
    ["docker://r.example/app:v1", "is a URL"],
    ["oci:r.example/app", "has a malformed host"],
    ["user:pw@r.example/app:v1", "has a malformed host"],
    ["r.example/App:v1", "has upper-case letters"],
    ["APP:v1", "has upper-case letters"],
    ["::1/app:v1", "has a malformed host"],
    ["[::1/app:v1", "has a malformed host"],
    ["[::1]x/app:v1", "has a malformed host"],
    ["[fe80::1%25eth0]:5000/app:v1", "has a malformed host"],
    ["r.example:65536/app:v1", "has a malformed host"],
    ["[:::]/app:v1", "has a malformed host"],
    ["256.256.256.256/x", "has a malformed host"],
    ["1.2.3.4.5/x", "has a malformed host"],
    ["r.example:/app:v1", "has a malformed host"],
    ["r.example/../app:v1", "does not follow"],
    ["r.example/app/:v1", "does not follow"],
    ["r.example//app:v1", "does not follow"],
    ["a".repeat(64), "is an image id"],
    ["r.example/app: v1", '" v1" is not a tag'],
    [" r.example/app:v1", "has a malformed host"],
    ["r.example/app:v1\n", '"v1\\u000a" is not a tag'],
    ["r.example/a\u0000:v1", '"r.example/a\\u0000" does not follow'],
    ["r.example/app:\u001b[2J", '"\\u001b[2J" is not a tag'],
    [`app@${DIGEST}\n`, "is not a digest"],
    ['r.example/a"b:v1', '"r.example/a\\"b" does not follow'],
    [`r.example/${"a".repeat(246)}:v1`, "is too long: 256 characters of at most 255"],
    [`${"x".repeat(1_000_000)}:v1`, "is too long"],
    [`x:${"1".repeat(1_000_000)}`, "is not a tag"],
    [`x@${"1".repeat(1_000_000)}`, "is not a digest"],
    ["/".repeat(1_000_000), "is too long"],
    [":".repeat(1_000_000), "does not follow"],
    ["@".repeat(1_000_000), "does not follow"],
  ];
  for (const [text, words] of rows) {
    const error = await failsWith(() => parseImageReference(text), "usage", words);
    assert.ok(error.message.length < 500);
    assert.match(error.message, /^[ -~…]*$/);
  }
  assert.equal(parseImageReference(`r.example/${"a".repeat(245)}:v1`).name.gun.length, 255);
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
  const other = `sha512:${"0".repeat(128)}`;
  assert.throws(() => parseDigest(other), {
    code: "usage",
    message: `"${other}" is a sha512 digest; only sha256 is signed and verified`,
    remedy: /^Write it as "sha256:"/,
  });
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

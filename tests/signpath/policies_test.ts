/** What SignPath tells of signing policies: of the one that is asked for, and of no other. */
import assert from "node:assert/strict";
import { utf8 } from "../../lib/bytes/bytes.ts";
import { always, connect, json, refused, TOKEN } from "../support/signpath_world.ts";

const ADDRESS = "https://sp.test/Api/v1/org-1/Cryptoki/MySigningPolicies";
const entry = (projectSlug: unknown, signingPolicySlug: unknown, certificateBytes: unknown = btoa("certificate")) => ({
  projectSlug,
  signingPolicySlug,
  certificateBytes,
});
const listing = (...signingPolicies: unknown[]) => always(() => json(200, { signingPolicies }));

Deno.test("a policy's certificate is that of project and policy, whatever else the answer holds", async () => {
  const other = btoa("another");
  const network = listing(
    7,
    null,
    entry("app", "test", other),
    entry("tool", "release", other),
    entry("app", "release"),
  );
  assert.deepEqual(await connect(network.send).certificate("app", "release"), utf8("certificate"));
  assert.equal(network.requests[0]!.url, `${ADDRESS}?projectSlug=app&signingPolicySlug=release`);
  assert.equal(network.requests[0]!.headers.get("authorization"), `Bearer ${TOKEN}`);
});

Deno.test("a policy that is not shown is not found, and what cannot be read is not guessed", async () => {
  const of = (answer: () => Response) => connect(always(answer).send).certificate("app", "release");
  await refused(
    connect(listing(entry("app", "test")).send).certificate("app", "release"),
    "not-found",
    /^SignPath shows this user no signing policy "release" of project "app"$/,
    /submitter of the policy$/,
  );
  for (const certificate of ["a*", "YQ", 7, undefined]) {
    const odd = connect(listing({ ...entry("app", "release"), certificateBytes: certificate }).send);
    if (certificate === undefined || certificate === 7) {
      assert.deepEqual(await odd.certificate("app", "release").catch(() => new Uint8Array()), new Uint8Array());
    } else await refused(odd.certificate("app", "release"), "unavailable", /the certificate of .* is not base64$/);
  }
  for (const body of [{}, { signingPolicies: {} }, [], null]) {
    await refused(
      of(() => json(200, body)),
      "unavailable",
      /the list of signing policies is not what its API describes$/,
    );
  }
  await refused(
    of(() => json(403, { title: "Not you" })),
    "forbidden",
    /answered 403 to asking for the certificate of .*: Not you$/,
  );
  await refused(of(() => json(201, { signingPolicies: [entry("app", "release")] })), "unavailable", /answered 201/);
});

Deno.test("all policies of the user are listed by their names, made printable", async () => {
  const network = listing(entry("app", "release"), entry("a\nb", {}), null);
  assert.deepEqual(await connect(network.send).policies(), [
    { projectSlug: "app", signingPolicySlug: "release" },
    { projectSlug: "a\\u000ab", signingPolicySlug: "" },
    { projectSlug: "", signingPolicySlug: "" },
  ]);
  assert.equal(network.requests[0]!.url, ADDRESS);
});

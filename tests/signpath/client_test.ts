import assert from "node:assert/strict";
import { type Bytes, utf8 } from "../../lib/bytes/bytes.ts";
import { readZip } from "../../lib/bytes/zip.ts";
import { isTagsealError, type NextStep, type TagsealError } from "../../lib/errors.ts";
import type { Send } from "../../lib/http/send.ts";
import { normalizeApiUrl } from "../../lib/signpath/api.ts";
import type { SignPathClient } from "../../lib/signpath/client.ts";
import { always, connect, json, refused, serve, submission, TOKEN } from "../support/signpath_world.ts";

Deno.test("submits, follows and downloads", async () => {
  const service = serve();
  const client = connect(service.handle);
  const { signingRequestId, url } = await client.submit(
    await submission({
      artifactConfigurationSlug: "docker-signing-data",
      description: "two tags",
      parameters: { version: "1.2", "build.url": "https://ci.test/1" },
      cancellationTimeoutInSeconds: 600,
    }),
  );
  assert.equal(url, `https://sp.test/Api/v1/org-1/SigningRequests/${signingRequestId}`);
  const [request] = service.requests();
  assert.equal(request!.id, signingRequestId);
  assert.equal(request!.description, "two tags");
  assert.equal(request!.fileName, "data.zip");
  assert.deepEqual(request!.parameters, { version: "1.2", "build.url": "https://ci.test/1" });
  assert.deepEqual(await client.status(signingRequestId), {
    status: "Completed",
    workflowStatus: "Completed",
    isFinalStatus: true,
    webLink: url,
  });
  const limits = { entries: 9, entryBytes: 999, totalBytes: 999 };
  const signed = await readZip(await client.downloadSigned(signingRequestId), limits);
  assert.deepEqual([...signed.keys()], ["payload/0001.json", "payload/0001.json.sig"]);
});

Deno.test("every spelling of the API address is one", () => {
  for (const address of ["https://a.test", "https://a.test/", "https://a.test/API", "https://a.test/API///?x#y"]) {
    assert.equal(normalizeApiUrl(new URL(address)), "https://a.test/API");
  }
  assert.equal(normalizeApiUrl(new URL("https://u:p@a.test:8/sub/api/")), "https://a.test:8/sub/api");
});

Deno.test("the service's refusals keep their words", async (t) => {
  const client = connect(serve().handle);
  const cases: [string, () => Promise<unknown>, TagsealError["code"], RegExp, RegExp?, NextStep?][] = [
    [
      "unknown project",
      async () => await client.submit(await submission({ projectSlug: "nothing" })),
      "bad-input",
      /^SignPath at "https:\/\/sp\.test" answered 400 to submitting the signing request: Bad Request; The signing request is not valid; projectSlug: There is no such project$/,
    ],
    [
      "wrong token",
      () => connect(serve().handle, { token: "other" }).status("x"),
      "unauthenticated",
      /answered 401 .*The token is not valid/,
      /^Check the API token and the organization id$/,
      { do: "check-signpath-token" },
    ],
    [
      "unknown request",
      () => client.status("x"),
      "not-found",
      /status of signing request "x": .*no signing request "x"/,
    ],
    [
      "not completed",
      async () => {
        const { signingRequestId } = await client.submit(await submission({ signingPolicySlug: "manual" }));
        await client.downloadSigned(signingRequestId);
      },
      "bad-input",
      /answered 400 to downloading .* is not completed, it is "WaitingForApproval"/,
    ],
  ];
  for (const [name, act, code, words, remedy, next] of cases) {
    await t.step(name, () => refused(act(), code, words, remedy, next));
  }
});

Deno.test("refusals of any kind become one printable line without the token", async (t) => {
  const plain = (status: number, body: string, type = "text/plain") =>
    new Response(body, { status, headers: { "content-type": type } });
  const rows: [string, () => Response, TagsealError["code"], RegExp][] = [
    ["403", () => json(403, { title: "Not a submitter." }), "forbidden", /answered 403 .*: Not a submitter$/],
    ["plain text", () => plain(400, "Bad\r\nslug \u001b[31mred\u001b[0m."), "bad-input", /: Bad slug \[31mred \[0m$/],
    [
      "HTML is not quoted",
      () => plain(404, "<html>x</html>", "text/html"),
      "not-found",
      /status of signing request "x"$/,
    ],
    ["token echoed", () => plain(400, `Token ${TOKEN} is odd`), "bad-input", /: Token … is odd$/],
    [
      "list of errors",
      () => json(422, { errors: [{ detail: "a", pointer: "#/b" }] }),
      "bad-input",
      /: detail: a; pointer: #\/b$/,
    ],
    ["long", () => plain(400, "no ".repeat(5000)), "bad-input", /: (no ){98,99}no…$/],
    [
      "not UTF-8",
      () => new Response(Uint8Array.of(0xff), { status: 409, headers: { "content-type": "text/plain" } }),
      "bad-input",
      /"x"$/,
    ],
    ["broken JSON", () => json(400, "{"), "bad-input", /"x"$/],
    ["500 is not repeated", () => json(500, { title: "Oops" }), "unavailable", /answered 500 .*: Oops$/],
    ["neither success nor error", () => new Response(null, { status: 304 }), "unavailable", /answered 304/],
  ];
  for (const [name, response, code, words] of rows) {
    await t.step(name, async () => {
      const network = always(response);
      await refused(connect(network.send).status("x"), code, words);
      assert.equal(network.requests.length, code === "not-found" ? 2 : 1);
    });
  }
});

Deno.test("a submission whose answer is lost is filed once, and says how to go on", async (t) => {
  const lost = /^The signing request may or may not have been filed: /;
  const remedy = /Look it up in SignPath's web UI before submitting again; if it is there, download/;
  const damages: [string, (answer: Response) => Response | Error][] = [
    ["connection reset", () => new TypeError("fetch failed", { cause: new Error("connection reset by peer") })],
    ["answer too long", () => new Response("x".repeat(2_000_000), { status: 201 })],
    ["500", () => json(500, { title: "Oops" })],
    ["no id in it", () => json(201, "{}")],
    ["garbage in it", () => json(201, "<html>", { location: "/a/%2e%2e" })],
    [
      "a body that breaks off",
      () =>
        new Response(
          new ReadableStream({ pull: (c) => c.error(new TypeError("error reading a body from connection")) }),
        ),
    ],
  ];
  for (const [name, damage] of damages) {
    await t.step(name, async () => {
      const service = serve();
      const client = connect(async (request) => {
        const answer = await service.handle(request);
        await answer.body?.cancel();
        const damaged = damage(answer);
        if (damaged instanceof Error) throw damaged;
        return damaged;
      });
      await assert.rejects(
        client.submit(await submission()),
        (e) => isTagsealError(e) && e.details["mayBeFiled"] === true,
      );
      assert.equal(service.requests().length, 1);
      await refused(client.submit(await submission()), "unavailable", lost, remedy);
    });
  }
});

Deno.test("a submission that never left, or is asked for again, is repeated and filed once", async (t) => {
  const later = (status: number) => () => new Response("busy", { status, headers: { "retry-after": "3" } });
  const rows: [string, () => Response | Error, number | undefined][] = [
    [
      "connection refused",
      () => new TypeError("fetch failed", { cause: new Error("tcp connect error: Connection refused") }),
      undefined,
    ],
    ["503 with Retry-After", later(503), 3000],
    ["429 with Retry-After", later(429), 3000],
  ];
  for (const [name, first, wait] of rows) {
    await t.step(name, async () => {
      const service = serve();
      const slept: number[] = [];
      let calls = 0;
      const client = connect(async (request) => {
        if (calls++ > 0) return await service.handle(request);
        await request.body?.cancel();
        const outcome = first();
        if (outcome instanceof Error) throw outcome;
        return outcome;
      }, { sleep: (ms) => Promise.resolve(void slept.push(ms)) });
      const { signingRequestId } = await client.submit(await submission());
      assert.deepEqual(service.requests().map(({ id }) => id), [signingRequestId]);
      assert.equal(slept.length, 1);
      if (wait !== undefined) assert.equal(slept[0], wait);
    });
  }
});

Deno.test("a service that stays unavailable is given up, and how many requests may be there is told", async () => {
  const network = always(() => new Response("maintenance", { status: 503, headers: { "content-type": "text/plain" } }));
  const outcome = connect(network.send).submit(await submission());
  await outcome.catch(() => {});
  const { length } = network.requests;
  assert.ok(length > 3);
  const words = new RegExp(`answered 503 .*: maintenance; at most ${length} signing requests may be there$`);
  await refused(outcome, "unavailable", words, /Look in SignPath's web UI/);
});

Deno.test("a service that has never answered is not waited for as one that has", async () => {
  const slept = async (...answers: number[]) => {
    let [sum, calls] = [0, 0];
    const refusing: Send = () => {
      const status = answers[calls++];
      if (status !== undefined) return Promise.resolve(json(status, {}));
      return Promise.reject(new TypeError("tcp connect error: Connection refused (os error 111)"));
    };
    const sleep = (ms: number) => Promise.resolve(void (sum += ms));
    const client = connect(refusing, { serviceUnavailableTimeoutMs: 60_000, sleep, now: () => new Date(sum) });
    await client.status("x").catch(() => {});
    await client.status("x").catch(() => {});
    return sum;
  };
  assert.deepEqual([await slept(), await slept(200)], [10_000, 60_000]);
});

Deno.test("the id is taken from Location or body; no other host is ever asked", async (t) => {
  const rows: [string, Record<string, string>, unknown, string][] = [
    ["Location", { location: "https://sp.test/API/v1/org-1/SigningRequests/abc-1" }, {}, "abc-1"],
    ["relative Location", { location: "/v1/x/abc-2?y=/z#/w" }, {}, "abc-2"],
    ["Location on another host", { location: "https://evil.test/abc-3" }, {}, "abc-3"],
    ["body", {}, { signingRequestId: "abc-4" }, "abc-4"],
    ["Location that is no id", { location: "https://sp.test/a_b" }, { signingRequestId: "abc-5" }, "abc-5"],
  ];
  for (const [name, headers, body, id] of rows) {
    await t.step(name, async () => {
      const network = always(() => json(201, body, headers));
      const result = await connect(network.send).submit(await submission());
      assert.deepEqual(result, { signingRequestId: id, url: `https://sp.test/Api/v1/org-1/SigningRequests/${id}` });
      assert.deepEqual(network.requests.map(({ url }) => new URL(url).host), ["sp.test"]);
    });
  }
});

Deno.test("what is filed is told by an answer from 200 to 299 alone", async (t) => {
  const rows: [status: number, outcome: "filed" | TagsealError["code"], mayBeFiled: boolean][] = [
    [200, "filed", false],
    [299, "filed", false],
    [300, "unavailable", false],
    [400, "bad-input", false],
    [499, "bad-input", false],
    [500, "unavailable", true],
    [599, "unavailable", true],
  ];
  for (const [status, outcome, mayBeFiled] of rows) {
    await t.step(String(status), async () => {
      const network = always(() => json(status, { signingRequestId: "abc-1" }));
      const submitted = connect(network.send).submit(await submission());
      if (outcome === "filed") assert.equal((await submitted).signingRequestId, "abc-1");
      else {
        await assert.rejects(submitted, (error) => {
          assert.ok(isTagsealError(error, outcome), String(error));
          assert.deepEqual(
            [error.filed, error.details["unclearRequests"]],
            mayBeFiled ? ["maybe", 1] : [undefined, undefined],
          );
          return true;
        });
      }
      assert.equal(network.requests.length, 1);
    });
  }
});

Deno.test("a web link is shown only where it is one", async () => {
  const submitWith = async (webLink: unknown) =>
    (await connect(always(() => json(201, { signingRequestId: "a", webLink })).send).submit(await submission())).url;
  assert.equal(await submitWith("https://app.test/Web/a"), "https://app.test/Web/a");
  const api = "https://sp.test/Api/v1/org-1/SigningRequests/a";
  for (const link of ["http://app.test/Web/a", `https://app.test/${"x".repeat(483)}`]) {
    assert.equal(await submitWith(link), link);
  }
  for (
    const odd of [
      `https://app.test/${"x".repeat(484)}`,
      1,
      "x",
      "javascript:alert(1)",
      `https://x.test/?${TOKEN}`,
      "https://u:p@x.test/",
    ]
  ) {
    assert.equal(await submitWith(odd), api, String(odd));
  }
});

Deno.test("where there is no /Status, the details are asked", async () => {
  const service = serve();
  const asked: string[] = [];
  const client = connect((request) => {
    asked.push(request.url.split("/").at(-1)!);
    return request.url.endsWith("/Status") ? Promise.resolve(json(404, {})) : service.handle(request);
  });
  const { signingRequestId: id } = await client.submit(await submission());
  assert.equal((await client.status(id)).status, "Completed");
  assert.deepEqual(asked, ["SubmitWithArtifact", "Status", id]);
});

Deno.test("a status that is none is refused", async (t) => {
  const bodies = [
    "",
    "[]",
    "null",
    "7",
    "nonsense",
    "{}",
    '{"status":"","isFinalStatus":true}',
    '{"status":"Completed"}',
    '{"status":1,"isFinalStatus":true}',
  ];
  for (const body of [...bodies, '{"status":"Completed","isFinalStatus":"true"}']) {
    await t.step(body || "(empty)", async () => {
      const network = always(() => json(200, body));
      await refused(
        connect(network.send).status("x"),
        "unavailable",
        /status of signing request "x" is not what/,
        /proxy/,
      );
    });
  }
  await t.step("too long", async () => {
    const network = always(() => json(200, " ".repeat(2_000_000)));
    await refused(connect(network.send).status("x"), "unavailable", /too long/);
    assert.equal(network.requests.length, 1);
  });
});

Deno.test("where a request goes on, an unavailable service names it", async (t) => {
  const rows: [string, Response, (client: SignPathClient) => Promise<unknown>][] = [
    ["status", json(500, {}), (client) => client.status("id-1")],
    ["status that is none", json(200, {}), (client) => client.status("id-1")],
    ["download", json(500, {}), (client) => client.downloadSigned("id-1")],
  ];
  for (const [name, answer, act] of rows) {
    await t.step(name, async () => {
      const outcome = act(connect(always(() => answer.clone()).send));
      await refused(outcome, "unavailable", /./, /check the API address|Check that the API address/i);
      await assert.rejects(outcome, (error) => {
        assert.ok(isTagsealError(error));
        assert.deepEqual(error.request, { id: "id-1", goesOn: true });
        return true;
      });
    });
    await answer.body?.cancel();
  }
});

Deno.test("states of tomorrow pass, made printable", async () => {
  const network = always(() => json(200, { status: "New\nState", isFinalStatus: false, workflowStatus: 7 }));
  assert.deepEqual(await connect(network.send).status("x"), {
    status: "New State",
    workflowStatus: "New State",
    isFinalStatus: false,
  });
});

Deno.test("the state of the workflow is told beside the status, and a state that is the token is not", async () => {
  const status = (state: Record<string, unknown>, token?: string) =>
    connect(always(() => json(200, { isFinalStatus: false, ...state })).send, token === undefined ? {} : { token })
      .status("x");
  assert.deepEqual(await status({ status: "InProgress", workflowStatus: "QueuedForMalwareScanning" }), {
    status: "InProgress",
    workflowStatus: "QueuedForMalwareScanning",
    isFinalStatus: false,
  });
  assert.equal((await status({ status: "InProgress" }, "InProgress")).status, "…");
});

Deno.test("a token that is part of a state's name does not change the name", async () => {
  const network = always(() => json(200, { status: "Completed", workflowStatus: "Completed", isFinalStatus: true }));
  assert.equal((await connect(network.send, { token: "e" }).status("x")).status, "Completed");
});

Deno.test("a download follows redirects, but the token stays at the API's origin", async () => {
  const content: Bytes = utf8("signed");
  const seen: [string, string | null][] = [];
  const client = connect((request) => {
    const url = new URL(request.url);
    seen.push([url.host, request.headers.get("authorization")]);
    if (url.host === "sp.test") {
      return Promise.resolve(new Response(null, { status: 302, headers: { location: "https://blobs.test/x?sig=1" } }));
    }
    return Promise.resolve(new Response(content));
  });
  assert.deepEqual(await client.downloadSigned("x"), content);
  assert.deepEqual(seen, [["sp.test", `Bearer ${TOKEN}`], ["blobs.test", null]]);
});

Deno.test("a download follows five redirects, and no more", async () => {
  const after = (times: number) =>
    connect((request) => {
      const hop = Number(new URL(request.url).searchParams.get("hop"));
      const location = `https://blobs.test/?hop=${hop + 1}`;
      return Promise.resolve(
        hop === times ? new Response("x") : new Response(null, { status: 302, headers: { location } }),
      );
    }).downloadSigned("x");
  assert.deepEqual(await after(5), utf8("x"));
  await refused(after(6), "unavailable", /redirects in circles/);
});

Deno.test("a download is bounded", async () => {
  const network = always(() => new Response("x", { headers: { "content-length": String(300 * 1024 * 1024) } }));
  await refused(connect(network.send).downloadSigned("x"), "unavailable", /too long: at most 268435456 bytes/);
});

Deno.test("what cannot be an organization, a token, an id, a slug or a parameter is never sent", async (t) => {
  const network = always(() => json(200, {}));
  const client = connect(network.send);
  const rows: [string, () => Promise<unknown>, RegExp][] = [
    ["id", () => client.status("../x"), /"\.\.\/x" is not a signing request id/],
    ["empty id", () => client.downloadSigned(""), /"" is not a signing request id/],
    ["long id", () => client.status("a".repeat(65)), /is not a signing request id/],
    ["organization", async () => await connect(network.send, { organizationId: "a/b" }).status("x"), /organization id/],
    [
      "token",
      async () => await connect(network.send, { token: `${TOKEN}\n` }).status("x"),
      /API token is empty or has/,
    ],
    [
      "token after a blank",
      async () => await connect(network.send, { token: ` ${TOKEN}` }).status("x"),
      /API token is empty or has/,
    ],
    ["no token", async () => await connect(network.send, { token: "" }).status("x"), /API token is empty or has/],
    ["slug", async () => await client.submit(await submission({ projectSlug: "" })), /The projectSlug is empty/],
    [
      "parameter",
      async () => await client.submit(await submission({ parameters: { "a b\n": "x" } })),
      /parameter name "a b\\u000a" is not one/,
    ],
    [
      "parameter after a blank",
      async () => await client.submit(await submission({ parameters: { " a": "x" } })),
      /parameter name " a" is not one/,
    ],
    [
      "policy",
      async () => await client.submit(await submission({ signingPolicySlug: "" })),
      /signingPolicySlug is empty/,
    ],
  ];
  for (const [name, act, words] of rows) {
    // An async wrapper, because creating the client throws at once.
    await t.step(name, () => refused((async () => await act())(), "usage", words));
  }
  await t.step("and it is said what to name", async () => {
    const named = async (act: () => Promise<unknown>) => {
      const error = await act().catch((error) => error);
      return isTagsealError(error) ? error.next : error;
    };
    const organization = async () => await connect(network.send, { organizationId: "a/b" }).status("x");
    assert.deepEqual(await named(organization), { do: "name-organization" });
    const parameter = async () => await client.submit(await submission({ parameters: { "a b": "x" } }));
    assert.deepEqual(await named(parameter), { do: "name-parameter" });
  });
  await t.step("an artifact that is too long", async () => {
    const artifact = new Uint8Array(256 * 2 ** 20 + 1);
    await refused(
      client.submit(await submission({ artifact })),
      "bad-input",
      /longer than 268435456 bytes/,
      /fewer tags/,
    );
  });
  assert.equal(network.requests.length, 0);
});

Deno.test("a signal ends a call with its reason", async () => {
  const reason = new Error("stop");
  const limits = { signal: AbortSignal.abort(reason) };
  const client = connect(serve().handle);
  await assert.rejects(client.status("x", limits), (error) => error === reason);
});

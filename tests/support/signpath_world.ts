/** SignPath for tests of its client: the embedded service, and a client on a clock that only sleeping moves. @module */
import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { utf8 } from "../../lib/bytes/bytes.ts";
import { writeZip } from "../../lib/bytes/zip.ts";
import { isTagsealError, type NextStep, type TagsealError } from "../../lib/errors.ts";
import type { Send } from "../../lib/http/send.ts";
import { fileSigningKey } from "../../lib/local/signpath_keys.ts";
import {
  createSignPathService,
  type SignPathService,
  type SignPathServiceOptions,
} from "../../lib/local/signpath_service.ts";
import { createSignPathClient, type SignPathClient } from "../../lib/signpath/client.ts";
import type { SignPathOptions, Submission } from "../../lib/signpath/types.ts";

/** The only token. */
export const TOKEN = "secret-token";
/** The key of all policies. */
export const KEY = fileSigningKey(generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey);

/** The service: project `project` with `auto` and `manual`, project `hashes` with `auto`. */
export function serve(more: Partial<SignPathServiceOptions> = {}): SignPathService {
  const policy = { key: KEY, certificate: utf8("certificate") };
  return createSignPathService({
    organizationId: "org-1",
    token: TOKEN,
    now: () => new Date(0),
    projects: [{
      slug: "project",
      policies: [{ ...policy, slug: "auto", approval: "automatic" }, { ...policy, slug: "manual", approval: "manual" }],
    }, {
      slug: "hashes",
      kind: "hash-signing-data",
      policies: [{ ...policy, slug: "auto", approval: "automatic" }],
    }],
    ...more,
  });
}

/** A client on a clock that only sleeping moves. */
export function connect(send: Send, more: Partial<SignPathOptions> = {}): SignPathClient {
  let now = 0;
  return createSignPathClient({
    send,
    apiUrl: new URL("https://sp.test/Api/"),
    organizationId: "org-1",
    token: TOKEN,
    serviceUnavailableTimeoutMs: 60_000,
    transferTimeoutMs: 60_000,
    sleep: (ms) => Promise.resolve(void (now += ms)),
    now: () => new Date(now),
    ...more,
  });
}

/** A submission to `project`, `auto`. */
export async function submission(more: Partial<Submission> = {}): Promise<Submission> {
  return {
    projectSlug: "project",
    signingPolicySlug: "auto",
    artifact: await writeZip([{ name: "payload/0001.json", bytes: utf8("{}") }]),
    fileName: "data.zip",
    ...more,
  };
}

/** A `Send` that answers all with one response and keeps the requests. */
export function always(response: () => Response | Error): { send: Send; requests: Request[] } {
  const requests: Request[] = [];
  return {
    requests,
    send: async (request) => {
      await request.clone().bytes();
      requests.push(request);
      const outcome = response();
      if (outcome instanceof Error) throw outcome;
      return outcome;
    },
  };
}

/** An answer in JSON. */
export function json(status: number, body: unknown, headers: Record<string, string> = {}): Response {
  return new Response(typeof body === "string" ? body : JSON.stringify(body), {
    status,
    headers: { "content-type": "application/json", ...headers },
  });
}

/** Asserts a refusal, and that no part of it holds the token. */
export async function refused(
  promise: Promise<unknown>,
  code: TagsealError["code"],
  words: RegExp,
  remedy = /./,
  next?: NextStep,
) {
  await assert.rejects(promise, (error) => {
    assert.ok(isTagsealError(error, code), `${code} expected: ${error}`);
    assert.match(error.message, words);
    assert.match(error.remedy, remedy);
    if (next) assert.deepEqual(error.next, next);
    assert.doesNotMatch(error.message, /\p{Cc}|\.$/u);
    assert.ok(!JSON.stringify([error.message, error.remedy, error.details]).includes(TOKEN), "the token is shown");
    return true;
  });
}

/** Answers of the embedded registry that several of its calls give. @module */

/** JSON, labelled as docker's registry labels it. */
export function json(
  value: unknown,
  { status = 200, headers = {} }: { readonly status?: number; readonly headers?: Record<string, string> } = {},
): Response {
  return Response.json(value, { status, headers: { "content-type": "application/json; charset=utf-8", ...headers } });
}

/** An error, as the OCI Distribution specification words it. */
export function problem(
  status: number,
  code: string,
  message: string,
  headers: Record<string, string> = {},
): Response {
  return json({ errors: [{ code, message }] }, { status, headers });
}

/** Nothing more is taken. */
export function tooLarge(what: "blob" | "manifest"): Response {
  return problem(413, "SIZE_INVALID", `The ${what} is too large, or the registry is full`);
}

/** The address is known, the method is not. */
export function unsupported(): Response {
  return problem(405, "UNSUPPORTED", "The registry does not know this method here");
}

/** It is stored, and where. */
export function stored(repository: string, kind: "blobs" | "manifests", digest: string): Response {
  const headers = { "location": `/v2/${repository}/${kind}/${digest}`, "docker-content-digest": digest };
  return new Response(null, { status: 201, headers });
}

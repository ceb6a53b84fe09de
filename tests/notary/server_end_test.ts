import assert from "node:assert/strict";
import { describeEnd, endOfServer } from "../../lib/notary/server_end.ts";

const textOf = (url: string, now: string) => {
  const end = endOfServer(new URL(url));
  return end && describeEnd(end, new Date(now));
};

Deno.test("server end: Docker Hub's and Azure's servers end on a day, others are not said to", () => {
  const hub = "https://notary.docker.io";
  assert.equal(textOf(hub, "2026-12-07T23:59:59Z"), "notary.docker.io ends on 8 December 2026");
  assert.equal(textOf(hub, "2026-12-08T00:00:00Z"), "notary.docker.io ended on 8 December 2026");
  assert.equal(textOf("https://acme.azurecr.io/v2", "2027-01-01T00:00:00Z"), "acme.azurecr.io ends on 31 March 2028");
  for (const other of ["https://notary.docker.io.evil.example", "https://registry.example.com", "https://azurecr.io"]) {
    assert.equal(textOf(other, "2027-01-01T00:00:00Z"), undefined, other);
  }
});

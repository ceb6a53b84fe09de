/** `doctor`: looks at everything at once. @module */
import { aheadOf, clockCheck, type Sighting } from "../flows/doctor/clock.ts";
import { type Finding, warning } from "../flows/doctor/finding.ts";
import { runChecks } from "../flows/doctor/run_checks.ts";
import { sentence } from "../bytes/printable.ts";
import type { CommandValues } from "./command.ts";
import type { Flags } from "./flags.ts";
import type { DoctorValues } from "./doctor_flags.ts";
import { machineChecks, proxyGate, repositoriesChecks, serverChecks, signPathPart } from "./doctor_checks.ts";
import type { Host } from "./host.ts";
import { namedOrKnown } from "./known_repositories.ts";
import { openSession } from "./session.ts";

/** For how long one check may go on; what answers at all does so long before. */
const TIMEOUT_MS = 10_000;

/** Looks at everything, at once. @throws {TagsealError} `usage`, `bad-input` for what names no repository; `interrupted` */
export async function examine(
  values: DoctorValues & Partial<Pick<CommandValues<Flags>, "project">>,
  host: Host,
): Promise<Finding[]> {
  const { names } = await namedOrKnown(values, host);
  const over = new AbortController();
  const heard: Sighting[] = [];
  const notes = new Set<string>();
  const gate = proxyGate(values, names, host);
  const watched = watching(host, AbortSignal.any([host.signal, over.signal]), heard, notes, gate);
  const session = openSession(values, watched);
  const signPath = signPathPart(values, session, watched);
  const machine = machineChecks(values, names, { session, gate }, watched);
  const servers = serverChecks(values, names, session, watched);
  const checks = [
    ...machine,
    ...servers.checks,
    ...signPath.checks,
    ...repositoriesChecks(values, names, { session, servers, signPath }, watched),
  ];
  try {
    const findings = await runChecks(checks, {
      signal: host.signal,
      timeoutMs: TIMEOUT_MS,
      onDone: (done) => host.status(`${done} of ${checks.length} checks are done`),
    });
    // By what all others have heard.
    const clock = await runChecks([clockCheck(() => heard)], { signal: host.signal, timeoutMs: TIMEOUT_MS });
    const isMachine = ({ name }: Finding) => machine.some((check) => check.name === name);
    return [
      ...findings.filter(isMachine),
      ...clock,
      ...[...notes].map((note): Finding => ({ name: "note", ...warning(sentence(note), { remedy: SEE_NOTE }) })),
      ...findings.filter((finding) => !isMachine(finding)),
    ];
  } finally {
    host.status("");
    over.abort();
  }
}

const SEE_NOTE = "Put it right where that is not meant to be so; all else was looked at in spite of it";

/**
 * `host`, which says nothing and asks nobody: what it would say is noted, and so is what servers say of the time. Nobody
 * is called where `gate` throws.
 */
function watching(
  host: Host,
  signal: AbortSignal,
  heard: Sighting[],
  notes: Set<string>,
  gate: () => Promise<unknown>,
): Host {
  return {
    ...host,
    signal,
    info() {},
    warn: (line) => void notes.add(line),
    askSecret: () => Promise.resolve(undefined),
    askText: () => Promise.resolve(undefined),
    connect(options) {
      const send = host.connect(options);
      return async (request) => {
        await gate();
        const asked = host.now();
        const response = await send(request);
        const aheadMs = aheadOf(response.headers, asked, host.now());
        if (aheadMs !== undefined) heard.push({ server: new URL(request.url).origin, aheadMs });
        return response;
      };
    },
  };
}

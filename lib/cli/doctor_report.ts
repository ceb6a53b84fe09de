/** What `doctor` prints: fit to be pasted into a ticket. @module */
import type { Finding, FindingState } from "../flows/doctor/finding.ts";
import { EXIT_CODES, worstOf } from "./exit_codes.ts";
import { remedyOf } from "./hints.ts";
import type { Host } from "./host.ts";
import { paragraph } from "./layout.ts";
import { nextCommand } from "./next_command.ts";
import type { Report } from "./report.ts";
import type { Typed } from "./flags.ts";

const STATES: readonly FindingState[] = ["error", "warning", "ok", "skipped"];

/** All findings; the exit code is that of the worst error. */
export function doctorReport(findings: readonly Finding[], typed: Typed, host: Host): Report {
  const hidden = homeHider(host);
  const checks = findings.map((finding) => {
    const { name, repository, server, state, found } = finding;
    const verdict = {
      name,
      ...(repository === undefined ? {} : { repository }),
      ...(server === undefined ? {} : { server }),
      state,
      found: hidden(found),
    };
    if (finding.state === "ok") return verdict;
    const command = finding.action && repository ? nextCommand(repository, finding.action, typed) : undefined;
    return {
      ...verdict,
      ...(finding.state === "error" ? { code: finding.code } : {}),
      remedy: hidden(remedyOf(finding)),
      ...(command === undefined ? {} : { command: hidden(command) }),
    };
  });
  const summary = Object.fromEntries(
    STATES.map((state) => [state, findings.filter((one) => one.state === state).length]),
  );
  const hasMove = (at: number) => !("after" in findings[at]!);
  const codes = findings.flatMap((one) => one.state === "error" ? EXIT_CODES[one.code].exitCode : []);
  return {
    json: { checkedAt: host.now().toISOString(), summary, checks },
    lines: [...linesOf(checks, hasMove), `${STATES.map((state) => `${summary[state]} ${WORDS[state]}`).join(", ")}`],
    exitCode: worstOf(codes),
  };
}

const WORDS: Readonly<Record<FindingState, string>> = {
  error: "wrong",
  warning: "to look at",
  ok: "right",
  skipped: "not looked at",
};

/** A finding as it is shown, and whether there is a move of its own. */
interface Shown {
  readonly name: string;
  readonly repository?: string;
  readonly server?: string;
  readonly state: FindingState;
  readonly found: string;
  readonly remedy?: string;
  readonly command?: string;
}

/** Of more repositories than these nobody reads how well each of them is. */
const TOLD_IN_FULL = 3;

/** What is about one repository or server stands together, under its name. */
function linesOf(checks: readonly Shown[], hasMove: (at: number) => boolean): string[] {
  const groups = Map.groupBy(
    checks.map((check, at) => ({ check, at })),
    ({ check: { repository, server } }) => repository ?? server ?? "",
  );
  const isFleet = new Set(checks.flatMap(({ repository }) => repository ?? [])).size > TOLD_IN_FULL;
  return [...groups].flatMap(([about, some]) =>
    isFleet && some.every(({ check: { repository, state } }) => repository !== undefined && state === "ok")
      ? [`${about}: all ${some.length} right`]
      : groupLines(about, some, hasMove)
  );
}

type Placed = { readonly check: Shown; readonly at: number };

function groupLines(about: string, some: readonly Placed[], hasMove: (at: number) => boolean): string[] {
  return [
    ...(about === "" ? [] : [about]),
    ...some.flatMap(({ check: { state, name, found, remedy, command }, at }) => {
      const indent = about === "" ? "" : "  ";
      const next = `${indent}        next: `;
      return [
        ...paragraph(`${indent}${state.padEnd(7)} `, `${name}: ${found}`),
        ...hasMove(at) && remedy ? paragraph(next, command === undefined ? remedy : `${remedy}:`) : [],
        // Never broken: it is there to be pasted.
        ...command === undefined ? [] : [`          ${command}`],
      ];
    }),
  ];
}

/** The home folder holds a user's name, which is nobody's business who reads a ticket. */
function homeHider(host: Host): (text: string) => string {
  const homes = ["HOME", "USERPROFILE"].flatMap((name) => host.env(name)?.replace(/[/\\]+$/, "") ?? [])
    .filter((home) => home.length > 1);
  return (text) => homes.reduce((text, home) => text.replaceAll(home, "~"), text);
}

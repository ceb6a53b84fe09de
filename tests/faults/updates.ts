/** `self-update` among faults: whatever one request meets, the program is the old one or the new one, and runs. @module */
import { exitCodeOf } from "../../lib/cli/exit_codes.ts";
import { createSend } from "../../lib/http/network.ts";
import { readRetries } from "../../lib/http/read_retries.ts";
import { kindOf, type Met } from "../support/faulty_server.ts";
import { UpdateWorld } from "../support/update_world.ts";
import { counted } from "./calls.ts";
import { LONGEST_S } from "./cells.ts";
import type { FaultRow } from "./faults.ts";
import type { Grounds } from "./world.ts";

/** What an update asks for, one after the other. */
export const UPDATE_REQUESTS: readonly string[] = [
  ...["2.root.json", "timestamp.json", "1.snapshot.json", "1.targets.json"].map((name) => `metadata/${name}`),
  "targets/",
];

/** What came of it. */
export interface Updated {
  readonly code: number;
  readonly seconds: number;
  /** What may not be; empty where all is well. */
  readonly wrong: readonly string[];
}

/** Updates while `fault` is done to the request for what begins with `path`; then once more without it. */
export async function runUpdate(
  { server, time, calls }: Grounds,
  path: string,
  fault: FaultRow,
  times: "once" | "lasting",
): Promise<Updated> {
  await using world = new UpdateWorld();
  world.release();
  await server.forget();
  const { files } = world.repository;
  server.handle = ({ url }) => {
    const bytes = files.get(new URL(url).pathname.slice(1));
    return Promise.resolve(new Response(bytes ?? null, { status: bytes ? 200 : 404 }));
  };
  const { send, close } = createSend();
  const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
  const through = {
    send: counted(send, calls),
    url: new URL(`http://localhost:${server.port}`),
    retry: readRetries({ sleep, now: time.date, onRetry() {} }),
    timeoutMs: undefined,
  };
  const kind = kindOf("GET", `/${[...files.keys()].find((name) => name.startsWith(path)) ?? path}`);
  const at: Met = { kind, nth: 1 };
  server.plan = { at, fault, lasting: times === "lasting" };
  const started = time.now();
  const update = () => world.update({ through }).then(() => 0, exitCodeOf);
  try {
    const code = await update();
    const seconds = (time.now() - started) / 1000;
    const wrong = await wrongOf(world, code === 0);
    if (!server.met.some((met) => met.kind === kind)) wrong.push(`nobody asks for ${path}`);
    const codes = fault.is === "passing" && times === "once" ? [0] : [0, 3, 5];
    if (!codes.includes(code)) wrong.push(`exit code ${code}, not one of ${codes}`);
    if (seconds > LONGEST_S) wrong.push(`it took ${Math.round(seconds)} s`);
    await server.forget();
    const again = code === 0 ? 0 : await update();
    if (again !== 0) wrong.push(`run again it ends with ${again}`);
    wrong.push(...await wrongOf(world, true));
    return { code, seconds, wrong };
  } finally {
    close();
    await server.forget();
  }
}

async function wrongOf(world: UpdateWorld, isNew: boolean): Promise<string[]> {
  const [runs, wanted] = [await world.runs(), isNew ? "2.0.0" : "1.0.0"];
  const names = isNew ? "tagseal,tagseal.previous" : "tagseal";
  return [
    ...runs === wanted ? [] : [`the program is ${runs}, not ${wanted}`],
    ...String(world.names()) === names ? [] : [`beside it lie ${world.names()}`],
  ];
}

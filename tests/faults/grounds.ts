/** What all cells stand on: a faulty server, a clock that jumps, and a folder for machines. @module */
import { FaultyServer } from "../support/faulty_server.ts";
import { JumpingTime } from "../support/jumping_time.ts";
import { Table } from "./cells.ts";
import { type BrokenTls, startBrokenTls } from "./conditions.ts";
import { Disk } from "./disk.ts";
import { newSignPath } from "../support/local_story.ts";

/** Runs `use` with a table, on a server and in a folder that are gone afterwards. */
export async function withTable(use: (table: Table) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "tagseal-faults-" });
  try {
    await using server = await FaultyServer.start();
    const calls = { underWay: 0 };
    using time = new JumpingTime(() => calls.underWay <= server.stuck && server.busy <= server.stuck);
    server.now = time.date;
    await using disk = await Disk.mount(`${folder}/disk`);
    const { signPath, certificates } = await newSignPath({ now: time.date });
    const grounds = { server, time, calls, disk, signPath, certificates };
    await using stack = new AsyncDisposableStack();
    let tls: Promise<BrokenTls> | undefined;
    await use(new Table(grounds, folder, () => tls ??= startBrokenTls(grounds, folder, stack)));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

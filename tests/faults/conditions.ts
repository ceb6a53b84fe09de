/** Troubles that are no single request's: with TLS, with the disk, with the clock. @module */
import { createLocalCa, LOOPBACK_NAMES } from "../../lib/local/certificates.ts";
import type { Cell } from "./cells.ts";
import type { Disk } from "./disk.ts";
import type { Scene } from "./scenes.ts";
import type { Known, Service } from "./take.ts";
import type { Grounds } from "./world.ts";

const DAY_MS = 86_400_000;
const SHIFTS_DAYS = [-5000, -400, -2, 2, 400, 5000] as const;
const SERVICES: readonly Service[] = ["notary", "registry", "signpath"];

/** A server that does not get as far as a request. */
interface BadTls {
  readonly name: string;
  readonly url: string;
  /** Whether the CA is told to the command. */
  readonly isKnown: boolean;
}

/** Where services have broken TLS. */
export type BrokenTls = (scene: Scene, known: Known) => Cell[];

/** Starts the servers with broken TLS; they end with `stack`. */
export async function startBrokenTls(
  grounds: Grounds,
  folder: string,
  stack: AsyncDisposableStack,
): Promise<BrokenTls> {
  const ca = await createLocalCa(grounds.time.date(), "tagseal tests, faults");
  const caPath = `${folder}/ca.pem`;
  await Deno.writeTextFile(caPath, ca.caPem);
  const bad = await startBadTls(ca, grounds, stack);
  return (scene, { met }) =>
    SERVICES.filter((service) => met.some(({ kind }) => kind.includes(` ${service} `))).flatMap((used) =>
      bad.map(({ name, url, isKnown }) => ({
        scene,
        name,
        where: used,
        // Who says nothing is as good as away: where the copy may stand in, it does. A request that is filed goes on.
        codes: [5, ...used === "signpath" || name === "TLS: silence" ? [0] : [], ...waits(scene, used) ? [8] : []],
        trouble: { addresses: { [used]: url }, ...(isKnown ? { flags: ["--ca", caPath] } : {}) },
      }))
    );
}

/** Whether the command looks after a signing request that is filed. */
function waits({ args: [command] }: Scene, used: Service): boolean {
  return used === "signpath" && (command === "resume" || command === "download");
}

/** Where the disk is full or read-only, or the clock wrong. */
export function ofMachine({ disk, time }: Grounds, scene: Scene, { writes }: Known): Cell[] {
  return [
    ...disk ? ofDisk(disk, scene, writes) : [],
    ...SHIFTS_DAYS.map((days): Cell => ({
      scene,
      name: "clock",
      where: `${days} days`,
      codes: [0, 2, 3],
      says: /this machine's clock/i,
      trouble: { host: { now: () => new Date(time.date().getTime() + days * DAY_MS) } },
    })),
  ];
}

function ofDisk(disk: Disk, scene: Scene, writes: number): Cell[] {
  const codes = [0, 2];
  return [
    ...Array.from({ length: writes }, (_, nth): Cell => ({
      scene,
      name: "disk full",
      where: `from write ${nth + 1} on`,
      codes,
      trouble: { around: () => disk.fullFrom(nth) },
    })),
    ...[["home"], ["work"], ["home", "work"]].map((names): Cell => ({
      scene,
      name: "read-only",
      where: names.join(", "),
      codes,
      trouble: { around: ({ story }) => disk.readOnly(names.map((name) => `${story.folder}/${name}`)) },
    })),
  ];
}

async function startBadTls(
  ca: Awaited<ReturnType<typeof createLocalCa>>,
  { server, time }: Grounds,
  stack: AsyncDisposableStack,
): Promise<BadTls[]> {
  const serve = (cert: string, key: string, handler: (request: Request) => Response | Promise<Response>) => {
    const running = Deno.serve({ hostname: "127.0.0.1", port: 0, cert, key, onListen() {} }, handler);
    stack.use(running);
    return `https://localhost:${running.addr.port}`;
  };
  const listen = (talk: (connection: Deno.Conn) => Promise<void>) => {
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    stack.defer(() => listener.close());
    (async () => {
      for await (const connection of listener) {
        talk(connection).catch(() => {}).finally(() => connection.close()); // who hangs up is no concern of ours
      }
    })();
    return `https://localhost:${listener.addr.port}`;
  };
  const heard = new Uint8Array(4096);
  const handle = (request: Request) => server.handle(request);
  const good = await ca.issue(LOOPBACK_NAMES);
  const other = await ca.issue(["other.example"]);
  const old = await createLocalCa(new Date(time.date().getTime() - 400 * DAY_MS), "tagseal tests, faults, past", 4000);
  const expired = await old.issue(LOOPBACK_NAMES);
  const elsewhere = (request: Request) => {
    const { pathname, search } = new URL(request.url);
    return Response.redirect(`http://127.0.0.1:${server.port}${pathname}${search}`, 307);
  };
  return [
    { name: "TLS: certificate for another name", url: serve(other.certPem, other.keyPem, handle), isKnown: true },
    { name: "TLS: certificate expired", url: serve(expired.certPem, expired.keyPem, handle), isKnown: true },
    { name: "TLS: unknown CA", url: serve(good.certPem, good.keyPem, handle), isKnown: false },
    { name: "TLS: redirect to plain http", url: serve(good.certPem, good.keyPem, elsewhere), isKnown: true },
    { name: "TLS: handshake cut", url: listen(async (connection) => void await connection.read(heard)), isKnown: true },
    {
      name: "TLS: no TLS on the port",
      url: listen(async (connection) => {
        await connection.read(heard);
        await connection.write(new TextEncoder().encode("HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n"));
      }),
      isKnown: true,
    },
    {
      name: "TLS: silence",
      url: listen(async (connection) => {
        server.stuck++;
        while (await connection.read(heard).finally(() => {}) !== null);
        server.stuck--;
      }),
      isKnown: true,
    },
  ];
}

/** The world of one cell: a machine with its servers, copied from a template, behind one faulty server. @module */
import { createSend } from "../../lib/http/network.ts";
import type { Send } from "../../lib/http/send.ts";
import { type Database, openDatabase } from "../../lib/local/database.ts";
import { createNotaryServer } from "../../lib/local/notary_server.ts";
import { createNotaryStore } from "../../lib/local/notary_sqlite.ts";
import { createRegistry } from "../../lib/local/registry.ts";
import { createRegistryStore } from "../../lib/local/registry_sqlite.ts";
import { createSignPathService, type SignPathServiceOptions } from "../../lib/local/signpath_service.ts";
import type { FaultyServer } from "../support/faulty_server.ts";
import type { Disk } from "./disk.ts";
import { type Calls, counted } from "./calls.ts";
import { guarded } from "./guard.ts";
import { copyFolder } from "../support/folders.ts";
import type { JumpingTime } from "../support/jumping_time.ts";
import { type Peers, Story } from "../support/local_story.ts";

/** What all worlds share. */
export interface Grounds {
  /** In front of the services. */
  readonly server: FaultyServer;
  /** The clock of everybody. */
  readonly time: JumpingTime;
  /** Where machines are, if it can be had. */
  readonly disk: Disk | undefined;
  /** Who SignPath is. */
  readonly signPath: SignPathServiceOptions;
  /** What users have of SignPath's keys. */
  readonly certificates: Pick<Peers, "certificate" | "otherCertificate">;
  /** Those that are under way. */
  readonly calls: Calls;
}

const DATABASES = ["one.db", "to.db"] as const;
const FOLDERS = ["home", "work"] as const;

/** What a world is made from. */
export interface WorldOptions {
  /** A folder with a copy of what it holds; it holds nothing where that is left out. */
  readonly template?: string | undefined;
  /** Whether registry and Notary server want tokens of commands; both are open to all unless said. */
  readonly isGuarded?: boolean | undefined;
}

/** A machine and its servers. */
export class World implements AsyncDisposable {
  private constructor(
    readonly grounds: Grounds,
    /** The machine. */
    readonly story: Story,
    /** All services at once. */
    readonly handle: Send,
    private readonly folder: string,
    private readonly databases: readonly Database[],
    private readonly way: { exposed: boolean },
  ) {}

  /** Opens one. */
  static async open(grounds: Grounds, { template, isGuarded = false }: WorldOptions = {}): Promise<World> {
    const { server, time, certificates, calls } = grounds;
    const folder = await Deno.makeTempDir({ prefix: "tagseal-servers-" });
    if (template) { for (const name of DATABASES) await Deno.copyFile(`${template}/${name}`, `${folder}/${name}`); }
    const databases = DATABASES.map((name) => openDatabase(`${folder}/${name}`));
    const [notary, elsewhere] = databases.map((database) =>
      createNotaryServer({ now: time.date, store: createNotaryStore(database) })
    );
    const registry = createRegistry({ store: createRegistryStore(databases[0]!) });
    const signPath = createSignPathService(grounds.signPath);
    const handle: Send = (request) => {
      const { pathname, origin, search } = new URL(request.url);
      if (pathname.startsWith("/API/")) return signPath.handle(request);
      if (pathname === "/token") return Promise.resolve(Response.json({ token: "another-one" }));
      if (pathname.startsWith("/to/")) {
        return elsewhere!.handle(new Request(origin + pathname.slice("/to".length) + search, request));
      }
      const isNotary = pathname.includes("/_trust/") || pathname.startsWith("/_notary_server/");
      return (isNotary ? notary! : registry).handle(request);
    };
    const way = { exposed: false };
    const story = await Story.begin({
      ...certificates,
      host: `localhost:${server.port}`,
      apiUrl: `http://localhost:${server.port}/API`,
      organizationId: grounds.signPath.organizationId,
      apiToken: grounds.signPath.token,
      signPath,
      connect(options) {
        if (!way.exposed) return { send: handle, close() {} };
        const { send, close } = createSend(options);
        return { send: counted(send, calls), close };
      },
    }, grounds.disk?.folder);
    for (const name of template ? FOLDERS : []) {
      await Deno.remove(`${story.folder}/${name}`, { recursive: true });
      await copyFolder(`${template}/${name}`, `${story.folder}/${name}`);
    }
    server.handle = isGuarded ? guarded(handle) : handle;
    return new World(grounds, story, handle, folder, databases, way);
  }

  /** Whether commands go through the faulty server; else straight to the services. */
  set exposed(on: boolean) {
    this.way.exposed = on;
  }

  /** Ends it, and leaves what it holds as a template. */
  async keep(template: string): Promise<void> {
    await Deno.mkdir(template);
    for (const name of FOLDERS) await copyFolder(`${this.story.folder}/${name}`, `${template}/${name}`);
    this.databases.forEach((database) => database.close());
    for (const name of DATABASES) await Deno.copyFile(`${this.folder}/${name}`, `${template}/${name}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { server } = this.grounds;
    server.handle = () => Promise.resolve(new Response(null, { status: 503 })); // a call given up may come in late
    await server.forget();
    for (const database of this.databases) if (database.isOpen) database.close();
    await Deno.remove(this.folder, { recursive: true });
    await this.story[Symbol.asyncDispose]();
  }
}

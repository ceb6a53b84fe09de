/**
 * A small disk for the machines of the table, which can be full or read-only. It is mounted, which wants root; writes of this
 * process to files are counted, so that the disk is full from one of them on.
 *
 * @module
 */
type Write = typeof Deno.FsFile.prototype.writeSync;

const SIZE = "32m";
const PIECE = new Uint8Array(64 * 1024);
const { writeSync } = Deno.FsFile.prototype;

/** Has `before` called before each write to a file until it is disposed of; what it throws takes the write's place. */
export function beforeWrites(before: () => void): Disposable {
  Deno.FsFile.prototype.writeSync = function (...args: Parameters<Write>) {
    before();
    return writeSync.apply(this, args);
  };
  return { [Symbol.dispose]: () => void (Deno.FsFile.prototype.writeSync = writeSync) };
}

async function run(program: string, ...args: string[]): Promise<boolean> {
  return await new Deno.Command(program, { args, stdout: "null", stderr: "null" }).output().then(
    ({ success }) => success,
    () => false,
  );
}

/** The disk. */
export class Disk implements AsyncDisposable {
  private constructor(readonly folder: string) {}

  /** Mounts one on a folder that is made for it; nothing where this user, or this system, may not. */
  static async mount(folder: string): Promise<Disk | undefined> {
    await Deno.mkdir(folder);
    return await run("mount", "-t", "tmpfs", "-o", `size=${SIZE},mode=700`, "tmpfs", folder)
      ? new Disk(folder)
      : undefined;
  }

  /** It is full from the `nth` write on, the first being 0. */
  fullFrom(nth: number): Disposable {
    const filler = `${this.folder}/filler`;
    let left = nth;
    const writes = beforeWrites(() => left-- === 0 && fill(filler));
    return {
      [Symbol.dispose]() {
        writes[Symbol.dispose]();
        if (left < 0) Deno.removeSync(filler);
      },
    };
  }

  /** Nothing below `folders` can be changed until it is disposed of. */
  async readOnly(folders: readonly string[]): Promise<AsyncDisposable> {
    await using stack = new AsyncDisposableStack();
    for (const folder of folders) {
      stack.defer(async () => void await run("umount", folder));
      const isBound = await run("mount", "--bind", folder, folder);
      if (!isBound || !await run("mount", "-o", "remount,ro,bind", folder)) throw new Error(`${folder} stays writable`);
    }
    return stack.move();
  }

  /** Takes it away, with all that is on it. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!await run("umount", this.folder)) throw new Error(`${this.folder} stays mounted`);
  }
}

/** Takes all the room that there is. */
function fill(path: string): void {
  using file = Deno.openSync(path, { write: true, createNew: true });
  for (let size = PIECE.length; size > 0;) {
    try {
      writeSync.call(file, PIECE.subarray(0, size));
    } catch {
      size = Math.floor(size / 2);
    }
  }
}

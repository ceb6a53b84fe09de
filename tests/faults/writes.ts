/** Writing to files of this process: counted, and failed as a full disk fails it. @module */

type Write = typeof Deno.FsFile.prototype.writeSync;

/** Has `write` stand in for each write to a file until it is disposed of. */
function replacingWrites(write: (file: Deno.FsFile, bytes: Parameters<Write>[0], real: Write) => number): Disposable {
  const { writeSync } = Deno.FsFile.prototype;
  Deno.FsFile.prototype.writeSync = function (bytes) {
    return write(this, bytes, writeSync);
  };
  return { [Symbol.dispose]: () => void (Deno.FsFile.prototype.writeSync = writeSync) };
}

/** Tells of each write. */
export function countWrites(told: () => void): Disposable {
  return replacingWrites((file, bytes, real) => {
    told();
    return real.call(file, bytes);
  });
}

/** The disk is full from the `nth` write on, the first being 0: as a device that always is says it. */
export function fullFrom(nth: number): Disposable {
  let left = nth;
  return replacingWrites((file, bytes, real) => {
    if (left-- > 0) return real.call(file, bytes);
    using full = Deno.openSync("/dev/full", { write: true });
    return real.call(full, bytes);
  });
}

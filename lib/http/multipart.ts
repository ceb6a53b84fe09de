/** Forms that hold files (RFC 7578). @module */
import { type Bytes, concat, utf8 } from "../bytes/bytes.ts";

/** A request's body, and its type. */
export interface Form {
  /** For the header `Content-Type`. */
  readonly type: string;
  /** The body. */
  readonly body: Bytes;
}

/** A form of files by name, all in the field `field`, in one piece: the runtime sends its own forms through streams. */
export function formOfFiles(field: string, files: ReadonlyMap<string, Bytes>): Form {
  const boundary = crypto.randomUUID();
  const parts = [...files].flatMap(([name, bytes]) => {
    const quoted = name.replace(/["\r\n]/g, encodeURIComponent);
    const head = `--${boundary}\r\nContent-Disposition: form-data; name="${field}"; filename="${quoted}"\r\n` +
      "Content-Type: application/octet-stream\r\n\r\n";
    return [utf8(head), bytes, utf8("\r\n")];
  });
  return { type: `multipart/form-data; boundary=${boundary}`, body: concat(...parts, utf8(`--${boundary}--\r\n`)) };
}

/** All commands, each loaded when it is asked for. @module */
import type { CommandEntry } from "../lib/cli/command.ts";

/** The command tree: name, summary, and the file that holds the rest. */
export const COMMANDS: Readonly<Record<string, CommandEntry>> = {
  "init": { summary: "Set a repository up: keys, root certificate, first publish", load: () => import("./init.ts") },
  "root-certificate": {
    summary: "Write the root certificate of a signed repository",
    load: () => import("./root_certificate.ts"),
  },
  "add-delegation": {
    summary: "Let the key of a certificate sign tags",
    load: () => import("./add_delegation.ts"),
  },
  "sign": { summary: "Sign tags with SignPath: the four steps in one", load: () => import("./sign.ts") },
  "signing-data": { summary: "Step 1: write what is to be signed", load: () => import("./signing_data.ts") },
  "submit": { summary: "Step 2: send it to SignPath", load: () => import("./submit.ts") },
  "download": { summary: "Step 3: get it back signed", load: () => import("./download.ts") },
  "push": { summary: "Step 4: check and publish it", load: () => import("./push.ts") },
  "list": { summary: "List signed tags", load: () => import("./list.ts") },
  "verify": { summary: "Prove that tags are signed", load: () => import("./verify.ts") },
  "local": {
    summary: "Run a registry, a Notary server and SignPath on this machine",
    load: () => import("./local.ts"),
  },
  "demo": { summary: "Tell the whole story on the embedded stack", load: () => import("./demo.ts") },
};

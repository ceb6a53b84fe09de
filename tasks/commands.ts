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
  "remove-delegation": {
    summary: "Take the right to sign tags away, and prove it",
    load: () => import("./remove_delegation.ts"),
  },
  "rotate-key": { summary: "Give a role a new key", load: () => import("./rotate_key.ts") },
  "delete-key": { summary: "Delete a key that nothing needs any more", load: () => import("./delete_key.ts") },
  "keys": { summary: "List the keys that are here", load: () => import("./keys.ts") },
  "sign": { summary: "Sign tags with SignPath: the four steps in one", load: () => import("./sign.ts") },
  "signing-data": { summary: "Step 1: write what is to be signed", load: () => import("./signing_data.ts") },
  "submit": { summary: "Step 2: send it to SignPath", load: () => import("./submit.ts") },
  "download": { summary: "Step 3: get it back signed", load: () => import("./download.ts") },
  "push": { summary: "Step 4: check and publish it", load: () => import("./push.ts") },
  "remove-tag": { summary: "Withdraw the signature of tags", load: () => import("./remove_tag.ts") },
  "list": { summary: "List signed tags", load: () => import("./list.ts") },
  "verify": { summary: "Prove that tags are signed", load: () => import("./verify.ts") },
  "inspect": { summary: "Show roles, keys and signers of a repository", load: () => import("./inspect.ts") },
  "status": {
    summary: "Show the health of repositories, and what to do next",
    load: () => import("./status.ts"),
  },
  "export": { summary: "Keep all trust data in a file that verifies offline", load: () => import("./export.ts") },
  "local": {
    summary: "Run a registry, a Notary server and SignPath on this machine",
    load: () => import("./local.ts"),
  },
  "demo": { summary: "Tell the whole story on the embedded stack", load: () => import("./demo.ts") },
};

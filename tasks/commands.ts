/**
 * All commands: what each is for and needs, and the file with the rest, which is loaded when it is asked for.
 *
 * @module
 */
import type { CommandEntry } from "../lib/cli/command.ts";

/** The one table of commands; `deno task sync` writes tasks and permission sets from it. */
export const COMMANDS: Readonly<Record<string, CommandEntry>> = {
  "init": {
    summary: "Set a repository up: keys, root certificate, first publish",
    needs: ["notary", "signpath", "root-key", "targets-key", "token", "write"],
    load: () => import("./init.ts"),
  },
  "root-certificate": {
    summary: "Write the root certificate of a signed repository",
    needs: ["notary", "write"],
    load: () => import("./root_certificate.ts"),
  },
  "add-delegation": {
    summary: "Let the key of a certificate sign tags",
    needs: ["notary", "signpath", "targets-key", "token", "write"],
    load: () => import("./add_delegation.ts"),
  },
  "remove-delegation": {
    summary: "Take the right to sign tags away, and prove it",
    needs: ["notary", "targets-key", "token", "write"],
    load: () => import("./remove_delegation.ts"),
  },
  "rotate-key": {
    summary: "Give a role a new key",
    needs: ["notary", "root-key", "targets-key", "token", "write"],
    load: () => import("./rotate_key.ts"),
  },
  "delete-key": {
    summary: "Delete a key that nothing needs any more",
    needs: ["notary", "write"],
    load: () => import("./delete_key.ts"),
  },
  "keys": {
    summary: "List the keys that are here",
    needs: ["trust-dir", "token"],
    load: () => import("./keys.ts"),
  },
  "sign": {
    summary: "Sign tags with SignPath: the four steps in one",
    needs: ["notary", "registry", "signpath", "delegation-key", "token", "write"],
    load: () => import("./sign.ts"),
  },
  "signing-data": {
    summary: "Step 1: write what is to be signed",
    needs: ["notary", "registry", "write"],
    load: () => import("./signing_data.ts"),
  },
  "show": {
    summary: "Show what signing data would have signed, verified, offline",
    needs: ["trust-dir"],
    load: () => import("./show.ts"),
  },
  "submit": {
    summary: "Step 2: send it to SignPath",
    needs: ["signpath", "write"],
    load: () => import("./submit.ts"),
  },
  "download": {
    summary: "Step 3: get it back signed",
    needs: ["signpath", "write"],
    load: () => import("./download.ts"),
  },
  "push": {
    summary: "Step 4: check and publish it",
    needs: ["notary", "registry", "write"],
    load: () => import("./push.ts"),
  },
  "resume": {
    summary: "Go on with a signing request: wait, check, publish",
    needs: ["notary", "registry", "signpath", "write"],
    load: () => import("./resume.ts"),
  },
  "cancel": {
    summary: "Cancel a signing request that waits",
    needs: ["signpath", "write"],
    load: () => import("./cancel.ts"),
  },
  "remove-tag": {
    summary: "Withdraw the signature of tags",
    alias: "revoke",
    needs: ["notary", "signpath", "delegation-key", "token", "write"],
    load: () => import("./remove_tag.ts"),
  },
  "renew": {
    summary: "Sign roles anew before they end, with the tags they hold",
    needs: ["notary", "signpath", "delegation-key", "token", "write"],
    load: () => import("./renew.ts"),
  },
  "list": {
    summary: "List signed tags",
    needs: ["notary", "write"],
    load: () => import("./list.ts"),
  },
  "verify": {
    summary: "Prove that tags are signed",
    needs: ["notary", "registry", "write"],
    load: () => import("./verify.ts"),
  },
  "inspect": {
    summary: "Show roles, keys and signers of a repository",
    needs: ["notary", "write"],
    load: () => import("./inspect.ts"),
  },
  "status": {
    summary: "Show the health of repositories, and what to do next",
    needs: ["notary", "write"],
    load: () => import("./status.ts"),
  },
  "audit": {
    summary: "Tell whether all is signed as it should be",
    needs: ["notary", "registry", "write"],
    load: () => import("./audit.ts"),
  },
  "report": {
    summary: "Write a page on roles, keys, expiry and signed tags",
    needs: ["notary", "registry", "write"],
    load: () => import("./report.ts"),
  },
  "doctor": {
    summary: "Look whether everything is as signing needs it",
    needs: ["notary", "registry", "signpath", "token", "write"],
    load: () => import("./doctor.ts"),
  },
  "export": {
    summary: "Keep all trust data in a file that verifies offline",
    needs: ["notary", "write"],
    load: () => import("./export.ts"),
  },
  "diff": {
    summary: "Tell what has changed since an export, or between two",
    needs: ["notary", "write"],
    load: () => import("./diff.ts"),
  },
  "move": {
    summary: "Take a repository to another Notary server, or to another name",
    needs: ["notary", "root-key", "token", "write"],
    load: () => import("./move.ts"),
  },
  "migrate": {
    summary: "Sign with cosign and Notation what is signed with Docker Content Trust",
    needs: ["notary", "registry", "signpath", "delegation-key", "token", "write"],
    load: () => import("./migrate.ts"),
  },
  "policy": {
    summary: "Write what cosign's and Notation's verifiers need",
    needs: ["signpath", "write"],
    load: () => import("./policy.ts"),
  },
  "completion": {
    summary: "Complete commands, flags and known names in your shell",
    needs: [],
    load: () => import("./completion.ts"),
  },
  "self-update": {
    summary: "Replace this program by its newest release",
    needs: ["releases", "write"],
    load: () => import("./self_update.ts"),
  },
  "help": {
    summary: "Explain commands, and exit-codes, variables, json",
    needs: [],
    load: () => import("./help.ts"),
  },
  "env": {
    summary: "Show what variables and flags come to, and from where",
    needs: ["variables"],
    load: () => import("./env.ts"),
  },
  "forget": {
    summary: "Forget the copy of a repository that was set up anew",
    needs: ["notary", "write"],
    load: () => import("./forget.ts"),
  },
  "local": {
    summary: "Run a registry, a Notary server and SignPath on this machine",
    needs: ["loopback", "token", "write"],
    load: () => import("./local.ts"),
  },
  "demo": {
    summary: "Tell the whole story on the embedded stack",
    needs: ["loopback", "own-folder"],
    load: () => import("./demo.ts"),
  },
};

/**
 * What each command prints with `--json`, as shapes: the reference shows them, and a test holds what commands print to
 * them.
 *
 * @module
 */

/**
 * The shape of a value: words joined by " | " for plain values, a list of one for lists, an object for objects, where a
 * name that ends in "?" may be missing and `<name>` stands for names that are data.
 */
export type Shape = string | readonly [Shape] | { readonly [name: string]: Shape };

const TAG = { tag: "string", digest: "digest" };
const ROLE_VERSION = { role: "string", version: "integer" };
const ERROR = {
  code: "string",
  message: "string",
  remedy: "string",
  details: { "<name>": "any" },
  "published?": "yes | maybe | no",
};
const FAILED = [{ repository: "string", error: ERROR }] as const;
const SKIPPED = [{ role: "string", reason: "string" }] as const;
const ROLE = {
  role: "string",
  version: "integer | null",
  expires: "time | null",
  threshold: "integer",
  keyIds: ["string"],
  "paths?": ["string"],
} as const;
const SIGNERS = [{ name: "string", keyIds: ["string"] }] as const;
const OFFLINE = { "file?": "string", "why?": "string", judgedAt: "time" } as const;
const TAGS = {
  repository: "string",
  tags: [{
    ...TAG,
    length: "integer",
    role: "string",
    signers: ["string"],
    "differs?": "boolean",
  }],
  expires: { "<role>": "time" },
  "skipped?": SKIPPED,
  "offline?": OFFLINE,
} as const;
const SIGNED = {
  repositories: [{
    repository: "string",
    outcome: "published | unchanged",
    tags: [{ ...TAG, previousDigest: "digest | null" }],
    "removedTags?": ["string"],
    roles: [ROLE_VERSION],
    "signatures?": [{
      scheme: "cosign | notation",
      ...TAG,
      reference: "string",
      outcome: "published | unchanged",
    }],
  }],
  signingRequestId: "string | null",
  "unclearRequests?": "integer",
  "failed?": FAILED,
} as const;
const CHANGE = {
  repository: "string",
  delegationKeyId: "string",
  "alternativeKeyIds?": ["string"],
  tags: [{ ...TAG, length: "integer", "mediaType?": "string", previousDigest: "digest | null" }],
  removedTags: [{ tag: "string", previousDigest: "digest | null" }],
} as const;
const ROLE_CHANGE = { role: "string", baseVersion: "integer", version: "integer" } as const;
const IMAGES = [{
  scheme: "cosign | notation",
  repository: "string",
  signatures: [{ ...TAG, "platform?": "string", form: "classic | bundle | jws" }],
}] as const;
const MIGRATED = {
  moved: [{ repository: "string", ...TAG, now: "digest | null" }],
  gone: [{ repository: "string", ...TAG }],
  "refused?": [{ repository: "string", ...TAG, error: ERROR }],
} as const;
const SHOWN_KEY = { keyId: "string", "subject?": "string" } as const;
const SHOWN_SIGNATURE = { state: "none | good | bad | unknown", "by?": SHOWN_KEY } as const;
const UNCHANGED = [{ repository: "string", tags: [TAG] }] as const;
const DRY_RUN = {
  dryRun: "true",
  repositories: [{ ...CHANGE, roles: [ROLE_CHANGE] }],
  unchanged: UNCHANGED,
  "images?": IMAGES,
  "failed?": FAILED,
} as const;
const MOVED = {
  repository: "string",
  movedTo: { repository: "string", notaryUrl: "string" },
  rootKeyId: "string",
} as const;
const ROOT_CERTIFICATE = {
  repository: "string",
  rootCertificatePath: "string",
  rootKeyId: "string",
  targetsKeyId: "string",
} as const;

const COMPARISON = {
  tags: [{
    tag: "string",
    change: "added | moved | withdrawn",
    from: "digest | null",
    to: "digest | null",
    roles: ["string"],
  }],
  roles: [{
    role: "string",
    change: "added | changed | removed",
    addedKeyIds: ["string"],
    removedKeyIds: ["string"],
    "threshold?": { from: "integer", to: "integer" },
    "paths?": { from: ["string"], to: ["string"] },
  }],
  "skipped?": SKIPPED,
} as const;
const STATE = { "file?": "string", judgedAt: "time", version: "integer" } as const;
const DIFFERENCE = {
  repository: "string",
  "before?": STATE,
  "after?": STATE,
  ...COMPARISON,
} as const;

const END = {
  kind: "role | certificate",
  roles: ["string"],
  "keyId?": "string",
  expires: "time",
  daysLeft: "integer",
} as const;

/** The document of a failure. */
export const FAILURE: Shape = { error: ERROR };

/** By command; where flags decide, by what is given. */
export const DOCUMENTS: Readonly<Record<string, Readonly<Record<string, Shape>>>> = {
  "env": {
    "": {
      "projectFile?": { path: "string", isNamed: "boolean" },
      variables: [{ name: "string", isSet: "boolean", value: "string | null" }],
      flags: [{
        flag: "string",
        commands: ["string"],
        value: "string | null",
        source: "flag | variable | file | default | none",
        "variable?": "string",
        "pointer?": "string",
        "counts?": "boolean",
      }],
      unknown: [{ name: "string", meant: "string | null" }],
    },
  },
  "init": { "": { ...ROOT_CERTIFICATE, "projectFile?": "string" } },
  "root-certificate": { "": ROOT_CERTIFICATE },
  "add-delegation": {
    "": {
      repository: "string",
      outcome: "published | unchanged",
      roles: ["string"],
      keyId: "string",
      targetsVersion: "integer",
    },
  },
  "remove-delegation": {
    "": {
      repository: "string",
      outcome: "published | unchanged",
      removed: [{ role: "string", keyIds: ["string"] }],
      delegations: [{ role: "string", keyIds: ["string"] }],
      targetsVersion: "integer",
      lost: ["string"],
      moved: ["string"],
      noSigner: "boolean",
    },
  },
  "rotate-key": {
    "": {
      repository: "string",
      role: "string",
      oldKeyIds: ["string"],
      newKeyId: "string",
      targetsKeyId: "string",
      rootVersion: "integer",
      targetsVersion: "integer",
      oldKeys: [{ keyId: "string", path: "string | null" }],
      "rootCertificatePath?": "string",
      "rootKeyId?": "string",
    },
  },
  "delete-key": {
    "": {
      keyId: "string",
      role: "string",
      repository: "string | null",
      path: "string | null",
      deleted: "true",
      proof: "any",
    },
  },
  "keys": {
    "": {
      keys: [{
        keyId: "string",
        role: "string",
        repositories: ["string"],
        path: "string | null",
        token: "string | null",
      }],
    },
  },
  "sign": {
    "": SIGNED,
    "--dry-run": DRY_RUN,
  },
  "signing-data": {
    "": {
      outputArtifactPath: "string | null",
      repositories: [{
        ...CHANGE,
        notaryUrl: "string",
        root: { version: "integer", sha256: "string" },
        roles: [{ ...ROLE_CHANGE, payload: "string", sha256: "string" }],
      }],
      "images?": IMAGES,
      unchanged: UNCHANGED,
    },
    "--print-artifact-configuration": { artifactConfiguration: "string" },
  },
  "show": {
    "": {
      path: "string",
      isConsistent: "boolean",
      created: "time",
      tool: "string",
      "origin?": { "build?": "string", "commit?": "string", "by?": "string" },
      payloads: { all: "integer", signed: "integer" },
      repositories: [{
        repository: "string",
        notaryUrl: "string",
        root: "any",
        keys: [SHOWN_KEY],
        roles: [{
          role: "string",
          baseVersion: "integer | null",
          version: "integer | null",
          expires: "time | null",
          moves: [{ tag: "string", from: "digest | null", to: "digest | null", "length?": "integer" }],
          unchanged: "integer",
          problems: ["string"],
          signature: SHOWN_SIGNATURE,
        }],
        problems: ["string"],
      }],
      images: [{
        scheme: "cosign | notation",
        repository: "string",
        key: SHOWN_KEY,
        signatures: [{
          form: "classic | bundle | jws",
          ...TAG,
          "platform?": "string",
          problems: ["string"],
          signature: SHOWN_SIGNATURE,
        }],
      }],
      problems: ["string"],
    },
  },
  "submit": {
    "": {
      signingRequestId: "string",
      url: "string",
      status: "string",
      "outputArtifactPath?": "string",
      "unclearRequests?": "integer",
    },
  },
  "download": { "": { signingRequestId: "string", outputArtifactPath: "string" } },
  "push": { "": SIGNED },
  "resume": { "": SIGNED },
  "cancel": { "": { signingRequestId: "string", outcome: "canceled | unchanged" } },
  "remove-tag": { "": SIGNED },
  "renew": { "": SIGNED },
  "list": {
    "": TAGS,
    "--since": {
      repository: "string",
      since: "time",
      complete: "boolean",
      events: [{ version: "integer", at: "time", ...COMPARISON }],
      "untrusted?": [{ version: "integer", at: "time", reason: "string" }],
    },
  },
  "verify": {
    "": TAGS,
    "--registry": { ...TAGS, gone: ["string"] },
    "--scheme": {
      repository: "string",
      tags: [{
        "tag?": "string",
        digest: "digest",
        length: "integer",
        mediaType: "string",
        signatures: [{
          scheme: "dct | cosign | notation",
          "form?": "classic | bundle | jws",
          "keyId?": "string",
          "tag?": "string",
          "payload?": "digest",
          "readers?": ["string"],
          "subject?": "string",
          "signedAt?": "time",
          "reference?": "digest",
          "role?": "string",
          "signers?": ["string"],
        }],
        "skipped?": [{ scheme: "cosign | notation", place: "string", reason: "string", message: "string" }],
      }],
      "offline?": OFFLINE,
    },
  },
  "inspect": {
    "": { ...TAGS, roles: [ROLE], signers: SIGNERS, rootKeyIds: ["string"], targetsKeyIds: ["string"] },
  },
  "audit": {
    "": {
      checkedAt: "time",
      summary: { error: "integer", warning: "integer", note: "integer" },
      repositories: [{
        repository: "string",
        "trusted?": "boolean",
        "registry?": "asked | not-asked | failed",
        "tags?": { "<standing>": "integer" },
        findings: [{
          rule: "string",
          severity: "error | warning | note",
          "tag?": "string",
          "role?": "string",
          message: "string",
          remedy: "string",
          "command?": "string",
          "code?": "string",
        }],
      }],
    },
  },
  "report": {
    "": {
      path: "string",
      summary: { error: "integer", warning: "integer", note: "integer" },
      repositories: ["string"],
    },
  },
  "doctor": {
    "": {
      checkedAt: "time",
      summary: { error: "integer", warning: "integer", ok: "integer", skipped: "integer" },
      checks: [{
        name: "string",
        "repository?": "string",
        "server?": "string",
        state: "ok | warning | error | skipped",
        found: "string",
        "code?": "string",
        "remedy?": "string",
        "command?": "string",
      }],
    },
  },
  "status": {
    "": {
      repository: "string",
      notaryUrl: "string",
      checkedAt: "time",
      trusted: "boolean",
      rootTrustedBy: "pin | known | first-use",
      roles: [{
        ...ROLE,
        state: "ok | expired | skipped | unpublished",
        "reason?": "string",
        "unusableKeys?": [{ keyId: "string", reason: "string", bars: "boolean" }],
        cachedVersion: "integer | null",
        daysLeft: "integer | null",
      }],
      certificates: [{
        roles: ["string"],
        keyId: "string",
        subject: "string",
        expires: "time",
        daysLeft: "integer",
      }],
      managedBy: { snapshot: "server | here | elsewhere | unknown", timestamp: "server" },
      signers: SIGNERS,
      keysHere: [{ keyId: "string", role: "string", signsFor: ["string"] }],
      problems: [{
        severity: "error | warning | advice",
        code: "string",
        "role?": "string",
        message: "string",
        remedy: "string",
        "command?": "string",
      }],
      "endsWithin?": [END],
    },
    "--summary": {
      repositories: [{
        repository: "string",
        "notaryUrl?": "string",
        "trusted?": "boolean",
        "rootTrustedBy?": "pin | known | first-use",
        "errors?": "integer",
        "warnings?": "integer",
        "firstEnd?": END,
        "error?": ERROR,
      }],
    },
  },
  "export": {
    "": {
      path: "string",
      sha256: "string",
      repositories: [{
        repository: "string",
        notaryUrl: "string",
        verified: {
          at: "time",
          rootTrustedBy: "pin | known | first-use",
          rootKeyIds: ["string"],
          rootsFrom: "integer | null",
        },
        skipped: SKIPPED,
        files: "integer",
      }],
    },
  },
  "diff": { "": { repositories: [DIFFERENCE] }, "-r": DIFFERENCE },
  "move": {
    "": {
      ...MOVED,
      outcome: "moved | unchanged",
      tags: [{ ...TAG, length: "integer", role: "string", signers: ["string"] }],
      roles: [{ ...ROLE_VERSION, previousVersion: "integer" }],
      clients: "go-on | delete-copies | new-name",
      "clientsFromRoot?": "integer",
      "deleteCopies?": ["string"],
      undo: { method: "DELETE", url: "string", command: "string" },
    },
    "--dry-run": {
      ...MOVED,
      dryRun: "true",
      isBegun: "boolean",
      rootVersions: ["integer"],
      posts: "integer",
      roles: [ROLE_VERSION],
    },
  },
  "migrate": { "": { ...SIGNED, ...MIGRATED }, "--dry-run": { ...DRY_RUN, ...MIGRATED } },
  "policy": {
    "": {
      outputDir: "string",
      keyId: "string",
      verifiers: [{
        verifier: "podman | notation | kyverno | connaisseur | ratify | policy-controller",
        files: [{ path: "string", outcome: "written | merged | unchanged" }],
        commands: [["string"]],
        notes: ["string"],
      }],
    },
  },
  "completion": { "": { shell: "bash | zsh | fish | powershell", script: "string" } },
  "self-update": {
    "": {
      outcome: "unchanged | available | replaced",
      version: "string",
      newVersion: "string | null",
      path: "string",
      "previousPath?": "string",
      "outOfReach?": { version: "string", oldestDeno: "string" },
    },
  },
  "help": { "": { topic: "string", lines: ["string"] } },
  "forget": {
    "": {
      repository: "string",
      oldRootKeyIds: ["string"],
      newRootKeyIds: ["string"],
      outcome: "forgotten | unchanged",
    },
  },
  "local": {
    "": {
      host: "string",
      repository: "string",
      tags: ["string"],
      certificate: "string",
      variables: { "<name>": "string" },
    },
  },
  "demo": { "": { ok: "true", seconds: "number" } },
};

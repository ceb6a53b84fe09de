/**
 * The next safe move as facts: what is to be done, and about what. Whoever shows an error says it in the words of the
 * user's surroundings, as the command line does with its flags; without them the error's `remedy` says the same.
 *
 * @module
 */

/** What is said by its name alone. */
export type PlainMove =
  /** Address of the API of SignPath, or what answers there. */
  | "check-signpath-address"
  | "check-signpath-names"
  | "check-signpath-service"
  | "check-signpath-token"
  /** SignPath answered what it cannot have said. */
  | "distrust-signpath-answer"
  | "name-organization"
  | "name-hash-project"
  | "name-parameter"
  | "sign-with-other-key-kind"
  /** A signing request may have been filed. */
  | "look-for-request"
  /** An earlier run may have filed one. */
  | "look-for-own-request"
  | "name-own-request"
  | "file-new-request"
  | "check-notary-address"
  | "check-repository"
  | "name-registry"
  | "name-trust-folder"
  | "renew-policy-certificate"
  | "give-signpath-settings"
  | "print-artifact-configuration"
  | "look-in-some-minutes"
  | "name-notary"
  | "name-notary-anew"
  | "read-and-ask-operator"
  /** The root is neither known nor pinned. */
  | "pin-root"
  /** Name the CA that has issued a server's certificate. */
  | "trust-ca"
  | "replace-ca-as-server-certificate"
  | "name-tags-apart"
  | "name-key-folder"
  | "name-token-of-key"
  | "plug-in-token"
  | "check-token-module"
  | "install-token-module"
  | "name-built-token-module"
  | "name-token"
  | "plug-in-or-name-token"
  | "make-key-on-token"
  | "build-token-addon"
  | "rebuild-token-addon"
  | "choose-port"
  | "list-keys"
  | "list-root-keys"
  | "publish-certificate-and-delegate"
  | "delegate-then-sign"
  | "sign-then-look"
  | "delegate-first"
  | "show-delegations"
  | "show-delegation-keys"
  | "look-at-new-keys"
  | "look-at-later-tags"
  | "list-tags"
  | "make-signing-data-anew"
  | "use-signing-data"
  | "use-export"
  | "leave-export"
  | "add-certificate"
  | "name-signing-key"
  | "look-at-status"
  | "sign-test-tag"
  | "sign-then-delete-key"
  | "replace-certificate"
  | "pin-in-ci";

/** One move. */
export type NextStep =
  | { readonly do: PlainMove }
  /** In words that hold everywhere. */
  | { readonly do: "as-told"; readonly remedy: string }
  /** One after the other. */
  | { readonly do: "in-turn"; readonly steps: readonly NextStep[] }
  /** Look whether a change that may have been published is there, once what comes `first` has been put right. */
  | { readonly do: "look-whether-published"; readonly why: string; readonly first: NextStep | undefined }
  /** Pin a root that its administrator confirms, once the one in `folder` is moved away. */
  | { readonly do: "pin-confirmed-root"; readonly repository: string; readonly folder: string | undefined }
  | { readonly do: "restore-root"; readonly folder: string | undefined }
  /** The server has lost the repository; `folder` holds its old root. */
  | { readonly do: "check-vanished"; readonly folder: string | undefined }
  | { readonly do: "let-server-sign-snapshot"; readonly repository: string }
  | { readonly do: "protect-keys"; readonly folder: string }
  | { readonly do: "move-file-away"; readonly path: string }
  /** A project file lies where others may have put it. */
  | { readonly do: "name-project-file"; readonly path: string }
  /** A server's address, for example `like`. */
  | { readonly do: "give-plain-address"; readonly like: string | undefined }
  /** Ids are canonical. */
  | { readonly do: "name-key"; readonly keyIds: readonly string[] }
  | { readonly do: "bring-key"; readonly keyIds: readonly string[] }
  /** A signing policy has a key that may not sign; those with `keyIds` may. */
  | { readonly do: "name-policy-or-delegate"; readonly repository: string; readonly keyIds: readonly string[] }
  /** A delegation is missing; `others` are the short names of those that are there. */
  | { readonly do: "have-delegation-added"; readonly others: readonly string[] }
  | { readonly do: "have-key-removed"; readonly repository: string; readonly keyId: string }
  /** A signature is not that of the delegation's keys. */
  | { readonly do: "compare-policy-key"; readonly keyIds: readonly string[] }
  | { readonly do: "bring-role-key"; readonly role: "root" | "targets" };

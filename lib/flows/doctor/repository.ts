/** Whether a repository can be signed: access, trust data, pin, expiry, and whose keys may sign. @module */
import type { KeyId } from "../../crypto/keys.ts";
import { TagsealError } from "../../errors.ts";
import type { KeyStore } from "../../keystore/keystore.ts";
import type { Trust } from "../../notary/repository.ts";
import { requireWritable } from "../../registry/blob.ts";
import type { RegistryRepository } from "../../registry/repository.ts";
import { requirePolicyKey, signingKeys } from "../../schemes/notary_v1/signing_keys.ts";
import type { PolicyKey } from "../../signing/payload_signer.ts";
import { type RepositoryStatus, repositoryStatus } from "../repository_status.ts";
import type { Problem } from "../status_advice.ts";
import { endsOf, endWords } from "../status_ends.ts";
import { readOnly } from "../look_at_expired.ts";
import { type Check, ok, type Verdict, warning } from "./finding.ts";
import { once } from "./once.ts";

/** A repository to look at. */
export interface RepositoryToCheck {
  /** The GUN. */
  readonly gun: string;
  /** Opens its Notary server, to publish; nothing where content trust is not signed. */
  readonly openNotary: (() => Promise<Trust>) | undefined;
  /** Opens its registry, with the access that signing wants. */
  readonly openRegistry: () => Promise<RegistryRepository>;
  /** Whether signatures are pushed to the registry. */
  readonly pushes: boolean;
  /** The name of the delegation that signs. */
  readonly signer: string;
  /** Which of its keys, where that was said. */
  readonly keyId: () => Promise<string | undefined>;
  /** The keys of this machine, for the keys that lie about. */
  readonly keys: Pick<KeyStore, "list">;
  /** The keys at hand, where such a one signs. */
  readonly atHand: (() => Promise<ReadonlySet<KeyId>>) | undefined;
  /** The key of the signing policy, where a service signs. */
  readonly policyKey: (() => Promise<PolicyKey>) | undefined;
}

const MAX_ANSWER_BYTES = 2 ** 20;
const EXPIRIES: readonly Problem["code"][] = ["expired", "expires-soon"];
/** What other checks tell in their own way, and what is no fault. */
const TOLD: readonly Problem["code"][] = [...EXPIRIES, "server-ends", "not-pinned", "no-delegation"];

/** The checks of one repository. */
export function repositoryChecks(task: RepositoryToCheck): Check[] {
  const { gun: repository, openRegistry, pushes } = task;
  const registry: Check = {
    name: "registry-access",
    repository,
    async run() {
      const at = await openRegistry();
      if (!pushes) return await pullVerdict(at);
      await requireWritable(at);
      return ok("Takes pushes of this user");
    },
  };
  return [...task.openNotary ? notaryChecks(task, task.openNotary) : [], registry];
}

async function pullVerdict(registry: RegistryRepository): Promise<Verdict> {
  const { status } = await registry.request({ to: "tags/list?n=1", maxBytes: MAX_ANSWER_BYTES });
  if (status === 200) return ok("Can be pulled from");
  return warning(`The registry has no images of it (status ${status})`, {
    remedy: "Push the image first: what is signed is looked up there",
  });
}

function notaryChecks(task: RepositoryToCheck, open: () => Promise<Trust>): Check[] {
  const { gun: repository, signer, keyId } = task;
  const recent: NonNullable<Trust["recent"]> = new Map();
  const trust = once(async (): Promise<Trust> => {
    const opened = await open();
    const { server } = opened;
    const snapshotKey = once(() => server.managedKey(repository, "snapshot"));
    // Looking trusts nothing anew: a root that is met here is met by the first command that uses it.
    return {
      ...opened,
      server: {
        ...server,
        managedKey: (gun, role, which) =>
          role === "snapshot" && which === undefined ? snapshotKey() : server.managedKey(gun, role, which),
      },
      store: readOnly(opened.store),
      onFirstUse: () => {},
      recent,
    };
  });
  const status = once(async () => await repositoryStatus(await trust(), task.keys, repository));
  const keys = once(async () => {
    await status();
    const trusted = recent.get(repository)?.repository;
    if (!trusted) throw notTrusted(repository);
    return signingKeys(trusted, { signer, keyId: await keyId() }, await task.atHand?.());
  });
  const checks: Check[] = [
    {
      name: "notary-access",
      repository,
      async run() {
        const { server } = await trust();
        await server.read(repository, "timestamp");
        await server.managedKey(repository, "snapshot"); // given to those only who may push
        return ok("This user may read and publish");
      },
    },
    { name: "trust-data", repository, run: async () => trustVerdicts(await status()) },
    { name: "pin", repository, run: async () => pinVerdict(await status()) },
    { name: "expiry", repository, run: async () => expiryVerdicts(await status()) },
    {
      name: "delegation",
      repository,
      async run() {
        const ids = (await keys()).map(({ canonicalId }) => canonicalId.slice(0, 12));
        return ok(`targets/${signer} and targets/releases hold the key ${ids.join(", ")}`);
      },
    },
  ];
  const { policyKey } = task;
  if (policyKey) {
    checks.push({
      name: "policy-key",
      repository,
      async run() {
        const [policy, allowed] = await Promise.all([policyKey(), keys()]);
        requirePolicyKey(repository, allowed.map(({ canonicalId }) => canonicalId), policy);
        return ok(`The signing policy "${policy.policy}" has the delegation's key ${policy.keyId.slice(0, 12)}`);
      },
    });
  }
  return checks;
}

function notTrusted(repository: string): TagsealError {
  return new TagsealError(
    "trust-invalid",
    `The trust data of "${repository}" is not trusted, so nothing can be signed`,
    {
      remedy: "Put right what its other findings say",
      next: { do: "look-at-status" },
    },
  );
}

function trustVerdicts({ trusted, roles, problems }: RepositoryStatus): Verdict[] {
  const others = problems.filter(({ code, severity }) => severity !== "advice" && !TOLD.includes(code)).map(verdictFor);
  const versions = roles.flatMap(({ role, version }) => version === null ? [] : `${role} ${version}`).join(", ");
  if (trusted) return [ok(`Verified: ${versions}`), ...others];
  return [{
    state: "error",
    code: "trust-invalid",
    found: `Verified, but expired, and so not trusted: ${versions}`,
    remedy: "Put right what has expired",
    next: { do: "look-at-status" },
  }, ...others];
}

function pinVerdict({ rootTrustedBy }: RepositoryStatus): Verdict {
  switch (rootTrustedBy) {
    case "pin":
      return ok("Its root is held by a pin");
    case "known":
      return ok("Its root is the one that this machine knows from before; it is not pinned");
    case "first-use":
      return warning("Its root is neither pinned nor known here: it would be trusted at first sight", {
        remedy: "Pin its certificate or key id",
        next: { do: "pin-root" },
      });
  }
}

function expiryVerdicts(status: RepositoryStatus): Verdict[] {
  const found = status.problems.filter(({ code, severity }) => EXPIRIES.includes(code) && severity !== "advice");
  if (found.length > 0) return found.map(verdictFor);
  const [first] = endsOf(status);
  return [ok(first ? `Nothing ends soon; first ${endWords(first)}, on ${first.expires.slice(0, 10)}` : "Nothing ends")];
}

function verdictFor({ severity, message: found, remedy, next, action }: Problem): Verdict {
  const move = { remedy, next, action };
  return severity === "error" ? { state: "error", code: "trust-invalid", found, ...move } : warning(found, move);
}

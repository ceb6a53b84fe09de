/** `tagseal verify`: are these tags signed? @module */
import {
  connectionFlags,
  notaryFlags,
  registryFlags,
  repositoryFlag,
  signedTagFlags,
} from "../lib/cli/common_flags.ts";
import { type Command, defineCommand } from "../lib/cli/command.ts";
import { fromFlag, openReading } from "../lib/cli/exported.ts";
import { toggle } from "../lib/cli/flags.ts";
import type { Host } from "../lib/cli/host.ts";
import { imageSignerFlags, type Target, verifyTarget } from "../lib/cli/image_target.ts";
import { type NotaryValues, openSession, type Session } from "../lib/cli/session.ts";
import { tagListReport } from "../lib/cli/tag_report.ts";
import type { Trust } from "../lib/notary/repository.ts";
import { isDigest } from "../lib/registry/image_ref.ts";
import { describeTags, verifyAllTags, verifyTags } from "../lib/schemes/notary_v1/verify_tags.ts";

/** The command. */
export const command: Command = defineCommand({
  description:
    "Proves that tags are signed and prints tag and digest: pull by that digest. Exit code 3 where one is not. " +
    "With --expect-digest the tag must be signed as exactly that digest. With --from the whole chain is verified from " +
    "a file of tagseal export alone, and expiry is judged as of the export. With --scheme cosign or notation what the " +
    "registry, or --oci-layout, has under the tag now must be signed by whom --key and --certificate name, in all the " +
    "schemes of the list. -r name@sha256:… verifies that digest and says which tags sign it. With --registry what the " +
    "registry serves now must be what is signed, under the tags, or all that are signed. No transparency log, no time " +
    "stamp server and no revocation service is asked.",
  flags: {
    ...repositoryFlag,
    ...signedTagFlags,
    registry: toggle("--registry", "compare with what the registry serves now; without --tags all that is signed"),
    ...imageSignerFlags,
    ...fromFlag,
    ...notaryFlags,
    ...registryFlags,
    ...connectionFlags,
  },
  example: "tagseal verify -r registry.example.com/team/app -t v1 --root-pin root.pem",
  async run(values, host) {
    const target = verifyTarget(values);
    const { name, expected } = target;
    const session = openSession(values, host);
    const isAsked = values.scheme.includes("dct");
    if (isAsked && values.scheme.length === 1) {
      const { list, offline } = await asDocker(values, session, host, target, expected);
      if (values.registry) {
        return (await import("../lib/cli/served_report.ts")).servedReport(list, target, session, host, offline);
      }
      const report = tagListReport(list, ({ tag, digest }) => `${tag} ${digest}`, offline);
      const rows = describeTags(list).tags.map(({ tag, digest }) => ({
        repository: name.gun,
        tag,
        digest,
        outcome: "verified",
      }));
      return { ...report, tags: rows };
    }
    // Who asks for content trust alone does not wait for what the others take.
    const { verifiedImages } = await import("../lib/cli/image_signers.ts");
    const { imagesReport } = await import("../lib/cli/image_words.ts");
    const { images, offline: layout } = await verifiedImages(values, session, host, target);
    if (!isAsked) return imagesReport(name.gun, images, [], layout);
    // What is signed must be what is there.
    const digests = new Map(
      images.flatMap(({ tag, image }) => tag === undefined ? [] : [[tag, image.digest] as const]),
    );
    const { list, offline } = await asDocker(values, session, host, target, digests);
    return imagesReport(name.gun, images, describeTags(list).tags, layout ?? offline);
  },
});

async function asDocker(
  values: NotaryValues & { readonly from?: string | undefined },
  session: Session,
  host: Host,
  { name, references }: Target,
  digests: ReadonlyMap<string, string>,
) {
  const { trust, offline } = await (await openReading(values, host, session))(name);
  const now: Trust = { ...trust, offline: "refused" }; // a copy, however well verified, proves nothing about now
  const [digest] = references;
  const list = digest === undefined || isDigest(digest)
    ? await verifyAllTags(now, name.gun, digest)
    : await verifyTags(now, name.gun, references, digests);
  return { list, offline };
}

/** `tagseal inspect`: what a repository is made of. @module */
import { connectionFlags, notaryFlags, repositoryFlag } from "../lib/cli/common_flags.ts";
import { type Command, defineCommand } from "../lib/cli/command.ts";
import { fromFlag, openReading } from "../lib/cli/exported.ts";
import { list, text } from "../lib/cli/flags.ts";
import { dockerReport, inspectReport } from "../lib/cli/inspect_report.ts";
import { TagsealError } from "../lib/errors.ts";
import { dockerInspection } from "../lib/flows/docker_inspection.ts";
import { inspect } from "../lib/flows/inspect_repository.ts";
import { openRepository } from "../lib/notary/repository.ts";
import { standIn } from "../lib/cli/tag_report.ts";
import { parseImageName, validTag } from "../lib/registry/image_ref.ts";

/** The command. */
export const command: Command = defineCommand({
  description: "Shows the signed tags of a repository with roles, their versions, expiry and keys, and the signers. " +
    "Key ids are canonical ones. --format docker prints exactly what docker trust inspect prints; there -t takes the " +
    "part after the colon of docker trust inspect <name>:<tag>. All trust data is verified first.",
  flags: {
    ...repositoryFlag,
    tags: list("-t, --tags <a,b>", "these tags only"),
    format: { ...text("--format <format>", "docker: as docker trust inspect prints it"), choices: ["docker"] },
    ...fromFlag,
    ...notaryFlags,
    ...connectionFlags,
  },
  example: "tagseal inspect -r registry.example.com/team/app --format docker",
  async run(values, host) {
    if (![undefined, "docker"].includes(values.format)) {
      throw new TagsealError("usage", `There is no format "${values.format?.slice(0, 40)}"`, {
        remedy: "Give --format docker, or --json, or neither",
      });
    }
    const name = parseImageName(values.repository);
    const tags = [...new Set(values.tags.map(validTag))];
    const { trust, offline } = await (await openReading(values, host))(name);
    const { repository, offline: why } = await openRepository(trust, name.gun);
    const found = inspect(repository);
    for (const { role, reason } of found.skipped) host.warn(`"${role}" is not trusted and left out: ${reason}`);
    if (values.format === "docker") {
      const wanted = tags.length > 0 ? tags : [undefined];
      return dockerReport(wanted.map((tag) => dockerInspection(repository, values.repository, tag)));
    }
    const shown = tags.length > 0 ? found.tags.filter(({ tag }) => tags.includes(tag)) : found.tags;
    return inspectReport({ ...found, tags: shown }, standIn(offline, why, host.now()));
  },
});

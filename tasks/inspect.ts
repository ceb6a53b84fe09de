/** `tagseal inspect`: what a repository is made of. @module */
import { connectionFlags, notaryFlags } from "../lib/cli/common_flags.ts";
import { type Command, defineCommand } from "../lib/cli/command.ts";
import { fromFlag, openReadings } from "../lib/cli/exported.ts";
import { list, text } from "../lib/cli/flags.ts";
import { dockerReport, inspectReport } from "../lib/cli/inspect_report.ts";
import { TagsealError } from "../lib/errors.ts";
import { dockerInspection } from "../lib/flows/docker_inspection.ts";
import { inspect } from "../lib/flows/inspect_repository.ts";
import { openRepository } from "../lib/notary/repository.ts";
import { failures, forEachRepository, joinReports, repositoriesFlags } from "../lib/cli/repositories.ts";
import { standIn } from "../lib/cli/tag_report.ts";
import { validTag } from "../lib/registry/image_ref.ts";

/** The command. */
export const command: Command = defineCommand({
  description: "Shows the signed tags of a repository with roles, their versions, expiry and keys, and the signers. " +
    "Key ids are canonical ones. --format docker prints exactly what docker trust inspect prints; there -t takes the " +
    "part after the colon of docker trust inspect <name>:<tag>. All trust data is verified first.",
  flags: {
    ...repositoriesFlags,
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
    const tags = [...new Set(values.tags.map(validTag))];
    const { repositories, open } = await openReadings(values, host);
    const found = await forEachRepository(repositories, host, async (name) => {
      const { trust, offline } = await open(name);
      const { repository, offline: why } = await openRepository(trust, name.gun);
      const inspection = inspect(repository);
      for (const { role, reason } of inspection.skipped) {
        host.warn(`"${role}" of "${name.gun}" is not trusted and left out: ${reason}`);
      }
      return { repository, inspection, offline: standIn(offline, why, host.now()) };
    });
    if (values.format === "docker") {
      const wanted = tags.length > 0 ? tags : [undefined];
      const all = found.flatMap((one) => "error" in one ? [] : one.value.repository);
      const typed = (gun: string) => repositories.fromFile ? gun : values.repository ?? gun;
      const report = dockerReport(
        all.flatMap((one) => wanted.map((tag) => dockerInspection(one, typed(one.gun), tag))),
      );
      return { ...report, exitCode: failures(found, host) };
    }
    const reports = found.map((one) => {
      if ("error" in one) return one;
      const { inspection, offline } = one.value;
      const shown = tags.length > 0 ? inspection.tags.filter(({ tag }) => tags.includes(tag)) : inspection.tags;
      return { repository: one.repository, value: inspectReport({ ...inspection, tags: shown }, offline) };
    });
    return joinReports(repositories, reports, host);
  },
});

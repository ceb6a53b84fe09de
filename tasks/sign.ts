/** `tagseal sign`: the main job in one command. @module */
import { buildFlags, registryFlags, tagFlags, workFlags } from "../lib/cli/common_flags.ts";
import { type Command, defineCommand } from "../lib/cli/command.ts";
import { schemeFlags } from "../lib/cli/schemes.ts";
import { openSession } from "../lib/cli/session.ts";
import { docker29 } from "../lib/cli/server_end.ts";
import { openNeededMethod, runSigning, signingFlags } from "../lib/cli/signing_method.ts";
import { openWork, readWork } from "../lib/cli/work.ts";

/** The command. */
export const command: Command = defineCommand({
  description:
    "Looks the tags up in the registry, has the new trust data signed by SignPath (or by a key at hand), checks what " +
    "comes back, publishes it to the Notary server and reads it back. Replaces Invoke-DockerSigning.",
  flags: { ...workFlags, ...tagFlags, ...buildFlags, ...schemeFlags, ...signingFlags, ...registryFlags },
  example:
    "tagseal sign -r registry.example.com/team/app -t v1,1.2.17 --project-slug app --signing-policy-slug release",
  async run(values, host) {
    const wanted = await readWork(values, host);
    const session = openSession(values, host);
    const signer = await openNeededMethod(values, session, host);
    const access = values.dryRun ? "pull" : "push,pull";
    const work = await openWork(wanted, values, session, host, access, signer?.holder);
    const report = await runSigning(work, signer, values, host);
    if (!values.dryRun && values.scheme.includes("dct")) host.info(docker29());
    return report;
  },
});

/** Where Docker keeps what belongs to the user, and the trust directory in it. @module */
import { TagsealError } from "../errors.ts";
import { isFile } from "../files/files.ts";
import type { Host } from "./host.ts";

/** Value of `--trust-dir`. */
export interface TrustDirValue {
  /** As the user typed it. */
  readonly trustDir: string | undefined;
}

/** Docker's folder of this user; `undefined` where there is no home to have one in. */
export function dockerFolder(host: Pick<Host, "env" | "path">): string | undefined {
  const configured = host.env("DOCKER_CONFIG");
  if (configured && isFile(host.path(configured))) {
    throw new TagsealError("usage", `DOCKER_CONFIG names a file, "${configured}": a folder is needed`, {
      remedy: "Set it to the folder that holds config.json",
    });
  }
  if (configured) return host.path(configured);
  const home = host.env("HOME") ?? host.env("USERPROFILE");
  return home && `${home.replace(/[/\\]+$/, "")}/.docker`;
}

/** The trust directory; `undefined` where there is no home to have one in. */
export function trustFolder({ trustDir }: TrustDirValue, host: Pick<Host, "env" | "path">): string | undefined {
  if (trustDir !== undefined) return host.path(trustDir);
  const docker = dockerFolder(host);
  return docker && `${docker}/trust`;
}

/** What the SignPathDocker and SignPath modules of PowerShell call things, where it has another name here. @module */

/** Commands by cmdlet. */
export const CMDLETS: Readonly<Record<string, string>> = {
  "Initialize-DockerSigning": "init",
  "Get-RootCertificate": "root-certificate",
  "Add-DelegationCertificate": "add-delegation",
  "Invoke-DockerSigning": "sign",
  "New-DockerSigningData": "signing-data",
  "Submit-SigningRequest": "submit",
  "Get-SignedArtifact": "download",
  "Push-SignedDockerSigningData": "push",
};

/** Flags by parameter; of all others the name is the same, in lower case with dashes. */
const PARAMETERS: Readonly<Record<string, string>> = {
  "delegationcertificatepath": "delegation-certificate",
  "parameters": "parameter",
  "waitforcompletiontimeoutinseconds": "wait-for-completion-timeout",
  "serviceunavailabletimeoutinseconds": "service-unavailable-timeout",
  "uploadanddownloadrequesttimeoutinseconds": "upload-and-download-timeout",
};

/**
 * Which of `flags` (without dashes before them) a word is when PowerShell reads it, or Go: one dash, any case, a value
 * behind a colon; `undefined` where it is none of them.
 */
export function parameterIn(word: string, flags: readonly string[]): string | undefined {
  const [, name] = /^-([A-Za-z][A-Za-z0-9-]+)(?:[:=]|$)/.exec(word) ?? [];
  if (name === undefined) return undefined;
  const plain = name.toLowerCase().replaceAll("-", "");
  const other = Object.hasOwn(PARAMETERS, plain) ? PARAMETERS[plain] : undefined;
  return flags.find((flag) => flag === other || flag.replaceAll("-", "") === plain);
}

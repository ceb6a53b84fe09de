/**
 * `@signpath/tagseal/flows`: what administrators do with a repository: set up, delegate, rotate, export, move, look
 * after.
 *
 * Unstable: a part of the inside, which any version may change. What keeps its meaning is in `@signpath/tagseal`.
 *
 * @module
 */
export * from "./add_delegation.ts";
export * from "./delegation_certificate.ts";
export * from "./delete_key.ts";
export { type DockerInspection, dockerInspection, type DockerSigner } from "./docker_inspection.ts";
export * from "./export_file.ts";
export * from "./export_repository.ts";
export * from "./init_repository.ts";
export { type Inspection, inspectRepository, type RoleFacts, type SignerFacts } from "./inspect_repository.ts";
export { type Look, lookAtRepository } from "./look_at_expired.ts";
export * from "./list_keys.ts";
export * from "./migrate_repository.ts";
export type { Destination, Found, Goal } from "./move_destination.ts";
export * from "./move_repository.ts";
export type { MoveSource } from "./move_source.ts";
export * from "./remove_delegation.ts";
export * from "./repository_status.ts";
export type { CertificateStatus, KeyHere, RoleStatus, StatusFacts } from "./status_facts.ts";
export * from "./root_certificate.ts";
export * from "./rotate_key.ts";
export * from "./verify_images.ts";
export type { RootTrust } from "./root_trust.ts";
export type { Problem } from "./status_advice.ts";
export { exportedTrust } from "./exported_trust.ts";

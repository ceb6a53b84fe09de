/** Versions by their precedence. @see {@link https://semver.org/ | Semantic Versioning 2.0.0} @module */

const VERSION =
  /^(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,8})(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+[0-9A-Za-z.-]+)?$/;

/** Whether `text` is a version. */
export function isVersion(text: string): boolean {
  return text.length <= 100 && VERSION.test(text);
}

/** Whether a version comes before the release that it is named after: `1.0.0-rc.1`. */
export function isPreRelease(version: string): boolean {
  return VERSION.exec(version)?.[4] !== undefined;
}

/** Below 0 where `a` is older than `b`, above where it is newer; both are versions. */
export function compareVersions(a: string, b: string): number {
  const [, ...as] = VERSION.exec(a)!;
  const [, ...bs] = VERSION.exec(b)!;
  for (let i = 0; i < 3; i++) if (as[i] !== bs[i]) return Number(as[i]) - Number(bs[i]);
  const [pre, other] = [as[3], bs[3]];
  if (pre === undefined || other === undefined) return Number(pre === undefined) - Number(other === undefined);
  return compareIdentifiers(pre.split("."), other.split("."));
}

function compareIdentifiers(as: readonly string[], bs: readonly string[]): number {
  for (let i = 0; i < Math.min(as.length, bs.length); i++) {
    const [a, b] = [as[i]!, bs[i]!];
    if (a === b) continue;
    const numbers = [a, b].map((part) => /^\d+$/.test(part));
    if (numbers[0] && numbers[1]) return Number(a) - Number(b);
    return numbers[0] !== numbers[1] ? Number(numbers[1]) - Number(numbers[0]) : a < b ? -1 : 1;
  }
  return as.length - bs.length;
}

/** How often the platform is asked to verify a signature. @module */

/** Counts that during `work`: all of it, or what is asked while `counts`. */
export async function verifications(work: () => Promise<unknown>, counts: () => boolean = () => true): Promise<number> {
  const { verify } = crypto.subtle;
  let count = 0;
  crypto.subtle.verify = function (...question: Parameters<typeof verify>) {
    if (counts()) count++;
    return verify.apply(this, question);
  };
  try {
    await work();
  } finally {
    crypto.subtle.verify = verify;
  }
  return count;
}

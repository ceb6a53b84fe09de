/** Which hosts are this machine. @module */

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;

/**
 * Whether `host` (as in `URL.hostname`) is this machine. Names below `localhost` need not be: the runtime has the
 * system's DNS look them up, and whoever answers there may name any machine.
 */
export function isLoopback(host: string): boolean {
  return LOOPBACK.test(host);
}

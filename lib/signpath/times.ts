/** How long SignPath is given unless somebody says otherwise, in seconds. */
export const SIGNPATH_TIMES_S = {
  /** Calls are repeated for so long while the service is down. */
  unavailable: 600,
  /** One upload or download. */
  transfer: 300,
  /** Until a signing request has ended, approval included. */
  completion: 600,
} as const;

/** The flags of `keyward check` beside the shared ones. */
export interface CheckFlags {
  /** Whose key a bare policy would be. Undefined: told from the policy. */
  readonly account: string | undefined;
  readonly region: string | undefined;
  readonly keyId: string | undefined;
  /** Threads for large snapshots. Undefined: as many as the machine is good for. */
  readonly threads?: number | undefined;
}

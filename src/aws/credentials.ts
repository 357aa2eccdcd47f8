/** What requests are signed with. */
export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  readonly expiration?: Date;
}

/** Milliseconds before their end from which credentials are not used any more. */
const MARGIN = 5 * 60_000;

/**
 * Credentials that are fetched when they are needed, kept, and fetched again before they expire or when AWS says that
 * they have. However many calls want them, they are fetched once at a time.
 */
export class RenewableCredentials {
  private current: Credentials | undefined;
  private fetching: Promise<Credentials> | undefined;
  /** Counts fetches; see {@link renew}. */
  private generation = 0;

  /** What clients of the SDK take. Marked as one that keeps credentials itself, so that the SDK asks each time. */
  readonly provider: (() => Promise<Credentials>) & { memoized?: boolean } = Object.assign(() => this.get(), {
    memoized: true,
  });

  constructor(
    private readonly fetch: () => Promise<Credentials>,
    private readonly now: () => number = () => Date.now(),
  ) {}

  /** Which credentials are in use; goes with {@link renew}. */
  get stamp(): number {
    return this.generation;
  }

  /** Credentials that are valid for a while. Throws what fetching them throws. */
  async get(): Promise<Credentials> {
    const { current } = this;
    if (current !== undefined && !this.ending(current)) return current;
    return this.fetchOnce();
  }

  /**
   * AWS has refused the credentials of this stamp as expired. True: there are others now, so the call can be repeated.
   * False: the same came again.
   */
  async renew(stamp: number): Promise<boolean> {
    if (stamp !== this.generation) return true;
    const before = this.current;
    const after = await this.fetchOnce();
    return before?.accessKeyId !== after.accessKeyId || before.sessionToken !== after.sessionToken;
  }

  private ending(credentials: Credentials): boolean {
    const end = credentials.expiration;
    return end !== undefined && end.getTime() - MARGIN <= this.now();
  }

  private fetchOnce(): Promise<Credentials> {
    this.fetching ??= this.fetch()
      .then((fetched) => {
        this.current = fetched;
        this.generation += 1;
        return fetched;
      })
      .finally(() => (this.fetching = undefined));
    return this.fetching;
  }
}

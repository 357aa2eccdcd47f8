/** Ordinary Regions that are there although no key of the snapshot is in them. */
const ALWAYS = ["us-east-1", "us-west-2", "eu-west-1"] as const;

/** The opt-in Region that is disabled unless `--region-disabled` names others. */
export const DEFAULT_DISABLED_REGION = "af-south-1";

/**
 * Regions that an account has to enable before use. Source: AWS Account Management Reference Guide, "Enable or disable
 * AWS Regions in your account" (Regions introduced after 20 March 2019).
 */
const OPT_IN = new Set([
  "af-south-1",
  "ap-east-1",
  "ap-east-2",
  "ap-south-2",
  "ap-southeast-3",
  "ap-southeast-4",
  "ap-southeast-5",
  "ap-southeast-6",
  "ap-southeast-7",
  "ca-west-1",
  "eu-central-2",
  "eu-south-1",
  "eu-south-2",
  "il-central-1",
  "me-central-1",
  "me-south-1",
  "mx-central-1",
]);

/** A Region as an account sees it. */
export interface RegionInfo {
  readonly name: string;
  readonly status: "opt-in-not-required" | "opted-in" | "not-opted-in";
}

/** What a snapshot says of one Region of an account. */
export interface AccountRegion {
  readonly region: string;
  readonly status: RegionInfo["status"];
}

/** The Regions of a sandbox: those of its keys, a few ordinary ones, and the disabled ones. */
export class Regions {
  readonly #disabled: ReadonlySet<string>;
  readonly #ofKeys: () => Iterable<string>;
  readonly #ofAccount: (account: string) => readonly AccountRegion[];

  /**
   * @param disabled Regions that no account has enabled, and `ACCOUNT/REGION` for one account.
   * @param ofAccount what the snapshot says of an account's Regions; it goes before `disabled`.
   */
  constructor(
    disabled: readonly string[],
    ofKeys: () => Iterable<string>,
    ofAccount: (account: string) => readonly AccountRegion[],
  ) {
    this.#disabled = new Set(disabled);
    this.#ofKeys = ofKeys;
    this.#ofAccount = ofAccount;
  }

  /** Whether calls of an account to the Region are refused. */
  isDisabled(account: string | undefined, region: string): boolean {
    return this.#status(account, region) === "not-opted-in";
  }

  /** All Regions in order of name, as an account sees them. */
  list(account: string): readonly RegionInfo[] {
    const names = new Set([
      ...ALWAYS,
      ...[...this.#disabled].map((d) => d.slice(d.indexOf("/") + 1)),
      ...this.#ofKeys(),
      ...this.#ofAccount(account).map((r) => r.region),
    ]);
    return [...names].sort().map((name) => ({ name, status: this.#status(account, name) }));
  }

  #status(account: string | undefined, name: string): RegionInfo["status"] {
    const stated = account === undefined ? [] : this.#ofAccount(account);
    const own = stated.find((r) => r.region === name)?.status;
    if (this.#disabled.has(`${account ?? ""}/${name}`)) return "not-opted-in";
    if (own !== undefined) return own;
    if (this.#disabled.has(name)) return "not-opted-in";
    return OPT_IN.has(name) ? "opted-in" : "opt-in-not-required";
  }
}

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

/** A Region as every account of the sandbox sees it. */
export interface RegionInfo {
  readonly name: string;
  readonly status: "opt-in-not-required" | "opted-in" | "not-opted-in";
}

/** The Regions of a sandbox: those of its keys, a few ordinary ones, and the disabled ones. */
export class Regions {
  readonly #disabled: ReadonlySet<string>;
  readonly #ofKeys: () => Iterable<string>;

  constructor(disabled: readonly string[], ofKeys: () => Iterable<string>) {
    this.#disabled = new Set(disabled);
    this.#ofKeys = ofKeys;
  }

  /** Whether calls to the Region are refused. */
  isDisabled(region: string): boolean {
    return this.#disabled.has(region);
  }

  /** All Regions in order of name. */
  list(): readonly RegionInfo[] {
    const names = new Set([...ALWAYS, ...this.#disabled, ...this.#ofKeys()]);
    return [...names].sort().map((name) => ({ name, status: this.#status(name) }));
  }

  #status(name: string): RegionInfo["status"] {
    if (this.#disabled.has(name)) return "not-opted-in";
    return OPT_IN.has(name) ? "opted-in" : "opt-in-not-required";
  }
}

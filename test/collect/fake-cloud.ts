import type {
  AccountRegion,
  Asked,
  CallFailure,
  CloudPort,
  FailureKind,
  KeyDescription,
  KmsPort,
  Page,
} from "../../src/collect/ports.js";
import type { Grant } from "../../src/domain/grant.js";
import { err, ok } from "../../src/domain/result.js";

export const ACCOUNT = "111122223333";

/** A key of the fake account. */
export interface FakeKey {
  readonly id: string;
  readonly policy: string;
  readonly grants?: readonly Grant[];
  readonly aliases?: readonly string[];
  readonly tags?: Readonly<Record<string, string>>;
  readonly description?: Partial<KeyDescription>;
  readonly rotated?: boolean;
  readonly usedAt?: string;
  /** Deleted after the listing. */
  readonly gone?: boolean;
}

/** One call as the fake saw it. */
export interface Call {
  readonly call: string;
  readonly region: string;
  readonly key: string | undefined;
}

export interface FakeOptions {
  readonly regions: Readonly<Record<string, readonly FakeKey[]>>;
  readonly disabledRegions?: readonly string[];
  readonly pageSize?: number;
  /** The failure that a call gets instead of an answer. */
  readonly refuse?: (call: Call) => CallFailure | undefined;
  /** Runs before each answer; may wait. */
  readonly before?: (call: Call) => Promise<void> | void;
}

/** A failure as the real adapter would report it. */
export function failure(kind: FailureKind, code: string, call: string): CallFailure {
  return { kind, call, code, message: `${code} for ${call}`, help: `help for ${code}` };
}

/** AWS in memory: an account with keys in some Regions. Remembers every call. */
export class FakeCloud implements CloudPort {
  readonly homeRegion = "us-east-1";
  readonly calls: Call[] = [];
  open = 0;
  mostOpen = 0;

  constructor(private readonly options: FakeOptions) {}

  identity(signal: AbortSignal): Promise<Asked<{ account: string; partition: string }>> {
    return this.answer("sts:GetCallerIdentity", "", undefined, signal, () => ({
      account: ACCOUNT,
      partition: "aws",
    }));
  }

  describeRegions(signal: AbortSignal): Promise<Asked<readonly AccountRegion[]>> {
    return this.answer("ec2:DescribeRegions", "", undefined, signal, () => this.regions());
  }

  listRegions(signal: AbortSignal): Promise<Asked<readonly AccountRegion[]>> {
    return this.answer("account:ListRegions", "", undefined, signal, () => this.regions());
  }

  kms(region: string): KmsPort {
    const keys = this.options.regions[region] ?? [];
    const find = (id: string): FakeKey => {
      const key = keys.find((k) => k.id === id);
      if (key === undefined) throw new Error(`no such key: ${id}`);
      return key;
    };
    const paged = <T>(items: readonly T[], marker: string | undefined): Page<T> => {
      const start = Number(marker ?? "0");
      const end = start + (this.options.pageSize ?? 3);
      return { items: items.slice(start, end), next: end < items.length ? String(end) : undefined };
    };
    return {
      listKeys: (marker, signal) =>
        this.answer("kms:ListKeys", region, undefined, signal, () =>
          paged(
            keys.map((k) => ({ id: k.id, arn: keyArn(region, k.id) })),
            marker,
          ),
        ),
      listAliases: (marker, signal) =>
        this.answer("kms:ListAliases", region, undefined, signal, () =>
          paged(
            keys.flatMap((k) => (k.aliases ?? []).map((name) => ({ name, keyId: k.id }))),
            marker,
          ),
        ),
      describeKey: (id, signal) =>
        this.answer("kms:DescribeKey", region, id, signal, () => ({
          ...UNDESCRIBED,
          ...find(id).description,
        })),
      getKeyPolicy: (id, signal) =>
        this.answer("kms:GetKeyPolicy", region, id, signal, () => find(id).policy, find(id)),
      listGrants: (id, marker, signal) =>
        this.answer(
          "kms:ListGrants",
          region,
          id,
          signal,
          () => paged(find(id).grants ?? [], marker),
          find(id),
        ),
      listResourceTags: (id, marker, signal) =>
        this.answer("kms:ListResourceTags", region, id, signal, () =>
          paged(Object.entries(find(id).tags ?? {}), marker),
        ),
      rotationEnabled: (id, signal) =>
        this.answer("kms:GetKeyRotationStatus", region, id, signal, () => find(id).rotated),
      lastUsage: (id, signal) =>
        this.answer("kms:GetKeyLastUsage", region, id, signal, () => ({
          at: find(id).usedAt,
          trackedSince: "2026-01-01T00:00:00.000Z",
        })),
    };
  }

  private regions(): readonly AccountRegion[] {
    return [
      ...Object.keys(this.options.regions).map((name) => ({ name, enabled: true })),
      ...(this.options.disabledRegions ?? []).map((name) => ({ name, enabled: false })),
    ];
  }

  private async answer<T>(
    call: string,
    region: string,
    key: string | undefined,
    signal: AbortSignal,
    value: () => T,
    about?: FakeKey,
  ): Promise<Asked<T>> {
    const made = { call, region, key };
    this.calls.push(made);
    this.open += 1;
    this.mostOpen = Math.max(this.mostOpen, this.open);
    try {
      const aborted = new Promise<"aborted">((resolve) =>
        signal.addEventListener("abort", () => resolve("aborted"), { once: true }),
      );
      const ready = (async () => {
        await new Promise((resolve) => setImmediate(resolve));
        await this.options.before?.(made);
        return "ready" as const;
      })();
      if (signal.aborted || (await Promise.race([ready, aborted])) === "aborted") {
        return err(failure("stopped", "AbortError", call));
      }
      const refused = this.options.refuse?.(made);
      if (refused !== undefined) return err(refused);
      if (about?.gone === true) return err(failure("not-found", "NotFoundException", call));
      return ok(value());
    } finally {
      this.open -= 1;
    }
  }
}

export function keyArn(region: string, id: string): string {
  return `arn:aws:kms:${region}:${ACCOUNT}:key/${id}`;
}

const UNDESCRIBED: KeyDescription = {
  manager: "CUSTOMER",
  state: "Enabled",
  spec: undefined,
  usage: undefined,
  origin: undefined,
  multiRegion: undefined,
  multiRegionKeyType: undefined,
  relatedKeys: undefined,
  description: undefined,
  createdAt: undefined,
  deletionDate: undefined,
};

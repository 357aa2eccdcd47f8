import { createHmac, timingSafeEqual } from "node:crypto";
import { ServiceError } from "./errors.js";
import type { Input } from "./input.js";

/** Default and greatest number of items a page can have. */
export interface PageLimits {
  readonly default: number;
  readonly max: number;
}

/** Source: KMS API reference, the `Limit` parameter of each operation (semantics.md, section 6). */
export const PAGE_LIMITS = {
  ListKeys: { default: 100, max: 1000 },
  ListAliases: { default: 50, max: 100 },
  ListGrants: { default: 50, max: 100 },
  ListRetirableGrants: { default: 50, max: 100 },
  ListKeyPolicies: { default: 100, max: 1000 },
  ListResourceTags: { default: 50, max: 50 },
} as const satisfies Record<string, PageLimits>;

/** The paging members of a response. */
export interface PageEnd {
  readonly NextMarker?: string;
  readonly Truncated: boolean;
}

/** A part of a sorted list, and how to get the next one. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly end: PageEnd;
}

/**
 * Cuts sorted lists into pages. A marker is opaque: it says after which item to go on, and it is bound to the list that
 * it was made for, so one that was made up, or that belongs to another list, is an InvalidMarkerException.
 */
export class Pager {
  readonly #secret: Buffer;

  constructor(secret: Buffer) {
    this.#secret = secret;
  }

  /**
   * One page of a list.
   * @param list names the list: operation, account, Region and filters.
   * @param items sorted by `idOf`, ascending in code units, without repetition.
   */
  page<T>(
    input: Input,
    limits: PageLimits,
    list: string,
    items: readonly T[],
    idOf: (item: T) => string,
  ): Page<T> {
    const limit = input.optionalInteger("Limit", 1, limits.max) ?? limits.default;
    const marker = input.optionalString("Marker", { min: 1, max: 1024 });
    const { part, next } = this.cut(limit, marker, list, items, idOf);
    return next === undefined
      ? { items: part, end: { Truncated: false } }
      : { items: part, end: { NextMarker: next, Truncated: true } };
  }

  /** The same in the words of services that say MaxResults and NextToken. */
  tokenPage<T>(
    input: Input,
    limits: PageLimits,
    list: string,
    items: readonly T[],
    idOf: (item: T) => string,
  ): { readonly items: readonly T[]; readonly end: { readonly NextToken?: string } } {
    const limit = input.optionalInteger("MaxResults", 1, limits.max) ?? limits.default;
    const token = input.optionalString("NextToken", { max: 100_000 });
    const { part, next } = this.cut(limit, token, list, items, idOf);
    return { items: part, end: next === undefined ? {} : { NextToken: next } };
  }

  /**
   * A part of a list and the marker after it.
   * @throws ServiceError InvalidMarkerException.
   */
  cut<T>(
    limit: number,
    marker: string | undefined,
    list: string,
    items: readonly T[],
    idOf: (item: T) => string,
  ): { readonly part: readonly T[]; readonly next: string | undefined } {
    const start = marker === undefined ? 0 : firstAfter(items, idOf, this.#open(marker, list));
    const part = items.slice(start, start + limit);
    const last = part.at(-1);
    const more = start + part.length < items.length && last !== undefined;
    return { part, next: more ? this.#seal(idOf(last), list) : undefined };
  }

  #seal(id: string, list: string): string {
    return `${this.#mac(id, list).toString("base64url")}.${Buffer.from(id, "utf8").toString("base64url")}`;
  }

  #open(marker: string, list: string): string {
    const [mac = "", id = ""] = marker.split(".");
    const text = Buffer.from(id, "base64url").toString("utf8");
    const given = Buffer.from(mac, "base64url");
    const wanted = this.#mac(text, list);
    if (given.length !== wanted.length || !timingSafeEqual(given, wanted)) {
      throw new ServiceError("InvalidMarkerException", "Could not deserialize marker");
    }
    return text;
  }

  #mac(id: string, list: string): Buffer {
    return createHmac("sha256", this.#secret).update(`${list}\n${id}`).digest().subarray(0, 12);
  }
}

/** Index of the first item whose id is greater. */
function firstAfter<T>(items: readonly T[], idOf: (item: T) => string, id: string): number {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const item = items[middle];
    if (item !== undefined && idOf(item) <= id) low = middle + 1;
    else high = middle;
  }
  return low;
}

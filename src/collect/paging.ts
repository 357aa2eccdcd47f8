import { err, ok } from "../domain/result.js";
import type { Asked, CallFailure, Page } from "./ports.js";

/**
 * All pages of a list, one after the other. A page with a marker that was seen before would go round for ever; it is a
 * failure, as is every page that fails: nobody may take a part for the whole.
 */
export async function* pages<T>(
  call: string,
  ask: (marker: string | undefined) => Promise<Asked<Page<T>>>,
): AsyncGenerator<Asked<readonly T[]>, void, undefined> {
  const seen = new Set<string>();
  let marker: string | undefined;
  for (;;) {
    const page = await ask(marker);
    if (!page.ok) {
      yield page;
      return;
    }
    yield ok(page.value.items);
    marker = page.value.next;
    if (marker === undefined) return;
    if (seen.has(marker)) {
      yield err({
        kind: "other",
        call,
        code: "PagingLoop",
        message: "The service returned a paging marker for the second time, so the list has no end.",
      });
      return;
    }
    seen.add(marker);
  }
}

/** The items of all pages; or those of the pages before the first failure, and that failure. */
export interface Gathered<T> {
  readonly items: readonly T[];
  readonly failure: CallFailure | undefined;
}

/** The items as far as pages of them can be had. */
export async function gatheredPages<T>(
  call: string,
  ask: (marker: string | undefined) => Promise<Asked<Page<T>>>,
): Promise<Gathered<T>> {
  const items: T[] = [];
  for await (const page of pages(call, ask)) {
    if (!page.ok) return { items, failure: page.error };
    for (const item of page.value) items.push(item);
  }
  return { items, failure: undefined };
}

/** All items of all pages, or the first failure. */
export async function allPages<T>(
  call: string,
  ask: (marker: string | undefined) => Promise<Asked<Page<T>>>,
): Promise<Asked<readonly T[]>> {
  const { items, failure } = await gatheredPages(call, ask);
  return failure === undefined ? ok(items) : err(failure);
}

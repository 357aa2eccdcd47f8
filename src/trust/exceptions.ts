import { glob } from "../domain/glob.js";
import type { RuleId } from "../domain/rule-id.js";
import type { Exception } from "./config.js";

/** The finding that an exception is looked for. */
export interface Subject {
  readonly arn: string;
  /** Names of the key, `alias/NAME`. */
  readonly aliases: readonly string[];
  readonly rule: RuleId;
  /**
   * Everything that the finding's who can be called: the principal's ARN and its account, a service and its source.
   * Empty where the finding is about nobody in particular.
   */
  readonly who: readonly string[];
}

/** Whether an exception speaks of a finding, be it expired or not. */
export function covers(exception: Exception, subject: Subject): boolean {
  if (exception.rule !== subject.rule) return false;
  if (exception.who !== undefined && !subject.who.includes(exception.who)) return false;
  return speaksOf(exception, subject);
}

/** Whether the `key` of an entry of keyward.yaml names a key. */
export function speaksOf(entry: { readonly key: string }, key: Pick<Subject, "arn" | "aliases">): boolean {
  return entry.key.startsWith("alias/")
    ? key.aliases.some((alias) => glob(entry.key, alias))
    : arnGlob(entry.key, key.arn);
}

/** Whether an exception has run out. It holds through the end of its day, UTC. `now`: seconds since the epoch. */
export function isExpired(exception: Exception, now: number): boolean {
  return now >= Date.parse(`${exception.expires}T00:00:00Z`) / 1000 + 86_400;
}

/**
 * The exceptions of one audit. It remembers which of them were needed, so that what nobody needs any more can be
 * reported at the end.
 */
export class ExceptionBook {
  private readonly used = new Set<Exception>();
  private readonly byRule = new Map<RuleId, Exception[]>();

  /** @param now seconds since the epoch */
  constructor(
    private readonly exceptions: readonly Exception[],
    private readonly now: number,
  ) {
    for (const e of exceptions) {
      const same = this.byRule.get(e.rule);
      if (same === undefined) this.byRule.set(e.rule, [e]);
      else same.push(e);
    }
  }

  /** The exception that covers a finding today, if one does. An expired one covers nothing, but counts as needed. */
  find(subject: Subject): Exception | undefined {
    let holding: Exception | undefined;
    for (const exception of this.byRule.get(subject.rule) ?? []) {
      if (!covers(exception, subject)) continue;
      this.used.add(exception);
      if (holding === undefined && !isExpired(exception, this.now)) holding = exception;
    }
    return holding;
  }

  /** There are no exceptions at all. */
  get empty(): boolean {
    return this.exceptions.length === 0;
  }

  /** Whether some exception speaks of this rule and this key, whoever it is about. */
  concerns(key: { readonly arn: string; readonly aliases: readonly string[] }, rule: string): boolean {
    const same: readonly Exception[] = (this.byRule as ReadonlyMap<string, Exception[]>).get(rule) ?? [];
    return same.some((e) => speaksOf(e, key));
  }

  /** Positions in the list of exceptions of those that some finding needed. */
  needed(): readonly number[] {
    return this.exceptions.flatMap((e, i) => (this.used.has(e) ? [i] : []));
  }

  /** Takes over what another book of the same exceptions met: see {@link needed}. */
  markNeeded(positions: readonly number[]): void {
    for (const i of positions) {
      const exception = this.exceptions[i];
      if (exception !== undefined) this.used.add(exception);
    }
  }

  /** Those that have run out. `needed`: a finding of this audit would still have been covered. */
  expired(): readonly { readonly exception: Exception; readonly needed: boolean }[] {
    return this.exceptions
      .filter((e) => isExpired(e, this.now))
      .map((exception) => ({ exception, needed: this.used.has(exception) }));
  }

  /** Those that hold and that no finding asked for so far. */
  unused(): readonly Exception[] {
    return this.exceptions.filter((e) => !this.used.has(e) && !isExpired(e, this.now));
  }
}

/** Compares ARNs part by part, so that a wildcard for the Region cannot swallow the account. */
function arnGlob(pattern: string, arn: string): boolean {
  const patterns = parts(pattern);
  const values = parts(arn);
  return patterns.length === values.length && patterns.every((p, i) => glob(p, values[i] ?? ""));
}

/** The six parts of an ARN; the last keeps its colons. */
function parts(arn: string): string[] {
  const split = arn.split(":");
  return [...split.slice(0, 5), split.slice(5).join(":")];
}

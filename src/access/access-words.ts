import type { Exposure } from "../domain/verdict.js";
import type { Condition } from "../policy/ast.js";
import { conditionKeyFacts } from "../semantics/condition-keys.js";
import { comparesNumbers } from "./account-numbers.js";
import type { CallerClass } from "./callers.js";
import type { Entrance } from "./entrances.js";
import type { Reach, ResidualCondition, Who } from "./matrix.js";
import { RESOURCE_KEY } from "./statements.js";

/** Whether somebody whom no document names calls. */
export function isStranger(cls: CallerClass): boolean {
  return cls.kind === "ordinary" && (cls.who.kind === "anyone" || cls.who.kind === "pattern");
}

export function exposureOf(cls: CallerClass, reach: Reach, networkBound: boolean): Exposure {
  if (cls.trusted) return "none";
  if (reach.kind !== "now") return "latent";
  if (cls.kind === "service") return "service";
  if (cls.who.kind === "anyone" || cls.who.kind === "pattern") return networkBound ? "network" : "public";
  return "external";
}

const IDENTITY_KEYS = new Set([
  "kms:calleraccount",
  "aws:principalaccount",
  "aws:principalarn",
  "aws:principalorgid",
  "aws:principalorgpaths",
  "aws:userid",
  "aws:sourceaccount",
  "aws:sourcearn",
  "aws:sourceorgid",
  "aws:sourceorgpaths",
]);

/** A pattern class is named by the pattern of the entrance that lets it in. */
export function nameWho(cls: CallerClass, e: Entrance): Who {
  const pattern = (): string => {
    const found = e.conditions
      .filter((c) => IDENTITY_KEYS.has(c.keyLower))
      .flatMap((c) =>
        c.values
          .filter((v) => /[*?]/.test(v) || comparesNumbers(c))
          .map((v) => `${conditionKeyFacts(c.keyLower)?.name ?? c.key} ${c.operator} ${v}`),
      );
    return found.length > 0 ? found.join(", ") : "accounts that a pattern selects";
  };
  const { who } = cls;
  if (who.kind === "pattern") return { kind: "pattern", pattern: pattern() };
  if (who.kind === "service" && who.source.kind === "pattern") {
    return { ...who, source: { kind: "pattern", pattern: pattern() } };
  }
  return who;
}

/** What a condition of the entrance is worth. Constants of the key are left out: they hold or there is no access. */
export function residual(condition: Condition, networkBound: boolean): ResidualCondition[] {
  if (condition.keyLower === RESOURCE_KEY) return [];
  const f = conditionKeyFacts(condition.keyLower);
  const kind = ((): ResidualCondition["kind"] | undefined => {
    switch (f?.origin) {
      case "network":
        return networkBound ? "fixed-network" : "free";
      case "path":
        return "path";
      case "time":
        return "time";
      case "caller":
        return "caller";
      case "service-source":
        return "source";
      case "key":
      case "transport":
        return undefined;
      case "caller-account":
      case "request":
      case "free":
      case "never":
      case undefined:
        return "free";
    }
  })();
  return kind === undefined ? [] : [{ condition, kind }];
}

import { compare } from "./grants.js";

/** A name for a key in one account and Region. Times are milliseconds since the epoch. */
export interface Alias {
  /** `alias/NAME`. A snapshot may bring any text here. */
  readonly name: string;
  readonly targetKeyId: string;
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** The aliases of one account in one Region. */
export class AliasBook {
  readonly #byName = new Map<string, Alias>();
  readonly #byKey = new Map<string, Set<string>>();
  #sorted: readonly Alias[] | undefined;

  /** The alias of this name. */
  get(name: string): Alias | undefined {
    return this.#byName.get(name);
  }

  /** All aliases, or those of one key, in order of name. */
  list(keyId?: string): readonly Alias[] {
    if (keyId === undefined) {
      this.#sorted ??= [...this.#byName.values()].sort((a, b) => compare(a.name, b.name));
      return this.#sorted;
    }
    return [...(this.#byKey.get(keyId) ?? [])].sort(compare).flatMap((name) => this.#byName.get(name) ?? []);
  }

  /** Adds an alias, or points an existing one at another key. */
  set(alias: Alias): void {
    this.delete(alias.name);
    this.#byName.set(alias.name, alias);
    const names = this.#byKey.get(alias.targetKeyId) ?? new Set();
    names.add(alias.name);
    this.#byKey.set(alias.targetKeyId, names);
    this.#sorted = undefined;
  }

  /** Removes an alias, if it is there. */
  delete(name: string): void {
    const old = this.#byName.get(name);
    if (old === undefined) return;
    this.#byName.delete(name);
    this.#byKey.get(old.targetKeyId)?.delete(name);
    this.#sorted = undefined;
  }
}

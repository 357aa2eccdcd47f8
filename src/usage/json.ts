/** Careful access to JSON of which nothing is known. */
export type Json = Readonly<Record<string, unknown>>;

/** The value as an object; an empty one if it is none. */
export function object(value: unknown): Json {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Json) : EMPTY;
}

const EMPTY: Json = {};

/** A field that is a string and not empty, else undefined. Fields that the object only inherits do not count. */
export function text(from: Json, name: string): string | undefined {
  const value = Object.hasOwn(from, name) ? from[name] : undefined;
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** A field that is an object, else an empty one. */
export function child(from: Json, name: string): Json {
  return object(Object.hasOwn(from, name) ? from[name] : undefined);
}

/** A field that is a list, else an empty one. */
export function list(from: Json, name: string): readonly unknown[] {
  const value = Object.hasOwn(from, name) ? from[name] : undefined;
  return Array.isArray(value) ? value : [];
}

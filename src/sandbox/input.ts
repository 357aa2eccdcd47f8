import { ServiceError, validationError } from "./errors.js";

/** Length limits and pattern of a string parameter, as the service model states them. */
export interface StringLimits {
  readonly min?: number;
  readonly max?: number;
  readonly pattern?: RegExp;
  readonly oneOf?: readonly string[];
}

/**
 * The members of one JSON request, read with the checks of the service model. A member of the wrong JSON type is a
 * SerializationException, one that breaks a constraint a ValidationException; members that nobody asks for are ignored,
 * as AWS does.
 */
export class Input {
  readonly #members: Readonly<Record<string, unknown>>;
  readonly #path: string;

  constructor(members: Readonly<Record<string, unknown>>, path = "") {
    this.#members = members;
    this.#path = path;
  }

  /** Whether the member was sent (JSON null counts as absent). */
  has(name: string): boolean {
    return this.#read(name) !== undefined;
  }

  /** A string member without any check; undefined for anything else. */
  peekText(name: string): string | undefined {
    const value = this.#read(name);
    return typeof value === "string" ? value : undefined;
  }

  /** A required string. */
  string(name: string, limits: StringLimits = {}): string {
    return this.optionalString(name, limits) ?? this.#missing(name);
  }

  /** A string that may be left out. */
  optionalString(name: string, limits: StringLimits = {}): string | undefined {
    const value = this.#read(name);
    if (value === undefined) return undefined;
    if (typeof value !== "string") throw wrongType(value, "a String");
    this.#check(name, value, limits);
    return value;
  }

  /** An integer between `min` and `max` that may be left out. */
  optionalInteger(name: string, min: number, max: number): number | undefined {
    const value = this.#read(name);
    if (value === undefined) return undefined;
    if (typeof value !== "number" || !Number.isInteger(value)) throw wrongType(value, "an Integer");
    const bound =
      value < min
        ? `greater than or equal to ${min}`
        : value > max
          ? `less than or equal to ${max}`
          : undefined;
    if (bound !== undefined) {
      throw validationError(`'${value}'`, this.#at(name), `Member must have value ${bound}`);
    }
    return value;
  }

  /** A boolean; left out means false. */
  flag(name: string): boolean {
    const value = this.#read(name);
    if (value === undefined) return false;
    if (typeof value !== "boolean") throw wrongType(value, "a Boolean");
    return value;
  }

  /** Required bytes, sent as base64. */
  bytes(name: string, max: number): Buffer {
    const text = this.string(name);
    if (!/^[A-Za-z0-9+/]*={0,2}$/.test(text)) {
      throw new ServiceError("SerializationException", `${this.#at(name)} is not base64`);
    }
    const bytes = Buffer.from(text, "base64");
    if (bytes.length < 1 || bytes.length > max) {
      const bound = bytes.length < 1 ? "greater than or equal to 1" : `less than or equal to ${max}`;
      throw validationError("[sensitive value]", this.#at(name), `Member must have length ${bound}`);
    }
    return bytes;
  }

  /** A list of strings; undefined where it was left out. */
  strings(name: string, limits: StringLimits = {}): readonly string[] | undefined {
    return this.#list(name)?.map((item, index) => {
      if (typeof item !== "string") throw wrongType(item, "a String");
      this.#check(`${name}.${index + 1}.member`, item, limits);
      return item;
    });
  }

  /** A list of structures; undefined where it was left out. */
  structures(name: string): readonly Input[] | undefined {
    return this.#list(name)?.map((item, index) => {
      if (!isObject(item)) throw wrongType(item, "a structure");
      return new Input(item, `${this.#at(name)}.${index + 1}.member`);
    });
  }

  /** A structure; undefined where it was left out. */
  structure(name: string): Input | undefined {
    const value = this.#read(name);
    if (value === undefined) return undefined;
    if (!isObject(value)) throw wrongType(value, "a structure");
    return new Input(value, this.#at(name));
  }

  /** A map from strings to strings; undefined where it was left out. */
  stringMap(name: string): Readonly<Record<string, string>> | undefined {
    const value = this.#read(name);
    if (value === undefined) return undefined;
    if (!isObject(value)) throw wrongType(value, "a map");
    // Object.fromEntries defines own properties, so a key such as __proto__ stays data.
    return Object.fromEntries(
      Object.entries(value).map(([k, v]) => {
        if (typeof v !== "string") throw wrongType(v, "a String");
        return [k, v];
      }),
    );
  }

  #read(name: string): unknown {
    const value = Object.hasOwn(this.#members, name) ? this.#members[name] : undefined;
    return value === null ? undefined : value;
  }

  #list(name: string): readonly unknown[] | undefined {
    const value = this.#read(name);
    if (value === undefined) return undefined;
    if (!Array.isArray(value)) throw wrongType(value, "a list");
    return value as readonly unknown[];
  }

  #check(name: string, value: string, limits: StringLimits): void {
    const fail = (constraint: string): ServiceError =>
      validationError(`'${value.slice(0, 256)}'`, this.#at(name), constraint);
    if (limits.min !== undefined && value.length < limits.min) {
      throw fail(`Member must have length greater than or equal to ${limits.min}`);
    }
    if (limits.max !== undefined && value.length > limits.max) {
      throw fail(`Member must have length less than or equal to ${limits.max}`);
    }
    if (limits.pattern !== undefined && !limits.pattern.test(value)) {
      throw fail(`Member must satisfy regular expression pattern: ${limits.pattern.source}`);
    }
    if (limits.oneOf !== undefined && !limits.oneOf.includes(value)) {
      throw fail(`Member must satisfy enum value set: [${limits.oneOf.join(", ")}]`);
    }
  }

  #missing(name: string): never {
    throw validationError("null", this.#at(name), "Member must not be null");
  }

  /** AWS names members in lower camel case in its messages. */
  #at(name: string): string {
    const camel = name.charAt(0).toLowerCase() + name.slice(1);
    return this.#path === "" ? camel : `${this.#path}.${camel}`;
  }
}

/** Narrows to a JSON object. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function wrongType(value: unknown, wanted: string): ServiceError {
  const got = Array.isArray(value) ? "LIST_VALUE" : `${(typeof value).toUpperCase()}_VALUE`;
  return new ServiceError("SerializationException", `${got} can not be converted to ${wanted}`);
}

/** The body of a JSON 1.1 request. An empty body is an empty structure. */
export function parseJsonBody(body: Buffer): Input {
  const text = new TextDecoder("utf-8").decode(body).trim();
  if (text === "") return new Input({});
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new ServiceError("SerializationException", "The request body is not valid JSON");
  }
  if (!isObject(value)) throw new ServiceError("SerializationException", "Expected a JSON object");
  return new Input(value);
}

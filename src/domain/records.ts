import { z } from "zod";

/**
 * Records whose names other people choose: tags, pairs of an encryption context, condition keys. Every own member counts,
 * also one named `__proto__`, which `z.record` leaves out of what it returns: a grant would bind less then, and a key
 * would lack a tag. The value is given on as it came.
 *
 * Made by JSON.parse it has own members only, but it inherits `constructor` and the like: ask Object.hasOwn, or go
 * through Object.entries; never set a member by its name, as `__proto__` would be lost (Object.fromEntries keeps it).
 */
export function records<T>(value: z.ZodType<T>): z.ZodType<Readonly<Record<string, T>>> {
  const additionalProperties = z.toJSONSchema(value, { io: "input" });
  delete additionalProperties.$schema;
  const any: z.ZodType = z
    .unknown()
    .superRefine((given, context) => {
      if (typeof given !== "object" || given === null || Array.isArray(given)) {
        context.addIssue({ code: "custom", message: "Invalid input: expected record", input: given });
        return;
      }
      for (const [name, member] of Object.entries(given)) {
        for (const { message, path } of value.safeParse(member).error?.issues ?? []) {
          context.addIssue({ code: "custom", message, path: [name, ...path], input: member });
        }
      }
    })
    .meta({ type: "object", propertyNames: { type: "string" }, additionalProperties });
  // The check above is what the type says.
  return any as z.ZodType<Readonly<Record<string, T>>>;
}

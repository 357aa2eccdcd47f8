import { ServiceError } from "../errors.js";
import type { Input } from "../input.js";
import { PAGE_LIMITS } from "../paging.js";
import { compare } from "../world/grants.js";
import { changeableKey } from "./changeable.js";
import { type Operation, keyAction } from "./operation.js";
import { KEY_ID, resolveKey } from "./resolve.js";

/** Tags that one key can have. Source: KMS Developer Guide, "Tagging keys". */
const MAX_TAGS = 50;

/** Reads `Tags`: key and value of each, in order. */
export function readTags(input: Input): ReadonlyMap<string, string> {
  const tags = input.structures("Tags") ?? [];
  const pairs = tags.map((t): [string, string] => [
    t.string("TagKey", { min: 1, max: 128 }),
    t.string("TagValue", { min: 0, max: 256 }),
  ]);
  const map = new Map(pairs);
  if (map.size < pairs.length) throw new ServiceError("TagException", "Duplicate tag keys");
  return map;
}

/**
 * Lets tags pass that a key can take beside those that it has.
 * @throws ServiceError TagException or LimitExceededException.
 */
export function checkTags(tags: ReadonlyMap<string, string>, present: ReadonlyMap<string, string>): void {
  for (const name of tags.keys()) {
    if (name.toLowerCase().startsWith("aws:")) {
      throw new ServiceError("TagException", "Tag keys that start with aws: are reserved for AWS");
    }
  }
  if (new Set([...tags.keys(), ...present.keys()]).size > MAX_TAGS) {
    throw new ServiceError("LimitExceededException", `A key can have at most ${MAX_TAGS} tags`);
  }
}

/** TagResource. */
export const tagResource: Operation = (call) => {
  const tags = readTags(call.input);
  const key = changeableKey(call, "TagResource", {
    "aws:TagKeys": [...tags.keys()],
    ...Object.fromEntries([...tags].map(([name, value]) => [`aws:RequestTag/${name}`, value])),
  });
  checkTags(tags, key.tags);
  for (const [name, value] of tags) key.tags.set(name, value);
  return undefined;
};

/** UntagResource. */
export const untagResource: Operation = (call) => {
  const names = call.input.strings("TagKeys", { min: 1, max: 128 }) ?? [];
  const key = changeableKey(call, "UntagResource", { "aws:TagKeys": names });
  for (const name of names) key.tags.delete(name);
  return undefined;
};

/** ListResourceTags. */
export const listResourceTags: Operation = (call) => {
  const action = keyAction("ListResourceTags");
  const { key } = resolveKey(call, call.input.string("KeyId", KEY_ID), action, false);
  call.services.access.require(call.identity, action, key, call.now);
  const page = call.services.pager.page(
    call.input,
    PAGE_LIMITS.ListResourceTags,
    `ListResourceTags/${key.arn}`,
    [...key.tags].sort((a, b) => compare(a[0], b[0])),
    ([name]) => name,
  );
  return { Tags: page.items.map(([name, value]) => ({ TagKey: name, TagValue: value })), ...page.end };
};

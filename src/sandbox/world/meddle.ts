import { parseKeyArn } from "../../domain/ids.js";
import { isObject } from "../input.js";
import type { World } from "./world.js";

/**
 * Changes the policy of a key as somebody else would between two calls: a further statement that gives the key's own
 * account DescribeKey. What is no key, or has no policy that can be read, stays.
 */
export function meddle(world: World, target: string, now: number): void {
  const arn = parseKeyArn(target);
  const key = arn === undefined ? undefined : world.key(arn);
  if (key?.policy.current.kind !== "present") return;
  const document = parse(key.policy.current.text);
  if (document === undefined) return;
  const before = document["Statement"];
  const statements: readonly unknown[] = Array.isArray(before) ? before : [before];
  const added = {
    Sid: `SomebodyElse${statements.length + 1}`,
    Effect: "Allow",
    Principal: { AWS: `arn:${key.parts.partition}:iam::${key.account}:root` },
    Action: "kms:DescribeKey",
    Resource: "*",
  };
  const text = JSON.stringify({ ...document, Statement: [...statements, added] }, undefined, 2);
  key.policy.set({ kind: "present", text }, now);
}

function parse(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

import { type Node, findNodeAtLocation, parseTree } from "jsonc-parser";
import { parsePolicy } from "../../policy/parse.js";
import { uniqueId } from "../identity.js";
import type { World } from "./world.js";

/**
 * Deletes a user or role. As in AWS, its sessions and keys stop working, roles no longer let it in, PutKeyPolicy refuses
 * its ARN, and the key policies that name it show its unique id (`AIDA…`, `AROA…`) from then on. Grants keep its ARN.
 * Source: IAM User Guide, "AWS JSON policy elements: Principal" (text of 2026).
 *
 * @returns the unique id.
 */
export function deletePrincipal(world: World, arn: string, now: number): string {
  const entity = world.iam.user(arn) ?? world.iam.role(arn);
  const id = entity?.id ?? uniqueId(arn.includes(":user/") ? "AIDA" : "AROA", arn);
  world.iam.delete(arn, id);
  const renamed = new Map<string, string>();
  for (const key of world.keys()) {
    const policy = key.policy.current;
    if (policy.kind !== "present" || !policy.text.includes(arn)) continue;
    const text = renamed.get(policy.text) ?? renamePrincipal(policy.text, arn, id);
    renamed.set(policy.text, text);
    if (text !== policy.text) key.policy.set({ kind: "present", text }, now);
  }
  return id;
}

/** The text with another name in Principal and NotPrincipal; every other byte stays. */
function renamePrincipal(text: string, arn: string, id: string): string {
  // The parser of policies measures the depth first; what it refuses is not walked either.
  if (parsePolicy(text).policy === undefined) return text;
  const root = parseTree(text);
  const statement = root === undefined ? undefined : findNodeAtLocation(root, ["Statement"]);
  const statements =
    statement?.type === "array" ? (statement.children ?? []) : statement === undefined ? [] : [statement];
  const places = statements
    .flatMap((s) => ["Principal", "NotPrincipal"].flatMap((name) => findNodeAtLocation(s, [name]) ?? []))
    .flatMap((element) => strings(element))
    .filter((node) => node.value === arn)
    .sort((a, b) => b.offset - a.offset);
  return places.reduce(
    (out, { offset, length }) => out.slice(0, offset) + JSON.stringify(id) + out.slice(offset + length),
    text,
  );
}

/** The string values below a node, names of members left out. */
function strings(node: Node): readonly Node[] {
  if (node.type === "string") return [node];
  if (node.type === "property") return node.children?.slice(1).flatMap(strings) ?? [];
  return node.children?.flatMap(strings) ?? [];
}

import { duplicateMembers, treeOf } from "../../policy/json.js";

/** A path in a JSON text as people write it: `$.context["…"]` as `$.context.…`. */
export function pathText(path: readonly PropertyKey[]): string {
  return path.reduce<string>(
    (out, p) => (typeof p === "number" ? `${out}[${p}]` : `${out}.${String(p)}`),
    "$",
  );
}

/** The path of the first member of a JSON text whose name came before in the same object; undefined if there is none. */
export function firstDuplicate(text: string): string | undefined {
  const tree = treeOf(text);
  const [first] = tree === undefined ? [] : duplicateMembers(tree);
  return first === undefined ? undefined : pathText(first.path);
}

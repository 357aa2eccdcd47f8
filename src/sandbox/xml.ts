/** A piece of XML: text to be escaped, or elements. */
export type Xml = string | readonly Element[];
export type Element = readonly [name: string, content: Xml];

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
};

/** Escapes text, and drops the characters that XML 1.0 cannot hold. */
export function escapeXml(text: string): string {
  return text
    .replace(/[\u0000-\u0008\u000B\u000C\u000E-\u001F\uFFFE\uFFFF]/g, "")
    .replace(/[&<>"]/g, (c) => ENTITIES[c] ?? c);
}

/** One XML document with a default namespace. */
export function xmlDocument(root: string, namespace: string, content: Xml): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n<${root} xmlns="${escapeXml(namespace)}">${render(content)}</${root}>`;
}

function render(content: Xml): string {
  if (typeof content === "string") return escapeXml(content);
  return content.map(([name, inner]) => `<${name}>${render(inner)}</${name}>`).join("");
}

import { inert } from "../domain/inert.js";
import { hang } from "../report/wrap.js";
import type { Io } from "./command.js";

/** Columns that lines are broken at; undefined: it is no terminal, and lines stay whole, so that they can be searched. */
export function widthOf({ columns }: Io["stdout"]): number | undefined {
  return columns === undefined || columns === 0 ? undefined : Math.min(Math.max(columns, 40), 120);
}

/** A command or a path, to be copied: the terminal breaks it, and a line feed would cut it in two. */
const WHOLE = /^ *(?:keyward |backup: )/;

/** Says one sentence a line, inert, in lines of the terminal's width. */
export function sayTo(stream: Io["stdout"]): (text: string) => void {
  const width = widthOf(stream);
  return (text) => {
    const line = inert(text);
    const lines = width === undefined || WHOLE.test(line) ? [line] : hang(line, width);
    stream.write(`${lines.join("\n")}\n`);
  };
}

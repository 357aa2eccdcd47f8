import stringWidth from "string-width";

/**
 * Breaks text into lines of at most `width` columns, at spaces; a word that is longer than a line (an ARN) is broken
 * after a colon, slash or comma if it has one in reach, else anywhere. The text must be inert: one column a character
 * is not assumed, but no line breaks are expected in it.
 */
export function wrap(text: string, width: number): string[] {
  const most = Math.max(8, width);
  const lines: string[] = [];
  let line = "";
  let used = 0;
  for (const word of text.split(" ")) {
    const size = stringWidth(word);
    if (used > 0 && used + 1 + size > most) {
      lines.push(line);
      line = "";
      used = 0;
    }
    if (size > most) {
      const pieces = breakWord(word, most);
      lines.push(...pieces.slice(0, -1));
      line = pieces.at(-1) ?? "";
      used = stringWidth(line);
    } else {
      line += used > 0 ? ` ${word}` : word;
      used += (used > 0 ? 1 : 0) + size;
    }
  }
  if (used > 0 || lines.length === 0) lines.push(line);
  return lines;
}

/**
 * A line in lines of at most `width` columns. Its indent stays; what goes on stands two columns deeper.
 * @param lead what begins the line beside its indent and has no text below it, such as the sign of a difference
 */
export function hang(line: string, width: number, lead = /^ */): string[] {
  const start = lead.exec(line)?.[0] ?? "";
  const below = start.trim() === "" ? `${start}  ` : " ".repeat(start.length);
  const [first = "", ...more] = wrap(line.slice(start.length), Math.max(20, width - below.length));
  return [start + first, ...more.map((text) => below + text)];
}

const SEGMENTS = new Intl.Segmenter("en", { granularity: "grapheme" });

function breakWord(word: string, most: number): string[] {
  const pieces: string[] = [];
  let piece = "";
  let used = 0;
  let breakAt = 0;
  for (const { segment } of SEGMENTS.segment(word)) {
    const size = stringWidth(segment);
    if (used + size > most && piece !== "") {
      // A break after punctuation, unless that would leave most of the line empty.
      const at = breakAt > piece.length / 2 ? breakAt : piece.length;
      pieces.push(piece.slice(0, at));
      piece = piece.slice(at);
      used = stringWidth(piece);
      breakAt = 0;
    }
    piece += segment;
    used += size;
    if (/[:/,]/.test(segment)) breakAt = piece.length;
  }
  pieces.push(piece);
  return pieces;
}

import {
  accountSegment,
  ORG_PATH_SEGMENT,
  ORGANIZATION_SEGMENT,
  REGION_NUMBER_SEGMENT,
  REGION_WORD_SEGMENT,
} from "./alphabets.js";
import type { AccountChoice, OrganizationChoice } from "./callers.js";
import { type Glob, literalGlob } from "./glob.js";
import type { KeyModel } from "./key-models.js";
import { type Segment, type View, viewText, type WordConstraint } from "./views.js";

export class Segments {
  readonly list: Segment[] = [];
  readonly base: WordConstraint[] = [];

  add(s: Segment): number {
    this.list.push(s);
    return this.list.length - 1;
  }

  not(view: View, globs: readonly Glob[]): void {
    if (globs.length > 0) this.base.push({ view, mode: "noneOf", globs });
  }
}

const FRESH_ACCOUNTS = ["999988887777", "987654321098", "555566667777", "314159265358", "600000000006"];

/** An account id that is not in the list, to start the search with. */
export function freshAccount(not: readonly string[]): string {
  return FRESH_ACCOUNTS.find((a) => !not.includes(a)) ?? "808080808080";
}

export function accountPart(choice: AccountChoice, s: Segments): string | number {
  if (choice.kind === "literal") return choice.id;
  const i = s.add(accountSegment(freshAccount(choice.not)));
  s.not(
    [i],
    choice.not.map((a) => literalGlob(a)),
  );
  return i;
}

export interface OrganizationViews {
  readonly id: View;
  readonly path: View;
}

export function organizationPart(choice: OrganizationChoice, s: Segments): OrganizationViews | undefined {
  if (choice.kind === "none") return undefined;
  let id: View;
  if (choice.kind === "literal") id = [choice.id];
  else {
    const i = s.add(ORGANIZATION_SEGMENT);
    id = ["o-", i];
    s.not(
      id,
      choice.not.map((o) => literalGlob(o)),
    );
  }
  if (choice.kind === "literal" && choice.path !== undefined) return { id, path: [choice.path] };
  const rest = s.add(ORG_PATH_SEGMENT);
  return { id, path: [...id, "/r-", rest, "/"] };
}

let lastRegion: readonly [string, readonly Segment[]] = ["", [REGION_WORD_SEGMENT, REGION_NUMBER_SEGMENT]];

/** The parts of the name of a Region, by preference that of the key, which is the same for many keys. */
export function regionSegments(preferred: string): readonly Segment[] {
  if (lastRegion[0] !== preferred) {
    const [, word = "us-east-", number = "1"] = /^([a-z-]*)(\d{0,2})$/.exec(preferred) ?? [];
    lastRegion = [
      preferred,
      [
        { ...REGION_WORD_SEGMENT, guess: word },
        { ...REGION_NUMBER_SEGMENT, guess: number },
      ],
    ];
  }
  return lastRegion[1];
}

/** A key that requests of the shape do not carry. */
export const NONE: KeyModel = { kind: "const", value: undefined };

/** A view as a model: a constant where no segment is left to choose. */
export function word(view: View, list = false): KeyModel {
  if (view.some((p) => typeof p === "number")) return { kind: "word", view, list };
  return { kind: "const", value: list ? [viewText(view, [])] : viewText(view, []) };
}

/** A shape is asked about the same few keys again and again. */
export function remembered(model: (key: string) => KeyModel): (key: string) => KeyModel {
  const known = new Map<string, KeyModel>();
  return (key) => {
    let m = known.get(key);
    if (m === undefined) {
      m = model(key);
      known.set(key, m);
    }
    return m;
  };
}

/** Of organizations that no document asks about, one is as good as another. */
export function askedOf(
  choices: readonly OrganizationChoice[],
  asked: boolean,
): readonly OrganizationChoice[] {
  return asked || choices.length === 1 ? choices : choices.slice(0, 1);
}

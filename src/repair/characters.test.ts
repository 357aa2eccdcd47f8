import { describe, expect, test } from "vitest";
import { allow, OWNER, policyText, role } from "../../test/judging.js";
import { entry, usage } from "../../test/observed-use.js";
import { type Around, change } from "../../test/planning.js";
import type { Grant } from "../domain/grant.js";
import type { KeyChange } from "./plan-file.js";

/** Policies with characters of which KMS API reference, PutKeyPolicy, says that a policy cannot hold them. */

/** The pattern of `Policy` there. */
const TAKEN = /^[\u0009\u000A\u000D\u0020-\u00FF]+$/;
const text = (planned: KeyChange): string => planned.policy?.text ?? "";
const storable = ({ obligations }: KeyChange): unknown =>
  obligations.find((o) => o.id === "storable")?.result;

describe("characters that KMS does not take", () => {
  const odd = "5 € \u2028 \u{1f511} \ud800";
  const old = policyText(allow("*", "kms:Decrypt", { Sid: odd })).replace(
    '"2012-10-17"',
    `"2012-10-17",\n  "Id": "${odd}"`,
  );

  test.each(["bound", "remove"] as const)(
    "are escapes in the planned policy, with a note: %s",
    (strategy) => {
      const planned = change(old, { strategy });
      expect(text(planned)).toMatch(TAKEN);
      expect(JSON.parse(text(planned))).toMatchObject({ Id: odd });
      expect([planned.exposure.after, storable(planned)]).toEqual(["none", "proved"]);
      expect(planned.notes).toEqual([
        expect.stringMatching(
          /holds characters that KMS does not take \(U\+2028, U\+20AC, U\+D800, U\+D83D, U\+DD11\).*keyward rollback --policy FILE/,
        ),
      ]);
    },
  );

  test("are so where principals are re-admitted, and where a grant is revoked", () => {
    const denied = { kind: "denied", code: "AccessDenied", effect: "implicit", policy: "resource" } as const;
    const closed = policyText({ ...allow({ AWS: role(OWNER, "R") }, "kms:Decrypt"), Sid: odd });
    const seen = usage(entry({ kind: "role", arn: role(OWNER, "App") }, "kms:Decrypt", { outcome: denied }));
    const foreign: Grant = {
      GrantId: "a".repeat(64),
      GranteePrincipal: "arn:aws:iam::444455556666:root",
      Operations: ["Decrypt"],
    };
    for (const around of [{ usage: seen, readd: true }, { grants: [foreign] }] satisfies Around[]) {
      const planned = change(closed, around);
      expect(text(planned)).toMatch(TAKEN);
      const { Statement } = JSON.parse(text(planned)) as { Statement: { Sid?: string }[] };
      expect(Statement[1]?.Sid).toBe(odd);
      expect(planned.notes.filter((note) => note.includes("KMS does not take"))).toHaveLength(1);
    }
  });

  test("that it perhaps refuses leave it stated that it takes the text", () => {
    const planned = change(policyText(allow("*", "kms:Decrypt", { Sid: "a\u0085\u009fb" })));
    expect(storable(planned)).toBe("stated");
    expect(planned.obligations.find((o) => o.id === "storable")?.details).toEqual([
      expect.stringContaining("U+0085, U+009F"),
    ]);
  });

  test("of Latin-1 stay as they are, and there is no note", () => {
    const planned = change(policyText(allow("*", "kms:Decrypt", { Sid: "gÿÄ ¡" })));
    expect(text(planned)).toContain('"gÿÄ ¡"');
    expect([storable(planned), planned.notes]).toEqual(["proved", []]);
  });
});

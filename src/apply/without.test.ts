import { describe, expect, it } from "vitest";
import { isUniqueId, withoutPrincipals } from "./without.js";

const A = "arn:aws:iam::111122223333:role/A";
const GONE = "AROAEXAMPLEEXAMPLEEX";
const policy = (...statements: readonly string[]): string =>
  `{ "Version": "2012-10-17",\n  "Statement": [\n    ${statements.join(",\n    ")}\n  ]\n}\n`;
const allow = (principal: string, more = ""): string =>
  `{"Effect":"Allow","Principal":${principal},"Action":"kms:Decrypt","Resource":"*"${more}}`;

describe("a policy without deleted principals", () => {
  it.each<[string, string, string]>([
    ["one of a list goes", policy(allow(`{"AWS":["${A}", "${GONE}"]}`)), policy(allow(`{"AWS":["${A}"]}`))],
    [
      "the first of a list goes",
      policy(allow(`{"AWS":["${GONE}", "${A}"]}`)),
      policy(allow(`{"AWS":["${A}"]}`)),
    ],
    [
      "a statement that names nobody else goes",
      policy(allow(`{"AWS":"${GONE}"}`), allow(`{"AWS":"${A}"}`)),
      policy(allow(`{"AWS":"${A}"}`)),
    ],
    [
      "of a principal of two kinds the other stays",
      policy(allow(`{"AWS":"${GONE}","Service":"s3.amazonaws.com"}`)),
      policy(allow(`{"Service":"s3.amazonaws.com"}`)),
    ],
    ["nothing goes where nobody is gone", policy(allow(`{"AWS":"${A}"}`)), policy(allow(`{"AWS":"${A}"}`))],
  ])("%s", (_what, text, expected) => {
    const result = withoutPrincipals(text, isUniqueId);
    if (typeof result === "string") throw new Error(result);
    expect(JSON.parse(result.text)).toEqual(JSON.parse(expected));
    if (text === expected) expect(result.text).toBe(text);
  });

  it("says what was left out, and where", () => {
    const text = policy(allow(`{"AWS":"${GONE}"}`), allow(`{"AWS":["${A}","${GONE}"]}`));
    expect(withoutPrincipals(text, isUniqueId)).toMatchObject({ left: [GONE, GONE], statements: [0] });
  });

  it.each<[string, string, string]>([
    [
      "NotPrincipal",
      policy(
        allow(`{"AWS":"${A}"}`),
        `{"Effect":"Deny","NotPrincipal":{"AWS":["${GONE}"]},"Action":"kms:*","Resource":"*"}`,
      ),
      "Statement 2 names a deleted principal under NotPrincipal",
    ],
    [
      "a text in which it is not defined what counts",
      `{"Statement":[${allow(`{"AWS":["${A}","${GONE}"]}`)}],"Statement":[${allow(`{"AWS":"${A}"}`)}]}`,
      "cannot be understood",
    ],
    ["nothing remains", policy(allow(`{"AWS":"${GONE}"}`)), "Nothing but deleted principals"],
    ["no policy", "{", "cannot be understood"],
  ])("refuses %s", (_what, text, why) => {
    expect(withoutPrincipals(text, isUniqueId)).toContain(why);
  });
});

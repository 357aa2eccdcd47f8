import { describe, expect, test } from "vitest";
import { FRIEND, OWNER, ROOT, allow, root } from "../../test/judging.js";
import { change } from "../../test/planning.js";

const zoneCallers = { StringEquals: { "kms:CallerAccount": [OWNER, FRIEND] } };

describe("the text of the new policy", () => {
  test("keeps every byte outside the edit", () => {
    const before = `{ "Version" : "2012-10-17",\r\n\t"Statement":[\r\n\t\t{"Sid":"Root" ,"Effect":"Allow","Principal":{"AWS":"${root(OWNER)}"},"Action":"kms:*","Resource":"*"},\r\n`;
    const middle = `\t\t{ "Action" :["kms:Decrypt"], "Effect":"Allow", "Principal":"*",   "Resource":"*"`;
    const behind = `},\r\n\t\t{"Effect":"Deny","Principal":"*","Action":"kms:Sign","Resource":"*"  }\r\n\t],"Id":"a\\u0062"  }\r\n`;
    const text = change(before + middle + behind).policy?.text ?? "";
    expect(text.startsWith(before + middle)).toBe(true);
    expect(text.endsWith(behind)).toBe(true);
    const inserted = text.slice((before + middle).length, -behind.length);
    expect(JSON.parse(`{"x":1${inserted}}`)).toEqual({ x: 1, Condition: zoneCallers });
    expect(inserted.replaceAll("\r\n", "")).not.toMatch(/[\r\n]/);
  });

  test("stays on one line", () => {
    const text = JSON.stringify({ Version: "2012-10-17", Statement: [ROOT, allow("*", "kms:Decrypt")] });
    expect(change(text).policy?.text).not.toContain("\n");
  });
});

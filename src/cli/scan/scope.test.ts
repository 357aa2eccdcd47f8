import { expect, test } from "vitest";
import { resolveScope } from "./scope.js";

test.each([",", " , ", "/dev/null"])("a list that names no account is refused: %j", async (text) => {
  await expect(resolveScope({ kind: "accounts", text })).rejects.toThrow(/no account is named\n  next: /);
});

test("what is no account id is named, with the next step", async () => {
  await expect(resolveScope({ kind: "accounts", text: "111122223333,12" })).rejects.toThrow(
    /^--accounts: not an account id\n.*\n.*12\n.*next:/,
  );
});

import { describe, expect, test } from "vitest";
import { err, ok } from "../domain/result.js";
import type { SnapshotLine } from "../snapshot/lines.js";
import { readIam } from "./iam.js";
import type { Asked, IamEntity, IamPort, Page } from "./ports.js";

const ACCOUNT = "111122223333";
const role = (name: string): IamEntity => ({ type: "role", arn: `arn:aws:iam::${ACCOUNT}:role/${name}` });

async function read(
  ...answers: readonly Asked<Page<IamEntity>>[]
): Promise<{ lines: SnapshotLine[]; complete: boolean; markers: (string | undefined)[] }> {
  const lines: SnapshotLine[] = [];
  const markers: (string | undefined)[] = [];
  const queue = [...answers];
  const port: IamPort = {
    authorizationDetails: (marker) => {
      markers.push(marker);
      return Promise.resolve(queue.shift() ?? ok({ items: [], next: undefined }));
    },
  };
  const complete = await readIam(
    {
      ask: async (_call, send) => send(new AbortController().signal),
      emit: (line) => {
        lines.push(line);
        return Promise.resolve();
      },
      emitIncomplete: (where, failure) => {
        lines.push({ type: "incomplete", where, ...pick(failure) });
        return Promise.resolve();
      },
    },
    port,
    ACCOUNT,
  );
  return { lines, complete, markers };
}

function pick(f: { readonly call: string; readonly code: string; readonly help?: string }): {
  call: string;
  code: string;
  help: string;
} {
  return { call: f.call, code: f.code, help: f.help ?? "" };
}

describe("IAM of an account", () => {
  test("is read page by page, and the account's line says last that it is all", async () => {
    const { lines, complete, markers } = await read(
      ok({ items: [role("A")], next: "m1" }),
      ok({ items: [role("B")], next: undefined }),
    );
    expect(complete).toBe(true);
    expect(markers).toEqual([undefined, "m1"]);
    expect(lines).toEqual([role("A"), role("B"), { type: "account", id: ACCOUNT, iam: { kind: "present" } }]);
  });

  test("that is refused is unreadable and incomplete, never empty", async () => {
    const refusal = {
      kind: "denied",
      call: "iam:GetAccountAuthorizationDetails",
      code: "AccessDenied",
      message: "no",
    } as const;
    const { lines, complete } = await read(ok({ items: [role("A")], next: "m1" }), err(refusal));
    expect(complete).toBe(false);
    expect(lines).toEqual([
      role("A"),
      { type: "account", id: ACCOUNT, iam: { kind: "unreadable", code: "AccessDenied", message: "no" } },
      {
        type: "incomplete",
        where: ACCOUNT,
        call: "iam:GetAccountAuthorizationDetails",
        code: "AccessDenied",
        help: "Permit iam:GetAccountAuthorizationDetails to the scanning principal, or leave IAM out with --no-iam.",
      },
    ]);
  });

  test("that is of another account is unreadable: nothing is known of the one that was asked about", async () => {
    const other: IamEntity = { type: "role", arn: "arn:aws:iam::222233334444:role/A" };
    const { lines, complete } = await read(ok({ items: [role("B"), other], next: undefined }));
    expect(complete).toBe(false);
    expect(lines).toMatchObject([
      { type: "account", id: ACCOUNT, iam: { kind: "unreadable", code: "UnexpectedAnswer" } },
      { type: "incomplete", where: ACCOUNT, code: "UnexpectedAnswer" },
    ]);
  });

  test("may hold AWS's own policies", async () => {
    const policy: IamEntity = { type: "managed-policy", arn: "arn:aws:iam::aws:policy/X", text: "{}" };
    expect((await read(ok({ items: [policy], next: undefined }))).complete).toBe(true);
  });
});

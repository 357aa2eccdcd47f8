import { describe, expect, test } from "vitest";
import { err, ok } from "../domain/result.js";
import { askMembership } from "./membership.js";
import type { Asked, CallFailure, DescribedOrganization } from "./ports.js";

const failure = (code: string): CallFailure => ({
  kind: "other",
  call: "organizations:DescribeOrganization",
  code,
  message: "as AWS says it",
});

async function asked(
  answer: Asked<DescribedOrganization>,
  stopped?: CallFailure,
): Promise<{ readonly said: unknown; readonly calls: readonly string[] }> {
  const calls: string[] = [];
  const run = {
    stopped,
    ask: async <T>(call: string, send: (signal: AbortSignal) => Promise<Asked<T>>): Promise<Asked<T>> => {
      calls.push(call);
      return send(new AbortController().signal);
    },
  };
  const organization = () => Promise.resolve({ describe: () => Promise.resolve(answer) });
  return { said: await askMembership(run, { organization }), calls };
}

describe("the organization of an account", () => {
  test("is what DescribeOrganization tells, in one call", async () => {
    const { said, calls } = await asked(
      ok({ id: "o-own1234567", managementAccountId: "111122223333", featureSet: "ALL" }),
    );
    expect(said).toEqual({
      kind: "present",
      id: "o-own1234567",
      managementAccountId: "111122223333",
      featureSet: "ALL",
    });
    expect(calls).toEqual(["organizations:DescribeOrganization"]);
  });

  test("is none where AWS says that the account is in none, and only there", async () => {
    expect((await asked(err(failure("AWSOrganizationsNotInUseException")))).said).toEqual({ kind: "absent" });
    for (const code of ["AccessDeniedException", "TooManyRequestsException", "TimeoutError"]) {
      expect((await asked(err(failure(code)))).said).toEqual({
        kind: "unreadable",
        code,
        message: "as AWS says it",
      });
    }
  });

  test("is not known where what answers names no organization as AWS does", async () => {
    for (const [id, managementAccountId] of [
      ["own", undefined],
      ["o-own1234567", "root"],
    ] as const) {
      expect((await asked(ok({ id, managementAccountId }))).said).toEqual({
        kind: "unreadable",
        code: "UnexpectedAnswer",
      });
    }
  });

  test("was not asked where the scan has stopped, or where there is nobody to ask", async () => {
    expect((await asked(err(failure("Interrupted")), failure("Interrupted"))).said).toBeUndefined();
    const nobody = { ask: () => Promise.reject(new Error("asked")) };
    expect(await askMembership(nobody, {})).toBeUndefined();
  });
});

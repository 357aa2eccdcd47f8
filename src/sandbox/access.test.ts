import { describe, expect, test } from "vitest";
import type { Grant } from "../domain/grant.js";
import type { KeyLine } from "../snapshot/lines.js";
import { evaluate } from "../semantics/evaluate.js";
import { Access } from "./access.js";
import { makeIdentity, readCaller } from "./identity.js";
import { keyAction } from "./operations/operation.js";
import { loadWorld } from "./world/load.js";

const OWNER = "111122223333";
const OTHER = "999988887777";
const CALLERS = [
  `arn:aws:iam::${OWNER}:user/team/ann`,
  `arn:aws:iam::${OTHER}:role/team/app`,
  `arn:aws:sts::${OTHER}:assumed-role/app/session`,
  `arn:aws:sts::${OTHER}:federated-user/ann`,
  `arn:aws:iam::${OTHER}:root`,
  "rds.amazonaws.com",
];
const GRANTEES = [
  ...CALLERS.filter((c) => !c.startsWith("rds")),
  `arn:aws:iam::${OWNER}:user/ann`,
  `arn:aws:iam::${OTHER}:role/app`,
  `arn:aws:iam::${OTHER}:role/app2`,
  `arn:aws:iam::${OTHER}:user/app`,
  `arn:aws:iam::${OWNER}:root`,
  OTHER,
  "AROAEXAMPLEROLE123456",
  "rds.amazonaws.com",
  "nonsense",
];

describe("grants that are left out", () => {
  test.each(["Decrypt", "CreateGrant", "RetireGrant", "ListGrants"])(
    "change no answer about %s",
    async (operation) => {
      for (const grantee of GRANTEES) {
        const grant: Grant = {
          GrantId: "g",
          GranteePrincipal: grantee,
          IssuingAccount: `arn:aws:iam::${OWNER}:root`,
          Operations: ["Decrypt", "CreateGrant", "RetireGrant"],
        };
        const line: KeyLine = {
          type: "key",
          arn: `arn:aws:kms:us-east-1:${OWNER}:key/1234`,
          policy: { kind: "present", text: '{"Version":"2012-10-17","Statement":[]}' },
          grants: { kind: "present", items: [grant] },
        };
        const world = await loadWorld([line], { staleMs: 0, now: 0 });
        const [key] = [...world.keys()];
        if (key === undefined) throw new Error("the fixture has a key");
        for (const name of CALLERS) {
          const caller = readCaller(name);
          if (caller === undefined) throw new Error(`${name} is a caller`);
          const { request, document } = new Access(world).question(
            makeIdentity(caller),
            keyAction(operation),
            key,
            0,
          );
          const all = evaluate(request, { ...document, grants: [grant] }).outcome;
          expect([grantee, name, evaluate(request, document).outcome]).toEqual([grantee, name, all]);
        }
      }
    },
  );
});

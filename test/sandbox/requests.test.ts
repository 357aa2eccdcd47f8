import { describe, expect, test } from "vitest";
import { inconsistencies } from "../../src/semantics/consistency.js";
import { answerAws } from "../../src/sandbox/router.js";
import { keyAction } from "../../src/sandbox/operations/operation.js";
import { administrator, makeIdentity, readCaller } from "../../src/sandbox/identity.js";
import { parseAccountId } from "../../src/domain/ids.js";
import {
  ADMIN,
  MEMBER,
  MEMBER_ADMIN,
  ORGANIZATION,
  OWNER,
  STRANGER,
  allow,
  keyArn,
  keyId,
  keyLine,
  open,
  policy,
  refusal,
  rootStatement,
  signed,
} from "./harness.js";

const AUDIT = `arn:aws:iam::${MEMBER}:role/team/audit`;

describe("callers", () => {
  test("any access key works; AKIA and an account number is that account's administrator", async () => {
    const client = await open();
    const arn = (as: string): string | undefined =>
      /<Arn>([^<]*)/.exec(
        client.query("sts", { Action: "GetCallerIdentity", Version: "2011-06-15" }, { as }),
      )?.[1];
    expect(arn("anything")).toBe(`arn:aws:iam::${OWNER}:user/admin`);
    expect(arn(MEMBER_ADMIN)).toBe(`arn:aws:iam::${MEMBER}:user/admin`);
    expect(arn(`${MEMBER_ADMIN}EXTRA`)).toBe(`arn:aws:iam::${MEMBER}:user/admin`);
  });

  test("with --only-callers, only the keys of the file and of AssumeRole work", async () => {
    const client = await open({
      onlyCallers: true,
      callers: { AKIAKNOWN00000000001: { arn: `arn:aws:iam::${OWNER}:user/known` } },
      snapshot: [ORGANIZATION],
    });
    expect(refusal(() => client.kms("ListKeys", {}, { as: ADMIN })).code).toBe("UnrecognizedClientException");
    const known = { as: "AKIAKNOWN00000000001" };
    expect(client.kms("ListKeys", {}, known)).toHaveProperty("Keys");
    expect(client.kms("ListKeys", {}, client.assume(AUDIT, known))).toHaveProperty("Keys");
  });

  test("a role session acts in the role's account, by the role's name in policies", async () => {
    const named = allow({ AWS: AUDIT }, "kms:DescribeKey");
    const client = await open({
      snapshot: [
        ORGANIZATION,
        keyLine(1, { policy: { kind: "present", text: policy(rootStatement(), named) } }),
      ],
    });
    const session = client.assume(AUDIT);
    const identity = client.query("sts", { Action: "GetCallerIdentity", Version: "2011-06-15" }, session);
    expect(identity).toContain(`<Arn>arn:aws:sts::${MEMBER}:assumed-role/audit/test</Arn>`);
    expect(identity).toContain(`<Account>${MEMBER}</Account>`);
    expect(client.kms("DescribeKey", { KeyId: keyArn(1) }, session)).toHaveProperty("KeyMetadata");
    const other = client.assume(`arn:aws:iam::${MEMBER}:role/other`);
    expect(() => client.kms("DescribeKey", { KeyId: keyArn(1) }, other)).toThrow("not authorized");
  });

  test("the callers file says whom a role trusts and what its sessions may do", async () => {
    const callers = {
      [AUDIT]: { trust: [OWNER], externalId: "x1", deny: ["kms:GetKeyPolicy"] },
      AKIASTRANGER00000001: { arn: `arn:aws:iam::${STRANGER}:user/x` },
    };
    const client = await open({
      callers,
      snapshot: [ORGANIZATION, { ...keyLine(1), arn: keyArn(1, MEMBER) }],
    });
    expect(refusal(() => client.assume(AUDIT, { as: ADMIN })).code).toBe("AccessDenied");
    const id = { ExternalId: "x1" };
    expect(refusal(() => client.assume(AUDIT, { as: "AKIASTRANGER00000001" }, id)).code).toBe("AccessDenied");
    const session = client.assume(AUDIT, { as: ADMIN }, id);
    expect(refusal(() => client.kms("GetKeyPolicy", { KeyId: keyId(1) }, session)).message).toContain(
      "with an explicit deny in an identity-based policy",
    );
  });

  test("accounts that the sandbox does not have have no roles", async () => {
    const client = await open();
    expect(refusal(() => client.assume("arn:aws:iam::000011112222:role/x")).code).toBe("AccessDenied");
  });

  test("sessions end, need their token, and chains last an hour at most", async () => {
    let now = Date.parse("2026-11-23T10:00:00Z");
    const client = await open({ snapshot: [ORGANIZATION], now: () => now });
    const session = client.assume(AUDIT, {}, { DurationSeconds: "900" });
    const { as } = session;
    if (as === undefined) throw new Error("AssumeRole gave no access key");
    expect(refusal(() => client.kms("ListKeys", {}, { as })).code).toBe("UnrecognizedClientException");
    expect(refusal(() => client.assume(AUDIT, session, { DurationSeconds: "3601" })).code).toBe(
      "ValidationError",
    );
    now += 899_999;
    expect(client.kms("ListKeys", {}, session)).toHaveProperty("Keys");
    now += 1;
    expect(refusal(() => client.kms("ListKeys", {}, session)).code).toBe("ExpiredTokenException");
  });

  test("a session policy limits the session", async () => {
    const client = await open({ snapshot: [keyLine(1)] });
    const Policy = JSON.stringify({
      Version: "2012-10-17",
      Statement: [{ Effect: "Allow", Action: ["kms:DescribeKey", "kms:ListKeys"], Resource: "*" }],
    });
    const session = client.assume(`arn:aws:iam::${OWNER}:role/r`, {}, { Policy });
    expect(client.kms("DescribeKey", { KeyId: keyId(1) }, session)).toHaveProperty("KeyMetadata");
    expect(client.kms("ListKeys", {}, session)).toHaveProperty("Keys");
    expect(() => client.kms("GetKeyPolicy", { KeyId: keyId(1) }, session)).toThrow("not authorized");
    expect(() => client.kms("ListAliases", {}, session)).toThrow("not authorized");
  });

  test("requests look like such that AWS makes", async () => {
    const client = await open({ snapshot: [ORGANIZATION, keyLine(1, { tags: { a: "b" } })] });
    const { access, world } = client.desk.services;
    const key = [...world.keys()][0];
    const account = parseAccountId(MEMBER);
    if (key === undefined || account === undefined) throw new Error("the fixture has a key");
    const people = [
      administrator(account, "aws"),
      ...[`arn:aws:iam::${OWNER}:root`, AUDIT, "logs.us-east-1.amazonaws.com"].flatMap((text) => {
        const caller = readCaller(text);
        return caller === undefined ? [] : [makeIdentity(caller)];
      }),
    ];
    expect(people).toHaveLength(4);
    for (const identity of people) {
      const { request, document } = access.question(identity, keyAction("Decrypt"), key, Date.now(), {
        encryptionContext: { a: "b" },
      });
      expect([identity.arn, inconsistencies(request, document)]).toEqual([identity.arn, []]);
    }
  });
});

describe("signatures", () => {
  const send = async (headers: Record<string, string | undefined>): Promise<string> => {
    const client = await open();
    const defined = Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== undefined));
    const { result } = answerAws(client.desk, {
      method: "POST",
      path: "/any/path",
      headers: { "x-amz-target": "TrentService.ListKeys", ...defined },
      body: Buffer.from("{}"),
      id: "r",
    });
    return result;
  };

  test("are read, not verified, and their absence is refused as AWS refuses it", async () => {
    expect(await send(signed("kms", {}))).toBe("ok");
    expect(await send({})).toBe("MissingAuthenticationTokenException");
    expect(await send({ ...signed("kms", {}), authorization: "Bearer x" })).toBe(
      "IncompleteSignatureException",
    );
    expect(
      await send({
        ...signed("kms", {}),
        authorization: "AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=h, Signature=0",
      }),
    ).toBe("IncompleteSignatureException");
    expect(await send({ ...signed("kms", {}), "x-amz-date": undefined })).toBe(
      "IncompleteSignatureException",
    );
    expect(await send(signed("s3", {}))).toBe("InvalidSignatureException");
  });

  test("a Region that is not enabled refuses the credentials", async () => {
    const client = await open({ disabledRegions: ["eu-south-1"] });
    expect(refusal(() => client.kms("ListKeys", {}, { region: "eu-south-1" })).code).toBe(
      "UnrecognizedClientException",
    );
    expect(client.kms("ListKeys", {}, { region: "af-south-1" })).toHaveProperty("Keys");
  });
});

describe("Regions", () => {
  const snapshot = [{ ...keyLine(1), arn: keyArn(1, OWNER, "eu-south-2") }];

  test("EC2 shows those of the keys and the ordinary ones; disabled ones on demand", async () => {
    const client = await open({ snapshot });
    const list = (more: Record<string, string>): string[] => {
      const xml = client.query("ec2", { Action: "DescribeRegions", Version: "2016-11-15", ...more });
      return [
        ...xml.matchAll(
          /<regionName>([^<]*)<\/regionName><regionEndpoint>[^<]*<\/regionEndpoint><optInStatus>([^<]*)/g,
        ),
      ].map((m) => `${m[1] ?? ""} ${m[2] ?? ""}`);
    };
    const enabled = [
      "eu-south-2 opted-in",
      "eu-west-1 opt-in-not-required",
      "us-east-1 opt-in-not-required",
      "us-west-2 opt-in-not-required",
    ];
    expect(list({})).toEqual(enabled);
    expect(list({ AllRegions: "true" })).toEqual(["af-south-1 not-opted-in", ...enabled]);
    expect(list({ "RegionName.1": "us-east-1" })).toEqual(["us-east-1 opt-in-not-required"]);
    expect(list({ "Filter.1.Name": "opt-in-status", "Filter.1.Value.1": "opted-in" })).toEqual([
      "eu-south-2 opted-in",
    ]);
  });

  test("EC2 refuses whom the identity side does not allow", async () => {
    const callers = { AKIAREADER0000000001: { arn: `arn:aws:iam::${OWNER}:user/r`, deny: ["ec2:*"] } };
    const client = await open({ callers });
    const xml = client.query(
      "ec2",
      { Action: "DescribeRegions", Version: "2016-11-15" },
      { as: "AKIAREADER0000000001" },
    );
    expect(xml).toContain("<Code>UnauthorizedOperation</Code>");
  });
});

describe("what is asked wrongly", () => {
  test("unknown operations, bodies and members", async () => {
    const client = await open({ snapshot: [keyLine(1)] });
    expect(refusal(() => client.kms("GenerateRandom")).code).toBe("UnknownOperationException");
    expect(refusal(() => client.kms("toString")).code).toBe("UnknownOperationException");
    expect(refusal(() => client.kms("DescribeKey"))).toMatchObject({
      code: "ValidationException",
      message:
        "1 validation error detected: Value null at 'keyId' failed to satisfy constraint: Member must not be null",
    });
    expect(refusal(() => client.kms("DescribeKey", { KeyId: 5 })).code).toBe("SerializationException");
    expect(client.query("sts", { Action: "constructor", Version: "2011-06-15" })).toContain(
      "<Code>UnknownOperation</Code>",
    );
  });

  test.each(["", "[]", "nonsense", '"x"', "{", "\u0000"])(
    "a body of %j is refused or read, never a crash",
    async (text) => {
      const client = await open();
      const { result } = answerAws(client.desk, {
        method: "POST",
        path: "/",
        headers: { ...signed("kms", {}), "x-amz-target": "TrentService.ListKeys" },
        body: Buffer.from(text),
        id: "r",
      });
      expect(result).toBe(text === "" ? "ok" : "SerializationException");
    },
  );

  test("XML answers escape what they repeat", async () => {
    const client = await open();
    const xml = client.query("sts", {
      Action: "AssumeRole",
      Version: "2011-06-15",
      RoleArn: "arn:aws:iam::<b>&\u0007:role/x-------",
      RoleSessionName: "test",
    });
    expect(xml).toContain("arn:aws:iam::&lt;b&gt;&amp;:role/x");
  });
});

describe("faults and quotas", () => {
  test("faults strike an operation on a key, an account's Region, or at random", async () => {
    const client = await open({
      snapshot: [keyLine(1, { aliases: ["alias/app"] }), keyLine(2)],
      faults: [
        `DescribeKey=AccessDeniedException@${keyArn(1)}`,
        `ListKeys=throttle@${OWNER}/eu-*`,
        "ListAliases=500",
      ],
    });
    for (const name of [keyId(1), keyArn(1), "alias/app"]) {
      expect(refusal(() => client.kms("DescribeKey", { KeyId: name })).code).toBe("AccessDeniedException");
    }
    expect(client.kms("DescribeKey", { KeyId: keyId(2) })).toHaveProperty("KeyMetadata");
    expect(client.kms("GetKeyPolicy", { KeyId: keyId(1) })).toHaveProperty("Policy");
    expect(refusal(() => client.kms("ListKeys", {}, { region: "eu-west-1" })).code).toBe(
      "ThrottlingException",
    );
    expect(client.kms("ListKeys")).toHaveProperty("Keys");
    expect(refusal(() => client.kms("ListAliases")).status).toBe(500);
  });

  test("the same seed strikes the same requests", async () => {
    const run = async (seed: number): Promise<string> => {
      const client = await open({ faults: ["*=throttle:0.3"], seed });
      return Array.from({ length: 60 }, () => {
        try {
          client.kms("ListKeys");
          return ".";
        } catch {
          return "x";
        }
      }).join("");
    };
    const first = await run(7);
    expect(await run(7)).toBe(first);
    expect(await run(8)).not.toBe(first);
    expect(first).toMatch(/x/);
    expect(first).toMatch(/\./);
  });

  test("quotas count against the caller's account in one Region", async () => {
    let now = 0;
    const client = await open({ snapshot: [keyLine(1)], quotas: true, now: () => now });
    const burst = (region: string, as: string): number => {
      let passed = 0;
      for (let i = 0; i < 20; i++) {
        try {
          client.kms("DisableKey", { KeyId: keyArn(1) }, { region, as });
          passed += 1;
        } catch (error) {
          if (error instanceof Error && error.message.startsWith("You have exceeded the rate")) continue;
          passed += 1;
        }
      }
      return passed;
    };
    expect(burst("us-east-1", ADMIN)).toBe(5);
    expect(burst("us-east-1", ADMIN)).toBe(0);
    expect(burst("us-east-1", MEMBER_ADMIN)).toBe(5);
    expect(burst("us-west-2", ADMIN)).toBe(5);
    now += 400;
    expect(burst("us-east-1", ADMIN)).toBe(2);
  });
});

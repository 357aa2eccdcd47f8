import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

/** mulberry32: small, seeded, and good enough for test data. */
export function random(seed) {
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = a;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const REGIONS = ["us-east-1", "eu-west-1", "eu-central-1"];
const ACCOUNTS = ["111122223333", "222233334444", "333344445555"];
const SERVICES = ["ec2", "sts", "s3", "dynamodb", "lambda", "logs", "ssm", "ecr"];
const CALLS = [
  "DescribeInstances",
  "AssumeRole",
  "GetBucketAcl",
  "DescribeTable",
  "ListTags20170331",
  "PutLogEvents",
];
const KMS = [
  "Decrypt",
  "GenerateDataKey",
  "Encrypt",
  "DescribeKey",
  "GenerateDataKeyWithoutPlaintext",
  "ReEncrypt",
];

/**
 * Seeded CloudTrail log files as CloudTrail writes them: one JSON object a file, no white space, gzipped, one record in
 * ten from KMS. The same seed and size give the same bytes. `options`: folder; bytes of all files and fileBytes of one,
 * before compression; seed.
 */
export function generate(options) {
  const rnd = random(options.seed);
  const pick = (list) => {
    const item = list[Math.floor(rnd() * list.length)];
    if (item === undefined) throw new Error("an empty list");
    return item;
  };
  const hex = (n) => {
    let text = "";
    while (text.length < n)
      text += Math.floor(rnd() * 4294967296)
        .toString(16)
        .padStart(8, "0");
    return text.slice(0, n);
  };
  const uuid = () => `${hex(8)}-${hex(4)}-4${hex(3)}-a${hex(3)}-${hex(12)}`;
  const total = { files: 0, bytes: 0, compressed: 0, records: 0, kmsRecords: 0 };
  const start = Date.UTC(2026, 0, 1);
  while (total.bytes < options.bytes) {
    const account = pick(ACCOUNTS);
    const region = pick(REGIONS);
    const minute = start + total.files * 5 * 60_000;
    const parts = [];
    let size = 0;
    while (size < options.fileBytes && total.bytes + size < options.bytes) {
      const kms = rnd() < 0.1;
      const record = kms ? kmsRecord() : otherRecord();
      const text = JSON.stringify(record);
      parts.push(text);
      size += text.length + 1;
      total.records++;
      if (kms) total.kmsRecords++;
    }
    const body = Buffer.from(`{"Records":[${parts.join(",")}]}`);
    const gz = gzipSync(body, { level: 6 });
    const stamp = new Date(minute).toISOString();
    const [year = "", month = "", day = ""] = stamp.slice(0, 10).split("-");
    const folder = join(options.folder, "AWSLogs", account, "CloudTrail", region, year, month, day);
    mkdirSync(folder, { recursive: true });
    const unique = createHash("sha256")
      .update(`${options.seed}/${total.files}`)
      .digest("base64url")
      .replace(/[-_]/g, "x");
    const time = `${year}${month}${day}T${stamp.slice(11, 13)}${stamp.slice(14, 16)}Z`;
    writeFileSync(join(folder, `${account}_CloudTrail_${region}_${time}_${unique.slice(0, 16)}.json.gz`), gz);
    total.files++;
    total.bytes += body.length;
    total.compressed += gz.length;

    function identity(number = Math.floor(rnd() * 40)) {
      const role = `app-${number}`;
      const session = hex(17);
      const id = `AROA${hex(16).toUpperCase()}`;
      return {
        type: "AssumedRole",
        principalId: `${id}:i-${session}`,
        arn: `arn:aws:sts::${account}:assumed-role/${role}/i-${session}`,
        accountId: account,
        accessKeyId: `ASIA${hex(16).toUpperCase()}`,
        sessionContext: {
          sessionIssuer: {
            type: "Role",
            principalId: `AROAROLE${role.toUpperCase()}`,
            arn: `arn:aws:iam::${account}:role/${role}`,
            accountId: account,
            userName: role,
          },
          attributes: {
            creationDate: new Date(minute).toISOString().slice(0, 19) + "Z",
            mfaAuthenticated: "false",
          },
        },
      };
    }
    function common(source, name, role) {
      return {
        eventVersion: "1.11",
        userIdentity: identity(role),
        eventTime: `${new Date(minute + Math.floor(rnd() * 300) * 1000).toISOString().slice(0, 19)}Z`,
        eventSource: `${source}.amazonaws.com`,
        eventName: name,
        awsRegion: region,
        sourceIPAddress: `10.${Math.floor(rnd() * 256)}.${Math.floor(rnd() * 256)}.${Math.floor(rnd() * 256)}`,
        userAgent: `aws-sdk-java/2.${Math.floor(rnd() * 30)}.${Math.floor(rnd() * 100)} Linux/5.10 "quoted" {braces}`,
      };
    }
    function tail() {
      return {
        requestID: uuid(),
        eventID: uuid(),
        readOnly: true,
        eventType: "AwsApiCall",
        managementEvent: true,
        recipientAccountId: account,
        eventCategory: "Management",
        tlsDetails: {
          tlsVersion: "TLSv1.3",
          cipherSuite: "TLS_AES_128_GCM_SHA256",
          clientProvidedHostHeader: `${hex(6)}.${region}.amazonaws.com`,
        },
      };
    }
    function kmsRecord() {
      // A role uses three keys, as roles do.
      const role = Math.floor(rnd() * 40);
      const number = String((role + Math.floor(rnd() * 3) * 17) % 50);
      const arn = `arn:aws:kms:${region}:${account}:key/1234abcd-12ab-34cd-56ef-${number.padStart(12, "0")}`;
      const denied = rnd() < 0.01;
      const name = pick(KMS);
      const resource = { accountId: account, type: "AWS::KMS::Key", ARN: arn };
      return {
        ...common("kms", name, role),
        ...(denied
          ? {
              errorCode: "AccessDenied",
              errorMessage: `User: arn:aws:sts::${account}:assumed-role/x/y is not authorized to perform: kms:${name === "ReEncrypt" ? "ReEncryptFrom" : name} on resource: ${arn} because no resource-based policy allows the kms:${name} action`,
            }
          : {}),
        requestParameters: {
          keyId: arn,
          encryptionAlgorithm: "SYMMETRIC_DEFAULT",
          encryptionContext: { "aws:s3:arn": `arn:aws:s3:::bucket-${hex(6)}` },
        },
        responseElements: null,
        additionalEventData: { keyMaterialId: hex(64) },
        resources: name === "ReEncrypt" ? [resource, resource] : [resource],
        ...tail(),
      };
    }
    function otherRecord() {
      const items = Array.from({ length: 1 + Math.floor(rnd() * 6) }, () => ({
        name: `tag-${hex(8)}`,
        values: [uuid()],
      }));
      return {
        ...common(pick(SERVICES), pick(CALLS)),
        requestParameters: {
          filterSet: { items },
          note: 'a "quoted" {value} with \\ and \n',
          bucketName: hex(12),
        },
        responseElements: rnd() < 0.3 ? { instancesSet: { items } } : null,
        ...tail(),
      };
    }
  }
  return total;
}

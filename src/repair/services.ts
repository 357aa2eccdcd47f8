/**
 * How services of AWS use KMS keys of their customers: the one table that narrowing and docs/evidence.md are made from.
 * Each row was read in the service's documentation; where that does not say which operations belong together, the
 * standard groups of KMS apply ({@link STANDARD}). All addresses were read 2026-11-25.
 */
export interface ServiceUse {
  /** First labels of the names under which CloudTrail (`invokedBy`) and `kms:ViaService` know it: `s3` of s3.amazonaws.com. */
  readonly labels: readonly string[];
  readonly name: string;
  /**
   * Who stands in CloudTrail as the caller. `caller`: the principal that used the service; `grant`: the same for a
   * CreateGrant, and the service itself for what the grant permits; `service`: the service.
   */
  readonly actor: "caller" | "grant" | "service";
  /** Operations that its use of a key shows. */
  readonly shows: readonly string[];
  /** Names in the encryption context. */
  readonly context: readonly string[];
  /**
   * What else a principal needs through this service where one operation was seen, since one call of the service makes
   * them all, or makes each on another day. `standard`: its documentation does not tell.
   */
  readonly together: Readonly<Record<string, readonly string[]>> | "standard";
  /** What is used and does not show, or shows less often than it happens. */
  readonly unseen: string;
  readonly source: string;
}

const ENCRYPT = "kms:Encrypt";
const DECRYPT = "kms:Decrypt";
const REENCRYPT = ["kms:ReEncryptFrom", "kms:ReEncryptTo"];
const DATA_KEY = "kms:GenerateDataKey";
const DATA_KEY_CLOSED = "kms:GenerateDataKeyWithoutPlaintext";
const DESCRIBE = "kms:DescribeKey";
const CREATE_GRANT = "kms:CreateGrant";

/** Each of them needs all of them. */
function all(...actions: readonly string[]): Readonly<Record<string, readonly string[]>> {
  return Object.fromEntries(actions.map((a) => [a, actions]));
}

const EBS = [CREATE_GRANT, DECRYPT, DESCRIBE, DATA_KEY_CLOSED, ...REENCRYPT];
const DYNAMODB = [ENCRYPT, DECRYPT, ...REENCRYPT, DATA_KEY, DATA_KEY_CLOSED, DESCRIBE, CREATE_GRANT];

/** In the order of their names. */
export const SERVICES: readonly ServiceUse[] = [
  {
    labels: ["cloudtrail"],
    name: "CloudTrail",
    actor: "service",
    shows: [DATA_KEY, DESCRIBE],
    context: ["aws:cloudtrail:arn", "aws:s3:arn"],
    together: {},
    unseen: "readers of its log files: they decrypt through S3",
    source:
      "https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-kms-key-policy-for-cloudtrail.html",
  },
  {
    labels: ["logs"],
    name: "CloudWatch Logs",
    actor: "service",
    shows: [ENCRYPT, DECRYPT, ...REENCRYPT, DATA_KEY, DESCRIBE],
    context: ["aws:logs:arn"],
    together: "standard",
    unseen: "who reads or writes the log group: the service calls in its own name",
    source: "https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html",
  },
  {
    labels: ["dynamodb"],
    name: "DynamoDB",
    actor: "grant",
    shows: DYNAMODB,
    context: ["aws:dynamodb:tableName", "aws:dynamodb:subscriberId"],
    together: all(...DYNAMODB),
    unseen:
      "single reads and writes: table keys are cached, and asked for anew after five minutes without use",
    source: "https://docs.aws.amazon.com/kms/latest/developerguide/services-dynamodb.html",
  },
  {
    labels: ["ec2", "ebs"],
    name: "EBS",
    actor: "grant",
    shows: [CREATE_GRANT, DECRYPT, DATA_KEY_CLOSED, ...REENCRYPT, DESCRIBE],
    context: ["aws:ebs:id"],
    together: all(...EBS),
    unseen: "reads and writes of a volume: its data key is decrypted once, when it is attached",
    source: "https://docs.aws.amazon.com/ebs/latest/userguide/ebs-encryption-requirements.html",
  },
  {
    labels: ["kinesis"],
    name: "Kinesis Data Streams",
    actor: "caller",
    shows: [DATA_KEY, DECRYPT],
    context: ["aws:kinesis:arn"],
    together: {},
    unseen: "single records: data keys are used again",
    source: "https://docs.aws.amazon.com/streams/latest/dev/permissions-user-key-KMS.html",
  },
  {
    labels: ["lambda"],
    name: "Lambda (environment variables)",
    actor: "grant",
    shows: [CREATE_GRANT, ENCRYPT, DECRYPT],
    context: ["aws:lambda:FunctionArn"],
    together: { [CREATE_GRANT]: [ENCRYPT], [ENCRYPT]: [CREATE_GRANT] },
    unseen: "single invocations: variables are decrypted when an execution environment starts",
    source: "https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars-encryption.html",
  },
  {
    labels: ["ssm"],
    name: "Parameter Store",
    actor: "caller",
    shows: [ENCRYPT, DATA_KEY, DECRYPT],
    context: ["PARAMETER_ARN"],
    together: {},
    unseen:
      "advanced parameters of a principal that has written standard ones only: GenerateDataKey in place of Encrypt",
    source: "https://docs.aws.amazon.com/kms/latest/developerguide/services-parameter-store.html",
  },
  {
    labels: ["rds"],
    name: "RDS and Aurora",
    actor: "grant",
    shows: [CREATE_GRANT, DESCRIBE, DATA_KEY_CLOSED, DECRYPT],
    context: ["aws:rds:db-id", "aws:ebs:id"],
    together: all(CREATE_GRANT, DESCRIBE),
    unseen:
      "queries: its volumes are encrypted by EBS; a database that cannot use its key when it next needs it stops, and is only restored from a backup",
    source: "https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Overview.Encryption.Keys.html",
  },
  {
    labels: ["redshift"],
    name: "Redshift",
    actor: "caller",
    shows: [DECRYPT, DATA_KEY],
    context: ["aws:redshift:arn", "aws:redshift:createtime"],
    together: "standard",
    unseen: "queries: blocks are encrypted with keys of the cluster, which KMS protects only at the top",
    source: "https://docs.aws.amazon.com/kms/latest/developerguide/services-redshift.html",
  },
  {
    labels: ["s3"],
    name: "S3",
    actor: "caller",
    shows: [DATA_KEY, DECRYPT],
    context: ["aws:s3:arn"],
    together: {},
    unseen:
      "single objects of a bucket with an S3 Bucket Key: one call stands for many of them, and names the bucket; multipart uploads of a principal that has made small ones only (they need kms:Decrypt as well)",
    source: "https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html",
  },
  {
    labels: ["secretsmanager"],
    name: "Secrets Manager",
    actor: "caller",
    shows: [DATA_KEY, DECRYPT],
    context: ["SecretARN", "SecretVersionId"],
    together: { [DATA_KEY]: [DECRYPT] },
    unseen: "reads from a cache in the application",
    source: "https://docs.aws.amazon.com/secretsmanager/latest/userguide/security-encryption.html",
  },
  {
    labels: ["sns"],
    name: "SNS",
    actor: "caller",
    shows: [DATA_KEY, DECRYPT],
    context: ["aws:sns:topicArn"],
    together: { [DATA_KEY]: [DECRYPT] },
    unseen: "single messages: a data key is used again for up to five minutes",
    source: "https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html",
  },
  {
    labels: ["sqs"],
    name: "SQS",
    actor: "caller",
    shows: [DATA_KEY, DECRYPT],
    context: ["aws:sqs:arn"],
    together: { [DATA_KEY]: [DECRYPT] },
    unseen: "single messages: a data key is used again until its reuse period (5 minutes; up to a day) ends",
    source:
      "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html",
  },
];

/** Grants that a service makes in a caller's name, with what goes with making them. */
export const FOR_RESOURCES = [CREATE_GRANT, "kms:ListGrants", "kms:RevokeGrant"];

/**
 * Operations that belong together where the service is none of {@link SERVICES} or does not tell. Source: KMS Developer
 * Guide, "Default key policy", key users and "use of the key with AWS services".
 */
const STANDARD: readonly (readonly string[])[] = [
  [ENCRYPT, ...REENCRYPT, DATA_KEY, DATA_KEY_CLOSED, DESCRIBE],
  [DECRYPT, DESCRIBE],
];

/** The service that CloudTrail names so (`s3.amazonaws.com`); undefined: none of the table, or `unknown`. */
export function serviceOf(via: string): ServiceUse | undefined {
  const label = via.split(".")[0] ?? "";
  return SERVICES.find((s) => s.labels.includes(label));
}

/** What a principal needs that was seen calling this through a service, the action itself included. */
export function neededTogether(action: string, via: string): readonly string[] {
  const together = serviceOf(via)?.together ?? "standard";
  const more = together === "standard" ? STANDARD.find((g) => g.includes(action)) : together[action];
  return [...new Set([action, ...(more ?? [])])];
}

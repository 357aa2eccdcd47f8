/** Which table Athena is to read. All three are identifiers: {@link isIdentifier}. */
export interface AthenaTarget {
  readonly database: string;
  readonly table: string;
  /** A partition column of the form `2026/11/23`; undefined: none, and the query reads all partitions. */
  readonly datePartition: string | undefined;
}

/** Days, `YYYY-MM-DD`, both included. */
export interface QueryDays {
  readonly from?: string | undefined;
  readonly to?: string | undefined;
}

/** What keyward takes as the name of a database, a table or a column: nothing that could end the quotes around it. */
export function isIdentifier(text: string): boolean {
  return /^[A-Za-z0-9_]{1,128}$/.test(text);
}

/** The columns of {@link usageSql}'s result, in their order. */
export const USAGE_COLUMNS = [
  "type",
  "principal_id",
  "arn",
  "account_id",
  "invoked_by",
  "issuer_type",
  "issuer_id",
  "issuer_arn",
  "issuer_account",
  "event_name",
  "region",
  "recipient",
  "event_type",
  "endpoint",
  "source",
  "error_code",
  "denied_action",
  "denied_resource",
  "denied_effect",
  "denied_policy",
  "key_id",
  "source_key_id",
  "destination_key_id",
  "context",
  "source_context",
  "destination_context",
  "resources",
  "calls",
  "first_seen",
  "last_seen",
] as const;
export type UsageColumn = (typeof USAGE_COLUMNS)[number];

/** The columns of {@link coverageSql}'s result. */
export const COVERAGE_COLUMNS = ["account", "region", "day", "events", "kms_events", "excluded_at"] as const;
export type CoverageColumn = (typeof COVERAGE_COLUMNS)[number];

/**
 * The query that adds up calls of KMS where the logs lie, for a table with the columns that AWS documents (Athena User
 * Guide, "Query AWS CloudTrail logs"). Its rows hold what keyward reads of a record, so that both ways give the same:
 * sessions become their role's, addresses a class, messages of denial what they name, encryption contexts their keys.
 * An event that several trails hold counts once: the caller's copy, as it names the role.
 */
export function usageSql(target: AthenaTarget, days: QueryDays): string {
  return `WITH events AS (
  SELECT
    *,
    row_number() OVER (
      PARTITION BY coalesce(nullif(sharedeventid, ''), eventid)
      ORDER BY CASE WHEN useridentity.type = 'AWSAccount' THEN 1 ELSE 0 END, recipientaccountid, eventid
    ) AS copy
  FROM ${from(target)}
  WHERE eventsource = 'kms.amazonaws.com'${span(target, days)}
), calls AS (
  SELECT
    useridentity.type AS type,
    split_part(useridentity.principalid, ':', 1) AS principal_id,
    regexp_replace(useridentity.arn, '^(arn:[^/]*:assumed-role/[^/]+)/.*$', '$1') AS arn,
    useridentity.accountid AS account_id,
    useridentity.invokedby AS invoked_by,
    useridentity.sessioncontext.sessionissuer.type AS issuer_type,
    useridentity.sessioncontext.sessionissuer.principalid AS issuer_id,
    useridentity.sessioncontext.sessionissuer.arn AS issuer_arn,
    useridentity.sessioncontext.sessionissuer.accountid AS issuer_account,
    eventname AS event_name,
    awsregion AS region,
    recipientaccountid AS recipient,
    eventtype AS event_type,
    vpcendpointid AS endpoint,
    CASE
      WHEN sourceipaddress LIKE 'AWS Internal%' OR sourceipaddress LIKE 'Amazon Internal%' OR sourceipaddress LIKE '%.amazonaws.com' OR sourceipaddress LIKE '%.amazonaws.com.cn' THEN sourceipaddress
      WHEN regexp_like(sourceipaddress, '^(10|127)\\.|^172\\.(1[6-9]|2[0-9]|3[01])\\.|^192\\.168\\.|^169\\.254\\.|^100\\.(6[4-9]|[7-9][0-9]|1[01][0-9]|12[0-7])\\.') THEN '10.0.0.0'
      WHEN regexp_like(sourceipaddress, '^[0-9]{1,3}(\\.[0-9]{1,3}){3}$') THEN '192.0.2.0'
      WHEN regexp_like(lower(sourceipaddress), '^(f[cd]|fe[89ab])[0-9a-f]*:') THEN 'fd00::'
      WHEN regexp_like(lower(sourceipaddress), '^[0-9a-f:.]*:[0-9a-f:.]*$') THEN '2001:db8::'
    END AS source,
    errorcode AS error_code,
    regexp_extract(errormessage, ' to perform: (kms:[A-Za-z0-9]+)', 1) AS denied_action,
    regexp_extract(errormessage, ' on resource: (arn:[^ ]+)', 1) AS denied_resource,
    regexp_extract(errormessage, 'with an explicit deny|because no [A-Za-z -]+ allows') AS denied_effect,
    regexp_extract(errormessage, 'resource control polic|service control polic|VPC endpoint polic|permissions boundar|session polic|resource-based polic|identity-based polic') AS denied_policy,
    json_extract_scalar(requestparameters, '$.keyId') AS key_id,
    json_extract_scalar(requestparameters, '$.sourceKeyId') AS source_key_id,
    json_extract_scalar(requestparameters, '$.destinationKeyId') AS destination_key_id,
    ${contextSql("encryptionContext")} AS context,
    ${contextSql("sourceEncryptionContext")} AS source_context,
    ${contextSql("destinationEncryptionContext")} AS destination_context,
    json_format(CAST(transform(resources, r -> r.arn) AS JSON)) AS resources,
    eventtime
  FROM events
  WHERE copy = 1
)
SELECT
  ${USAGE_COLUMNS.slice(0, -3).join(",\n  ")},
  count(*) AS calls,
  min(eventtime) AS first_seen,
  max(eventtime) AS last_seen
FROM calls
GROUP BY ${USAGE_COLUMNS.slice(0, -3)
    .map((_, i) => i + 1)
    .join(", ")}
`;
}

/** The query for what the table covers: events a day, account and Region, and when trails were told to leave out KMS. */
export function coverageSql(target: AthenaTarget, days: QueryDays): string {
  return `SELECT
  recipientaccountid AS account,
  awsregion AS region,
  substr(eventtime, 1, 10) AS day,
  count(*) AS events,
  count_if(eventsource = 'kms.amazonaws.com') AS kms_events,
  max(CASE
    WHEN eventsource = 'cloudtrail.amazonaws.com' AND eventname = 'PutEventSelectors' AND errorcode IS NULL
      AND strpos(requestparameters, 'kms.amazonaws.com') > 0 THEN eventtime
  END) AS excluded_at
FROM ${from(target)}
WHERE eventtime IS NOT NULL${span(target, days)}
GROUP BY 1, 2, 3
`;
}

function from(target: AthenaTarget): string {
  return `${quoted(target.database)}.${quoted(target.table)}`;
}

/** An identifier in double quotes. It has been checked before; a mistake here would be an injection, so it throws. */
function quoted(name: string): string {
  if (!isIdentifier(name)) throw new Error(`not an identifier: ${name}`);
  return `"${name}"`;
}

function span(target: AthenaTarget, days: QueryDays): string {
  const conditions: string[] = [];
  const { datePartition } = target;
  const from = checkedDay(days.from);
  const to = checkedDay(days.to);
  if (from !== undefined) conditions.push(`eventtime >= '${from}T00:00:00Z'`);
  if (to !== undefined) conditions.push(`eventtime <= '${to}T23:59:59Z'`);
  // The partition is the day of delivery, which can be the day after.
  if (datePartition !== undefined && from !== undefined) {
    conditions.push(`${quoted(datePartition)} >= '${from.replaceAll("-", "/")}'`);
  }
  if (datePartition !== undefined && to !== undefined) {
    const next = new Date(Date.parse(`${to}T00:00:00Z`) + 86_400_000).toISOString().slice(0, 10);
    conditions.push(`${quoted(datePartition)} <= '${next.replaceAll("-", "/")}'`);
  }
  return conditions.map((c) => `\n    AND ${c}`).join("");
}

function checkedDay(day: string | undefined): string | undefined {
  if (day === undefined) return undefined;
  if (!/^\d{4}-\d\d-\d\d$/.test(day) || Number.isNaN(Date.parse(`${day}T00:00:00Z`))) {
    throw new Error(`not a day: ${day}`);
  }
  return day;
}

function contextSql(field: string): string {
  return `json_format(CAST(array_sort(map_keys(TRY(CAST(json_extract(requestparameters, '$.${field}') AS MAP(VARCHAR, JSON))))) AS JSON))`;
}

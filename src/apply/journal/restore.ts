import type { Grant } from "../../domain/grant.js";
import { keyArnParts, parseKeyArn } from "../../domain/ids.js";
import type { BackupEvent } from "./events.js";

/** What stands at the top of a run's RESTORE.md. */
export const RESTORE_HEAD = `# How to restore these keys by hand

With keyward: \`keyward rollback RUN\`, RUN being the name of this folder. Without it, all you need is the AWS CLI and
the files of this journal: the commands below put back the policy that a key had before this run, and the grants that
it revoked. Run them with credentials of the key's account that may call kms:PutKeyPolicy (and kms:CreateGrant) on it,
from the folder in which RESTORE.md lies.

The files under ../../objects are named by the SHA-256 of their content: \`sha256sum FILE\` tells whether one is
unharmed. Those that the commands read are JSON in ASCII with everything else escaped, since the AWS CLI would change the
ends of lines, and letters where the locale is not UTF-8, of a policy's own text.
`;

/**
 * The part of RESTORE.md about one key. Only ids stand in it, which keyward has checked, and never text of a policy or
 * grant: that is in files.
 * @param grants the list of grants that the backup names
 */
export function restoreSection(backup: BackupEvent, grants: string): string {
  const { key, policy, policyInput, grantInputs = [] } = backup;
  const arn = parseKeyArn(key);
  const region = arn === undefined ? "" : keyArnParts(arn).region;
  const count = (JSON.parse(grants) as { readonly Grants: readonly unknown[] }).Grants.length;
  const lines = [
    "",
    `## ${key}`,
    "",
    "```sh",
    ...(policyInput === undefined
      ? [
          `aws kms put-key-policy --region ${region} --key-id ${key} --policy-name default \\`,
          `  --policy file://../../objects/sha256-${policy}`,
        ]
      : [
          `aws kms put-key-policy --region ${region} --cli-input-json file://../../objects/sha256-${policyInput}`,
        ]),
    "```",
    "",
    `The policy, to read: ../../objects/sha256-${policy}`,
    "",
  ];
  if (grantInputs.length > 0) {
    lines.push(
      "These grants were about to be revoked; each command makes one anew. Its id, token and issuing account are new. Run",
      "only those whose grant `aws kms list-grants` does not show any more.",
      "",
      "```sh",
      ...grantInputs.map(
        (digest) =>
          `aws kms create-grant --region ${region} --cli-input-json file://../../objects/sha256-${digest}`,
      ),
      "```",
      "",
    );
  }
  if (count > 0) {
    lines.push(
      `Its ${count === 1 ? "grant is" : `${count} grants are`} listed in ../../objects/sha256-${backup.grants}, as \`aws kms list-grants\` shows them.`,
      "",
    );
  }
  return lines.join("\n");
}

/**
 * The parameters of PutKeyPolicy that put a policy byte for byte, as `aws kms put-key-policy --cli-input-json` reads
 * them. With `--policy file://…` the CLI would turn CR LF into LF (Python's text files).
 */
export function policyInput(key: string, policy: string): string {
  return ascii({ KeyId: key, PolicyName: "default", Policy: policy });
}

/** JSON that survives whatever the CLI takes a file's encoding and ends of lines to be. */
function ascii(value: unknown): string {
  const escaped = (c: string): string => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`;
  return `${JSON.stringify(value, null, 2).replace(/[\u007f-\uffff]/g, escaped)}\n`;
}

/** The parameters of CreateGrant that make a grant of the same terms, as `aws kms create-grant --cli-input-json` reads them. */
export function grantInput(key: string, grant: Grant): string {
  const name = grant.Name === "" ? undefined : grant.Name;
  const { GranteePrincipal, GranteeServicePrincipal, RetiringPrincipal, RetiringServicePrincipal } = grant;
  const { Operations, Constraints } = grant;
  const who = { GranteePrincipal, GranteeServicePrincipal, RetiringPrincipal, RetiringServicePrincipal };
  // What is undefined JSON leaves out.
  return ascii({ KeyId: key, ...who, Operations, Constraints, Name: name });
}

/** Grants as a file that a person can read. */
export function grantsText(grants: readonly Grant[]): string {
  return `${JSON.stringify({ Grants: grants }, null, 2)}\n`;
}

/** The keys that a RESTORE.md has sections of, oldest first. */
export function restoredKeys(text: string): readonly string[] {
  return [...new Set([...text.matchAll(/^## (arn:\S+)$/gm)].map((m) => m[1] ?? ""))];
}

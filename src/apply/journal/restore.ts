import { isAbsolute, resolve } from "node:path";
import type { Grant } from "../../domain/grant.js";
import { keyArnParts, parseKeyArn } from "../../domain/ids.js";

/** What stands at the top of a run's RESTORE.md. */
export const RESTORE_HEAD = `# How to restore these keys by hand

With keyward: \`keyward rollback RUN\`, RUN being the name of this folder. Without it, all you need is the AWS CLI and
the files of this journal: each command below puts back the policy that a key had before this run. Run it with
credentials of the key's account that may call kms:PutKeyPolicy on it, from the folder in which RESTORE.md lies.

The files under ../../objects are named by the SHA-256 of their content: \`sha256sum FILE\` tells whether one is
unharmed. On a system whose locale is not UTF-8, set AWS_CLI_FILE_ENCODING=UTF-8 first.
`;

/** The part of RESTORE.md about one key. Only ids stand in it, which keyward has checked, and never text of a policy. */
export function restoreSection(arn: string, policy: string, grants: string, count: number): string {
  const key = parseKeyArn(arn);
  const region = key === undefined ? "" : keyArnParts(key).region;
  const lines = [
    "",
    `## ${arn}`,
    "",
    "```sh",
    `aws kms put-key-policy --region ${region} --key-id ${arn} --policy-name default \\`,
    `  --policy file://../../objects/sha256-${policy}`,
    "```",
    "",
  ];
  if (count > 0) {
    lines.push(
      `Its ${count === 1 ? "grant is" : `${count} grants are`} listed in ../../objects/sha256-${grants}, as \`aws kms list-grants\` shows them.`,
      "A revoked one is made anew by `aws kms create-grant` with the same GranteePrincipal, RetiringPrincipal, Operations,",
      "Constraints and Name; its id, its token and its issuing account are new.",
      "",
    );
  }
  return lines.join("\n");
}

/** Grants as a file that a person can read. */
export function grantsText(grants: readonly Grant[]): string {
  return `${JSON.stringify({ Grants: grants }, null, 2)}\n`;
}

/** A path that can be pasted whatever folder somebody is in. */
export function absolute(path: string): string {
  return isAbsolute(path) ? path : resolve(path);
}

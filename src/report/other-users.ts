import type { Statement } from "../policy/ast.js";
import type { KeyUsers } from "../rules/key-users.js";
import type { OtherUsers } from "../rules/other-users.js";
import { enumerate } from "../rules/words.js";
import type { Section } from "./key-users.js";
import { accountLines, keyUsersJson, pathLines } from "./key-users.js";

/** Accounts, groups in one of them and paths that the short form shows. */
const SHORT = { accounts: 3, groups: 2, paths: 2 } as const;
const ALL = { accounts: Infinity, groups: Infinity, paths: Infinity } as const;

/** Who in other accounts can use the key, in words. Nothing where nobody is known to, and nothing was left unread. */
export function otherUsersLines(
  others: OtherUsers,
  statements: readonly Statement[],
  all: boolean,
): readonly Section[] {
  const { accounts, unread } = others;
  if (accounts.length === 0 && unread.length === 0) return [];
  const most = all ? ALL : SHORT;
  const lines: Section["lines"][number][] = [];
  const add = (text: string, indent = "  "): void => {
    lines.push({ text, indent });
  };
  for (const users of accounts.slice(0, most.accounts)) {
    add(`account ${users.account}: ${howMany(users)}`);
    for (const { text, indent } of accountLines(users, statements, { all, groups: most.groups })) {
      add(text, `  ${indent}`);
    }
    for (const { text, indent } of pathLines(users, statements, { all, paths: most.paths })) {
      add(text, `  ${indent}`);
    }
  }
  const left = accounts.length - most.accounts;
  if (left > 0) add(`… and in ${left === 1 ? "1 more account" : `${left} more accounts`} (--all)`);
  if (unread.length > 0) {
    const shown = all ? unread : unread.slice(0, 3);
    const more = unread.length - shown.length;
    const names = more > 0 ? `${shown.join(", ")} and ${more} more` : enumerate(shown);
    add(
      `Not known of ${unread.length === 1 ? "account" : "accounts"} ${names}: the key lets them in, and their IAM was not all read.`,
    );
  }
  return [{ title: "WHO IN OTHER ACCOUNTS CAN USE IT", lines }];
}

function howMany(users: KeyUsers): string {
  const can = users.groups.reduce((n, g) => n + g.principals.length, 0);
  const root = users.root.length === 0 ? "" : "; its root user may";
  return `${can} of the ${users.principals} users and roles that were read${root}`;
}

/** The same for the JSON form. */
export function otherUsersJson({ accounts, unread }: OtherUsers): object {
  return { accounts: accounts.map(keyUsersJson), unread };
}

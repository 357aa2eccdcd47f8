import { ServiceError } from "../errors.js";
import { type OrgOperation, accountJson, orgPage, parentNode, requireAdministrator } from "./call.js";

const ACCOUNT_ID = { max: 12, pattern: /^\d{12}$/ } as const;

/** ListAccounts: all of them, whatever their status. */
export const listAccounts: OrgOperation = (call) => {
  const tree = requireAdministrator(call, "ListAccounts");
  const page = orgPage(call, `ListAccounts/${tree.id}`, tree.accounts(), (a) => a.id);
  return { Accounts: page.items.map((a) => accountJson(tree, a)), ...page.end };
};

/** ListAccountsForParent: those directly below a root or unit. */
export const listAccountsForParent: OrgOperation = (call) => {
  const tree = requireAdministrator(call, "ListAccountsForParent");
  const parent = parentNode(call, tree);
  const accounts = tree.children(parent.id, "ACCOUNT").flatMap((n) => tree.account(n.id) ?? []);
  const page = orgPage(call, `ListAccountsForParent/${parent.id}`, accounts, (a) => a.id);
  return { Accounts: page.items.map((a) => accountJson(tree, a)), ...page.end };
};

/** DescribeAccount. */
export const describeAccount: OrgOperation = (call) => {
  const tree = requireAdministrator(call, "DescribeAccount");
  const account = tree.account(call.input.string("AccountId", ACCOUNT_ID));
  if (account !== undefined) return { Account: accountJson(tree, account) };
  throw new ServiceError("AccountNotFoundException", "You specified an account that doesn't exist.");
};

/** ListTagsForResource: accounts have tags here; roots, units and policies have none. */
export const listTagsForResource: OrgOperation = (call) => {
  const tree = requireAdministrator(call, "ListTagsForResource");
  const id = call.input.string("ResourceId", { max: 130 });
  const tags = Object.entries(tree.account(id)?.tags ?? {});
  if (tree.node(id) === undefined && tree.policy(id) === undefined) {
    throw new ServiceError("TargetNotFoundException", "You specified a target that doesn't exist.");
  }
  return { Tags: tags.map(([Key, Value]) => ({ Key, Value })) };
};

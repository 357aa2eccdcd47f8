import { type IamOperation, iamAccount, iamPage, members } from "./call.js";

/** ListAccountAliases: an account has one at most. */
export const listAccountAliases: IamOperation = (call) => {
  const account = iamAccount(call, "ListAccountAliases");
  const alias = call.world.iam.account(account)?.alias;
  const aliases = alias === undefined || alias === null ? [] : [alias];
  const page = iamPage(call, `ListAccountAliases/${account}`, aliases, (a) => a);
  return [["AccountAliases", members(page.items)], ...page.end];
};

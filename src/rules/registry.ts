import { broadGrant } from "./broad-grant.js";
import { closedByRcp } from "./closed-by-rcp.js";
import { everyoneInOwnAccount } from "./everyone-in-own-account.js";
import { externalAccess } from "./external-access.js";
import { foreignRetiringPrincipal } from "./foreign-retiring-principal.js";
import { fullControlNonRoot } from "./full-control-non-root.js";
import { ineffectiveCondition } from "./ineffective-condition.js";
import { ineffectiveStatement } from "./ineffective-statement.js";
import { invalidPolicy } from "./invalid-policy.js";
import { latentAccess } from "./latent-access.js";
import { networkBoundAccess } from "./network-bound-access.js";
import { notAssessed } from "./not-assessed.js";
import { orphanedPrincipal } from "./orphaned-principal.js";
import { outsiderIssuedGrant } from "./outsider-issued-grant.js";
import { publicAccess } from "./public-access.js";
import { reshareableGrant } from "./reshareable-grant.js";
import type { Rule } from "./rule.js";
import { serviceAccess } from "./service-access.js";
import { unconditionedTrustedAccount } from "./unconditioned-trusted-account.js";
import { unmanageableKey } from "./unmanageable-key.js";

/** Every rule that looks at one key, in the order of RULE_IDS. */
export const KEY_RULES: readonly Rule[] = [
  publicAccess,
  externalAccess,
  serviceAccess,
  networkBoundAccess,
  latentAccess,
  closedByRcp,
  invalidPolicy,
  notAssessed,
  fullControlNonRoot,
  unconditionedTrustedAccount,
  everyoneInOwnAccount,
  orphanedPrincipal,
  unmanageableKey,
  ineffectiveCondition,
  ineffectiveStatement,
  broadGrant,
  reshareableGrant,
  outsiderIssuedGrant,
  foreignRetiringPrincipal,
];

import { everyExposedPolicy } from "../exposed-run.js";
import { holds } from "../guarantees/guarantee.js";

everyExposedPolicy(
  holds(
    ["repair-closes", "repair-gains-nothing", "repair-tells-what-breaks", "rollback-is-exact"],
    "every exposed case and texts in odd layouts over HTTP under four strategies, callers tried before and after",
  ),
);

/** How an exposure is closed. `auto` tries narrow, bound and remove, and takes the smallest change that holds. */
export const STRATEGIES = ["remove", "narrow", "bound"] as const;
export type Strategy = (typeof STRATEGIES)[number];
export const STRATEGY_CHOICES = ["auto", ...STRATEGIES] as const;
export type StrategyChoice = (typeof STRATEGY_CHOICES)[number];

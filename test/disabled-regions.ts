/** A report as `keyward scan` writes it, with the Regions that accounts have not enabled apart from the gaps. */
export function setApart<
  T extends { readonly code: string },
  R extends { readonly incomplete: readonly T[] },
>(report: R): R & { readonly disabled: readonly T[] } {
  const isDisabled = (entry: T): boolean => entry.code === "RegionNotEnabled";
  return {
    ...report,
    incomplete: report.incomplete.filter((entry) => !isDisabled(entry)),
    disabled: report.incomplete.filter(isDisabled),
  };
}

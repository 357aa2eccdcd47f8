import { join } from "node:path";

/** Where a journal lies if nobody says where. */
export const DEFAULT_JOURNAL = join(".keyward", "journal");

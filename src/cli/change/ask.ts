import type { Answer, Proposal } from "../../apply/context.js";
import { KeywardError } from "../../domain/result.js";
import type { Io } from "../command.js";
import { widthOf } from "../say.js";
import type { ChangeFlags } from "./flags.js";
import { proposalText } from "./show.js";

/** Shows every change, and asks about it unless the flags have answered. */
export interface Asker {
  readonly confirm: (proposal: Proposal) => Promise<Answer>;
  readonly close: () => void;
}

/**
 * Throws {@link KeywardError} where somebody has to be asked and nobody is there: an answer must come from a person, not
 * from a pipe.
 */
export async function openAsker(flags: Pick<ChangeFlags, "yes" | "dryRun">, io: Io): Promise<Asker> {
  const show = (proposal: Proposal): void => void io.stdout.write(proposalText(proposal, widthOf(io.stdout)));
  if (flags.yes || flags.dryRun) {
    return {
      confirm: (proposal) => {
        show(proposal);
        return Promise.resolve("yes");
      },
      close: () => undefined,
    };
  }
  const input = io.stdin ?? process.stdin;
  if (input.isTTY !== true) {
    throw new KeywardError({
      what: "nobody is there to be asked: standard input is no terminal",
      where: "--yes",
      expected: "a terminal, or --yes with --max-keys N",
      next: "look at the changes with --dry-run first",
    });
  }
  const { createInterface } = await import("node:readline");
  const lines = createInterface({ input, terminal: false });
  const iterator = lines[Symbol.asyncIterator]();
  let all = false;
  return {
    confirm: async (proposal) => {
      show(proposal);
      while (!all) {
        io.stderr.write("Change this key? [y]es, [n]o, [a]ll from here on, [q]uit: ");
        const next = await iterator.next();
        // The terminal was closed: nobody has said yes.
        if (next.done === true) return "quit";
        switch (next.value.trim().toLowerCase()) {
          case "y":
          case "yes":
            return "yes";
          case "n":
          case "no":
            return "no";
          case "a":
          case "all":
            all = true;
            break;
          case "q":
          case "quit":
            return "quit";
        }
      }
      return "yes";
    },
    close: () => lines.close(),
  };
}

import type { SingleBar } from "cli-progress";
import { MultiBar } from "cli-progress";
import type { CollectListener } from "../../collect/run.js";
import { inert } from "../../domain/inert.js";
import type { Io } from "../command.js";

/** Shows how far a scan is. */
export interface Progress {
  readonly listener: CollectListener;
  /** A line for the user, above the bar if there is one. */
  readonly say: (text: string) => void;
  /** Takes the bar away. Twice is as good as once. */
  readonly stop: () => void;
}

/**
 * A bar on stderr, if that is a terminal that can be drawn on; without one only sentences are written. The total grows
 * while Regions are still being listed. Many accounts count for more than their Regions. No colour is used.
 */
export function startProgress(io: Io, wanted: boolean): Progress {
  const terminal = wanted && io.stderr.isTTY === true && io.env["TERM"] !== "dumb";
  const bar = terminal ? new Bar(io) : undefined;
  const say = (text: string): void => {
    const line = `${inert(text)}\n`;
    if (bar === undefined) io.stderr.write(line);
    else bar.log(line);
  };
  return {
    listener: {
      accounts: (count) => bar?.accounts(count),
      account: () => bar?.account(),
      regions: (names) => bar?.regions(names.length),
      listed: (_region, keys) => bar?.listed(keys),
      key: () => bar?.key(),
      region: () => bar?.region(),
      note: say,
    },
    say,
    stop: () => bar?.stop(),
  };
}

class Bar {
  private readonly multi: MultiBar;
  private readonly bar: SingleBar;
  private keysTotal = 0;
  private regionsTotal = 0;
  private regionsDone = 0;
  /** Undefined: there is only one account. */
  private accountsTotal: number | undefined;
  private accountsDone = 0;
  private active = true;

  constructor(io: Io) {
    this.multi = new MultiBar({
      stream: io.stderr,
      // Fits into 80 columns with a million keys of thousands of accounts.
      format: "[{bar}] keys {value}/{total} | {places} | {duration_formatted}",
      barsize: 16,
      fps: 5,
      hideCursor: true,
      clearOnComplete: true,
      // An interrupted scan still writes what it has; see interrupt.ts.
      gracefulExit: false,
      emptyOnZero: true,
    });
    this.bar = this.multi.create(0, 0, { places: "starting" });
  }

  accounts(total: number): void {
    this.accountsTotal = total;
    this.show();
  }

  account(): void {
    this.accountsDone += 1;
    this.show();
  }

  /** So many Regions more. */
  regions(total: number): void {
    this.regionsTotal += total;
    this.show();
  }

  listed(keys: number): void {
    this.keysTotal += keys;
    this.bar.setTotal(this.keysTotal);
  }

  key(): void {
    this.bar.increment();
  }

  region(): void {
    this.regionsDone += 1;
    this.show();
  }

  log(line: string): void {
    if (this.active) this.multi.log(line);
  }

  stop(): void {
    if (!this.active) return;
    this.active = false;
    this.multi.stop();
  }

  private show(): void {
    const regions = `Regions ${this.regionsDone}/${this.regionsTotal}`;
    const places =
      this.accountsTotal === undefined ? regions : `accounts ${this.accountsDone}/${this.accountsTotal}`;
    this.bar.update({ places });
  }
}

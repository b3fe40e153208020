/**
 * Does an output's work, one turn at a time and never within `wake`: who has woken it has a frame to look after,
 * and goes first.
 */
export class Turns {
  private state: "resting" | "working" | "woken" = "resting";
  private resting = Promise.resolve();

  /** @param work all that there is to do at this moment; never rejects */
  constructor(private readonly work: () => Promise<void>) {}

  wake(): void {
    if (this.state === "resting") this.resting = this.run();
    else this.state = "woken";
  }

  /** Resolves when there is nothing to do, as far as was known when it was asked. */
  idle(): Promise<void> {
    return this.resting;
  }

  private async run(): Promise<void> {
    do {
      this.state = "working";
      await laterTurn();
      await this.work();
      // "woken" may have come to it while it worked, which the compiler can't see.
    } while ((this.state as string) === "woken");
    this.state = "resting";
  }
}

/** Lets the event loop do what else there is. */
export function laterTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

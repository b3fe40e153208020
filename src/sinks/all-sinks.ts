import type { OutcomeSink } from "./outcome-sink.js";

/** Several sinks as one: each gets every outcome. */
export function allSinks(sinks: readonly OutcomeSink[]): OutcomeSink {
  return {
    keepsFrames: sinks.some((sink) => sink.keepsFrames),
    write(outcome) {
      for (const sink of sinks) sink.write(outcome);
    },
    caughtUp() {
      const waits = sinks.flatMap((sink) => sink.caughtUp() ?? []);
      return waits.length === 0 ? undefined : Promise.all(waits).then(() => {});
    },
    async close(giveUp) {
      const closed = await Promise.allSettled(sinks.map((sink) => sink.close(giveUp)));
      for (const result of closed) if (result.status === "rejected") throw result.reason;
    },
    summary: () => sinks.flatMap((sink) => sink.summary?.() ?? []).join("\n"),
  };
}

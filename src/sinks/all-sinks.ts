import type { RecordSink } from "./ndjson.js";

/** Several sinks as one: each gets every record. */
export function allSinks(sinks: readonly RecordSink[]): RecordSink {
  return {
    write(record) {
      for (const sink of sinks) sink.write(record);
    },
    caughtUp() {
      const waits = sinks.flatMap((sink) => sink.caughtUp() ?? []);
      return waits.length === 0 ? undefined : Promise.all(waits).then(() => {});
    },
    async close() {
      const closed = await Promise.allSettled(sinks.map((sink) => sink.close()));
      for (const result of closed) if (result.status === "rejected") throw result.reason;
    },
  };
}

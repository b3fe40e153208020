import { Counter, Gauge, type Registry } from "prom-client";

/** A value, and its labels in the order of the metric's label names. */
export type Row = readonly [value: number, ...labels: readonly string[]];

interface Collected {
  readonly name: string;
  readonly help: string;
  readonly labels?: readonly string[];
  /** Everything that the metric is to have just now; what is not among it has no series any more. */
  readonly rows: () => Iterable<Row>;
}

/** A counter that somebody else counts: its values are asked for when it is scraped, and nothing is counted twice. */
export function collectedCounter(registry: Registry, { name, help, labels = [], rows }: Collected): void {
  new Counter({
    ...{ name, help, labelNames: [...labels], registers: [registry] },
    collect() {
      this.reset();
      for (const [value, ...values] of rows()) this.inc(labelled(labels, values), value);
    },
  });
}

/** The same of what goes up and down. */
export function collectedGauge(registry: Registry, { name, help, labels = [], rows }: Collected): void {
  new Gauge({
    ...{ name, help, labelNames: [...labels], registers: [registry] },
    collect() {
      this.reset();
      for (const [value, ...values] of rows()) this.set(labelled(labels, values), value);
    },
  });
}

/** A row for each state that there is: 1 for the one in force, 0 for the others. */
export function stateRows(states: readonly string[], now: string, ...labels: readonly string[]): Row[] {
  return states.map((state) => [state === now ? 1 : 0, ...labels, state]);
}

function labelled(names: readonly string[], values: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.map((name, i) => [name, values[i] ?? ""]));
}

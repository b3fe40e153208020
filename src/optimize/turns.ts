/** What was measured of one item in all rounds. */
export interface Turns<T> {
  readonly item: T;
  /** One a round. */
  readonly values: readonly number[];
  /** Each over the first item's of the same round. */
  readonly ratios: readonly number[];
}

/** Measures items in turns, forth and back (A B C, C B A, …), so that what comes over the machine hits all. */
export async function turns<T>(
  items: readonly T[],
  rounds: number,
  measure: (item: T, round: number) => Promise<number>,
): Promise<Turns<T>[]> {
  const values = new Map<T, number[]>(items.map((item) => [item, []]));
  for (let round = 0; round < rounds; round++) {
    const order = round % 2 === 0 ? items : items.toReversed();
    for (const item of order) values.get(item)?.push(await measure(item, round));
  }
  const first = values.get(items[0] as T) ?? [];
  return items.map((item) => {
    const own = values.get(item) ?? [];
    return { item, values: own, ratios: own.map((value, round) => value / (first[round] ?? Number.NaN)) };
  });
}

/** For the tests, which are TypeScript; what the functions do is said beside them. */
export function simulateQueue(load: {
  readonly fps: number;
  readonly frames: number;
  readonly serviceUs: readonly number[];
}): { readonly latencyUs: number[]; readonly dropped: number };

export function nearestRank(values: readonly number[], percent: number): number;

export const SERVICE_SHAPES: Readonly<
  Record<"constant" | "two-point" | "exponential", (u: number) => number>
>;

// What a bench must report of a worker whose service times are known: frames at a fixed rate, a slot of one in
// which the newest waits, one frame in service. Written without the code that it is held against, and in another
// way: not frame by frame through a slot, but from one completion to the next, over the sorted due times.

/**
 * Frame i is due at i / fps. Each time the server becomes free it takes the newest frame that is due and was
 * not passed over; where there is none it waits for the next one. What is older than the frame taken is dropped.
 * The last frame is always served: after the last due time the server goes on until nothing waits.
 *
 * @param {{ fps: number, frames: number, serviceUs: readonly number[] }} load service times in the order
 *   served, microseconds; should more frames be served than there are times, they begin again at the first
 * @returns {{ latencyUs: number[], dropped: number }} of each served frame its due time to its end; the two
 *   together account for every frame
 */
export function simulateQueue({ fps, frames, serviceUs }) {
  const dueUs = Array.from({ length: frames }, (_, i) => (i * 1e6) / fps);
  const latencyUs = [];
  let freeUs = 0;
  for (let served = -1; served < frames - 1;) {
    let taken = served + 1;
    while (taken + 1 < frames && dueUs[taken + 1] <= freeUs) taken += 1;
    freeUs = Math.max(freeUs, dueUs[taken]) + serviceUs[latencyUs.length % serviceUs.length];
    latencyUs.push(freeUs - dueUs[taken]);
    served = taken;
  }
  return { latencyUs, dropped: frames - latencyUs.length };
}

/**
 * Exact percentile by nearest rank: the least value that `percent` percent of all are not above.
 * @param {readonly number[]} values at least one
 * @param {number} percent above 0, up to 100
 */
export function nearestRank(values, percent) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.ceil((percent / 100) * sorted.length) - 1];
}

/** Service times of mean 1, each made of a number from 0 to 1, both excluded. */
export const SERVICE_SHAPES = {
  constant: () => 1,
  "two-point": (u) => (u < 0.9 ? 0.4 : 6.4),
  exponential: (u) => -Math.log(u),
};

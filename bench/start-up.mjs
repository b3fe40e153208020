// How long `aiw bench` takes from being typed to its first result, the environment already made: the time
// of a whole bench of one frame without a warm-up, which is that and the ending.
//
//   node bench/start-up.mjs [RUNS] [MORE AIW FLAGS…]
import { median, startUpMs } from "./kit.mjs";

const [runs = "5", ...flags] = process.argv.slice(2);

await startUpMs(flags);
const times = [];
for (let run = 0; run < Number(runs); run += 1) times.push(await startUpMs(flags));
const seconds = (ms) => `${(ms / 1000).toFixed(2)} s`;
console.log(`${runs} runs: median ${seconds(median(times))}, longest ${seconds(Math.max(...times))}`);

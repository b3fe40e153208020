// CPU time of the client, the scene's drawing apart, with the live view on (stderr is a pseudo-terminal) and off:
//
//   node bench/client-cpu.mjs                            3 runs of 20 s each way at 12 fps
//   node bench/client-cpu.mjs --runs 5 --duration 20 --fps 12
//   node bench/client-cpu.mjs --cli ../other/bin/aiw.js --cli bin/aiw.js     two checkouts, in turns
//
// Prints each figure's median and the runs that it is of: CPU milliseconds a frame, and the p50 of the stage
// "wait", which tells how late frames are sent. Needs a built CLI (npm ci), and script and stty (util-linux).
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { AIW, median } from "./kit.mjs";

const { values: options } = parseArgs({
  options: {
    runs: { type: "string", default: "3" },
    fps: { type: "string", default: "12" },
    duration: { type: "string", default: "20" },
    cli: {
      type: "string",
      multiple: true,
      default: [AIW],
    },
    view: { type: "string", multiple: true, default: ["on", "off"] },
  },
});
const folder = mkdtempSync(join(tmpdir(), "aiw-cpu-"));
const report = join(folder, "report.json");

/** One bench; its live view is on where stderr is a terminal that tells its width. */
function bench(cli, view) {
  const args = ["bench", "--fps", options.fps, "--duration", `${options.duration}s`, "--json", report];
  // A terminal only: neither of these may ask for plain lines.
  const { CI: _, NO_COLOR: __, ...env } = process.env;
  const command = [process.execPath, cli, ...args];
  if (view === "off") execFileSync(command[0], command.slice(1), { env, stdio: "ignore" });
  else {
    const line = `stty cols 100 rows 30; ${command.map((word) => `'${word}'`).join(" ")}`;
    execFileSync("script", ["-qec", line, "/dev/null"], { env, stdio: ["ignore", "ignore", "inherit"] });
  }
  const { resources, latency_ms: latency } = JSON.parse(readFileSync(report, "utf8"));
  return { cpu: resources.client_cpu_ms_per_frame, wait: latency.wait.p50 };
}

function line(name, values) {
  return `${name} ${median(values).toFixed(2)} (${values.map((value) => value.toFixed(2)).join(" ")})`;
}

const seen = new Map();
try {
  for (let run = 0; run < Number(options.runs); run += 1) {
    for (const view of options.view) {
      for (const cli of options.cli) {
        const key = `${cli}, live view ${view}`;
        seen.set(key, [...(seen.get(key) ?? []), bench(cli, view)]);
      }
    }
  }
} finally {
  rmSync(folder, { recursive: true });
}
for (const [key, runs] of seen) {
  console.log(key);
  console.log(
    `  ${line(
      "CPU ms a frame",
      runs.map(({ cpu }) => cpu),
    )}`,
  );
  console.log(
    `  ${line(
      "wait p50 ms",
      runs.map(({ wait }) => wait),
    )}`,
  );
}

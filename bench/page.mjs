// Whether a page that `aiw bench --html` wrote opens in a browser without a complaint, and what it looks like:
// both colour schemes, wide and as on a phone, and in print.
//
//   node bench/page.mjs report.html [FOLDER]     pictures and a PDF into FOLDER, the working folder by default
//
// Prints every message of the console and every request beyond the page itself, and ends with 1 when there is
// one or when the page is wider than its window. Needs Chromium: CHROMIUM, or one that is installed.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const [file, folder = "."] = process.argv.slice(2);
if (file === undefined) {
  console.error("usage: node bench/page.mjs FILE.html [FOLDER]");
  process.exit(2);
}
const VIEWS = ["light", "dark"].flatMap((scheme) => [1280, 400].map((width) => ({ scheme, width })));
const QUIET = ["--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync"];

const profile = mkdtempSync(join(tmpdir(), "aiw-page-"));
const sandbox = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
const args = ["--headless", "--remote-debugging-pipe", `--user-data-dir=${profile}`, ...QUIET, ...sandbox];
const browser = spawn(process.env.CHROMIUM ?? "chromium", args, {
  stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"],
});
const [, , , toBrowser, fromBrowser] = browser.stdio;

// The DevTools protocol over two pipes: JSON, each message ended by a zero byte.
const waiting = new Map();
const listeners = new Map();
let last = 0;
let rest = "";
fromBrowser.setEncoding("utf8").on("data", (text) => {
  const messages = (rest + text).split("\0");
  rest = messages.pop();
  for (const { id, method, params, result, error } of messages.map((message) => JSON.parse(message))) {
    if (method !== undefined) listeners.get(method)?.(params);
    else if (error === undefined) waiting.get(id)?.resolve(result);
    else waiting.get(id)?.reject(new Error(error.message));
  }
});
browser.on("error", (error) => {
  console.error(`${error.message}: is Chromium installed? CHROMIUM says where`);
  process.exit(1);
});

function call(method, params = {}, sessionId = undefined) {
  last += 1;
  toBrowser.write(`${JSON.stringify({ id: last, method, params, sessionId })}\0`);
  return new Promise((resolve, reject) => waiting.set(last, { resolve, reject }));
}

const url = pathToFileURL(resolve(file)).href;
const problems = [];
listeners.set("Runtime.exceptionThrown", ({ exceptionDetails }) => problems.push(exceptionDetails.text));
listeners.set("Runtime.consoleAPICalled", ({ args: said }) =>
  problems.push(said.map((a) => a.value).join(" ")),
);
listeners.set("Log.entryAdded", ({ entry }) => problems.push(`${entry.level}: ${entry.text}`));
listeners.set("Network.requestWillBeSent", ({ request }) => {
  if (request.url !== url) problems.push(`asks for ${request.url}`);
});

const { targetId } = await call("Target.createTarget", { url: "about:blank" });
const { sessionId } = await call("Target.attachToTarget", { targetId, flatten: true });
const tab = (method, params) => call(method, params, sessionId);
for (const domain of ["Page", "Runtime", "Log", "Network"]) await tab(`${domain}.enable`);

const name = basename(file).replace(/\.html?$/, "");
for (const { scheme, width } of VIEWS) {
  const features = [{ name: "prefers-color-scheme", value: scheme }];
  await tab("Emulation.setEmulatedMedia", { features });
  const view = { width, height: 900, deviceScaleFactor: 1, mobile: width < 600 };
  await tab("Emulation.setDeviceMetricsOverride", view);
  const loaded = new Promise((resolve) => listeners.set("Page.loadEventFired", resolve));
  await tab("Page.navigate", { url });
  await loaded;
  const { cssContentSize: size } = await tab("Page.getLayoutMetrics");
  if (size.width > width) problems.push(`${size.width} px wide in a window of ${width} px`);
  const clip = { x: 0, y: 0, width, height: size.height, scale: 1 };
  const shot = await tab("Page.captureScreenshot", { clip, captureBeyondViewport: true });
  writeFileSync(join(folder, `${name}-${scheme}-${width}.png`), Buffer.from(shot.data, "base64"));
}
const printed = await tab("Page.printToPDF", { preferCSSPageSize: true });
writeFileSync(join(folder, `${name}.pdf`), Buffer.from(printed.data, "base64"));

const closed = once(browser, "close");
await call("Browser.close");
await closed;
rmSync(profile, { recursive: true, force: true });
for (const problem of new Set(problems)) console.log(problem);
console.log(problems.length === 0 ? `${url}: nothing to complain of` : `${problems.length} complaints`);
process.exitCode = problems.length === 0 ? 0 : 1;

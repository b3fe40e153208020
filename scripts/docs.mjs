// Writes the parts of docs/ that are made from the code: between "<!-- begin NAME … -->" and "<!-- end NAME -->".
// They are committed, unlike other generated things, since docs are read on the web and not built there; a test runs
// this with --check, which changes nothing and ends with 1 where a part is not what the code says.
//
//   node scripts/docs.mjs [--check]        (after npm ci: it reads the built CLI)
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { errorTable } from "./docs/errors.mjs";
import { eventExamples } from "./docs/events.mjs";
import { metricTable } from "./docs/metrics.mjs";
import { messageTables } from "./docs/messages.mjs";
import { settingTable } from "./docs/settings.mjs";

const MADE = {
  messages: messageTables,
  errors: errorTable,
  metrics: metricTable,
  settings: settingTable,
  events: eventExamples,
};
const PART = /(<!-- begin ([\w-]+)\b[^>]*-->\n)([^]*?)(<!-- end \2 -->)/g;

const folder = join(dirname(dirname(fileURLToPath(import.meta.url))), "docs");
const isCheck = process.argv.includes("--check");
const parts = new Map(Object.entries(MADE).map(([name, make]) => [name, `\n${make().trim()}\n\n`]));
const seen = new Set();

for (const file of readdirSync(folder).filter((name) => name.endsWith(".md"))) {
  const before = readFileSync(join(folder, file), "utf8");
  const after = before.replace(PART, (whole, begin, name, _text, end) => {
    if (!parts.has(name)) throw new Error(`docs/${file}: nothing makes a part "${name}"`);
    seen.add(name);
    return begin + parts.get(name) + end;
  });
  if (after === before) continue;
  if (isCheck) fail(`docs/${file} is not what the code says: run node scripts/docs.mjs`);
  else writeFileSync(join(folder, file), after);
}
for (const name of parts.keys()) if (!seen.has(name)) fail(`no page of docs/ has the part "${name}"`);

function fail(message) {
  console.error(message);
  process.exitCode = 1;
}

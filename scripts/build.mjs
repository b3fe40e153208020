// Leaves a built CLI in dist/: generates the protobuf code, compiles, copies what tsc does not, and writes the
// JSON Schemas of the reports.
import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
process.chdir(root);

// An installed package has its dist already, and neither sources nor a compiler.
if (!existsSync("src")) process.exit(0);

await import("./generate.mjs");
rmSync("dist", { recursive: true, force: true });
const tsc = createRequire(import.meta.url).resolve("typescript/bin/tsc");
const { status } = spawnSync(process.execPath, [tsc, "-p", "tsconfig.build.json"], { stdio: "inherit" });
if (status !== 0) process.exit(status ?? 1);
mkdirSync(join("dist", "wire", "gen"), { recursive: true });
for (const file of ["ai.js", "ai.d.ts"]) {
  copyFileSync(join("src", "wire", "gen", file), join("dist", "wire", "gen", file));
}

const { JSON_SCHEMAS } = await import(pathToFileURL(join(root, "dist", "bench", "json-schema.js")).href);
mkdirSync(join("dist", "schemas"));
for (const [name, schema] of Object.entries(JSON_SCHEMAS)) {
  writeFileSync(join("dist", "schemas", name), `${JSON.stringify(schema, null, 2)}\n`);
}

import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { onTestFinished } from "vitest";

const SRC = fileURLToPath(new URL("../../", import.meta.url));

/** Compiles core and this room into a folder, so that a real second process can run them. */
export function compileRoom(outDir: string): void {
  for (const room of ["core", "worker-process"]) {
    mkdirSync(join(outDir, room), { recursive: true });
    for (const name of readdirSync(join(SRC, room))) {
      if (!name.endsWith(".ts") || name.endsWith(".test.ts")) continue;
      const { outputText } = ts.transpileModule(readFileSync(join(SRC, room, name), "utf8"), {
        compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2023 },
      });
      writeFileSync(join(outDir, room, name.replace(/ts$/, "js")), outputText);
    }
  }
  writeFileSync(join(outDir, "package.json"), '{"type":"module"}');
  symlinkSync(join(dirname(SRC.replace(/\/$/, "")), "node_modules"), join(outDir, "node_modules"));
}

/** A process of a test's own, whose lines are waited for. */
export class NodeProcess {
  readonly child: ChildProcessWithoutNullStreams;
  /** What it printed so far, line by line. */
  readonly lines: string[] = [];
  private wake: () => void = () => undefined;
  private ended = false;

  /** Runs the text of an ES module. */
  constructor(dir: string, text: string) {
    const file = join(dir, `main-${process.hrtime.bigint()}.mjs`);
    writeFileSync(file, text);
    this.child = spawn(process.execPath, [file], { env: {} });
    this.child.stderr.pipe(process.stderr);
    createInterface({ input: this.child.stdout })
      .on("line", (line) => {
        this.lines.push(line);
        this.wake();
      })
      .on("close", () => {
        this.ended = true;
        this.wake();
      });
    onTestFinished(() => void this.child.kill("SIGKILL"));
  }

  /** The first line, past or to come, that contains `text`; it is an error if the process ends without. */
  async line(text: string): Promise<string> {
    for (;;) {
      const found = this.lines.find((line) => line.includes(text));
      if (found !== undefined) return found;
      if (this.ended) throw new Error(`ended without "${text}":\n${this.lines.join("\n")}`);
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
  }
}

import { access, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Candidate, graphKey, type Precision } from "./candidate.js";

/** What makes one file of another; each writes `out`, or throws. */
export interface GraphSteps {
  prepare(model: string, size: string | undefined, out: string): Promise<{ why: string | null }>;
  calibrate(prepared: string, out: string): Promise<void>;
  quantize(
    prepared: string,
    ranges: string,
    precision: Exclude<Precision, "fp32">,
    out: string,
  ): Promise<void>;
}

export interface Prepared {
  readonly path: string;
  /** What keeps it from being quantised, or null. */
  readonly why: string | null;
}

/**
 * The graphs of a model's candidates, each made when it is first asked for and kept as a file: whoever was
 * interrupted goes on from there. A file is there whole or not at all.
 */
export class GraphMaker {
  private readonly made = new Map<string, Promise<string>>();

  /** @param folder of this model and these settings alone */
  constructor(
    private readonly model: string,
    private readonly folder: string,
    private readonly steps: GraphSteps,
  ) {}

  /**
   * The file to run a candidate with: the model itself for one that changes nothing of it.
   * @throws AiwError WORKER_REFUSED where a step can't be done with this model
   */
  async graph(candidate: Pick<Candidate, "precision" | "size">): Promise<string> {
    const { precision, size } = candidate;
    if (precision === "fp32") return size === undefined ? this.model : (await this.prepared(size)).path;
    return this.once(`${graphKey(candidate)}.onnx`, async (out) => {
      const { path } = await this.prepared(size);
      await this.steps.quantize(path, await this.ranges(size), precision, out);
    });
  }

  /**
   * The model simplified, at an input size of its own where one is given.
   * @throws AiwError WORKER_REFUSED where the graph can't have that size
   */
  async prepared(size: string | undefined): Promise<Prepared> {
    const name = `fp32-${size ?? "own"}`;
    const facts = join(this.folder, `${name}.json`);
    const path = await this.once(`${name}.onnx`, async (out) => {
      await writeFile(facts, JSON.stringify(await this.steps.prepare(this.model, size, out)));
    });
    const { why } = JSON.parse(await readFile(facts, "utf8")) as { why: string | null };
    return { path, why };
  }

  /** Takes all away that was made. */
  async clear(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }

  private ranges(size: string | undefined): Promise<string> {
    return this.once(`ranges-${size ?? "own"}.json`, async (out) => {
      await this.steps.calibrate((await this.prepared(size)).path, out);
    });
  }

  private once(name: string, make: (out: string) => Promise<void>): Promise<string> {
    const known = this.made.get(name);
    if (known !== undefined) return known;
    const making = this.file(join(this.folder, name), make);
    this.made.set(name, making);
    return making;
  }

  private async file(path: string, make: (out: string) => Promise<void>): Promise<string> {
    if (await isThere(path)) return path;
    await mkdir(this.folder, { recursive: true });
    const part = `${path}.${process.pid}.part`;
    try {
      await make(part);
      await rename(part, path);
      return path;
    } catch (error) {
      await rm(part, { force: true });
      throw error;
    }
  }
}

async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

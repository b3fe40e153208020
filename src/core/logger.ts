import type { Writable } from "node:stream";
import { pino, type Logger as Pino } from "pino";
import { type AiwError, toAiwError } from "./errors.js";
import { LineWriter } from "./line-writer.js";
import { isSecretName, MASK, maskSecrets } from "./mask.js";
import { prettyLine } from "./pretty-log.js";

/** What a line is about. Those that say who are named the same in the worker's log. */
export interface LogFields {
  /** Name of the camera. */
  readonly camera?: string | undefined;
  readonly session?: string | undefined;
  /** Of a frame. */
  readonly seq?: number | undefined;
  /** Written as its code and its message, with --debug also its stack. */
  readonly err?: unknown;
  readonly [key: string]: unknown;
}

type LogLine = (message: string, fields?: LogFields) => void;

/** The log of a long-running command. Writing a line never waits, and never throws. */
export interface Logger {
  readonly debug: LogLine;
  readonly info: LogLine;
  readonly warn: LogLine;
  readonly error: LogLine;
  /** One whose lines have these fields as well. */
  with(fields: LogFields): Logger;
  /** Resolves when every line is taken by whoever reads them, or is not going to be; to be called before the end. */
  flush(giveUp: AbortSignal): Promise<void>;
}

export interface LoggerOptions {
  /** "json": pino's own lines. */
  readonly format: "pretty" | "json";
  /** Errors only. */
  readonly quiet: boolean;
  readonly debug: boolean;
  /** Takes secrets out of a text; by default credentials and tokens in URLs, see secretsMask for values that are known. */
  readonly mask?: (text: string) => string;
  /** By default stderr. */
  readonly stream?: Writable;
  /** Wall clock, milliseconds since 1970. */
  readonly wallMs?: () => number;
}

/** Keys that pino writes itself; a field of the same name gets a "_" behind it. */
const OUR_KEYS = new Set(["level", "time", "pid", "name", "msg", "code", "error", "stack"]);

export function createLogger(options: LoggerOptions): Logger {
  const { format, quiet, debug, mask = maskSecrets, stream = process.stderr, wallMs = Date.now } = options;
  const level = quiet ? "error" : debug ? "debug" : "info";
  const lines = new LineWriter(stream, (lost) => shown(lossLine(lost)));
  const shown = format === "json" ? (json: string) => json : prettyLine;
  const to = (destination: { write(json: string): void }) =>
    pino(
      { name: "aiw", base: { pid: process.pid }, level, timestamp: () => `,"time":${wallMs()}` },
      destination,
    );
  // Made by a pino as well, so that it looks like all others.
  const lossLine = (lost: number) => {
    let line = "";
    to({ write: (json) => (line = json) }).error(
      { lost },
      "log lines were left out: nobody read them in time",
    );
    return line;
  };
  return new PinoLogger(to({ write: (json) => lines.write(shown(json)) }), lines, mask, debug);
}

class PinoLogger implements Logger {
  constructor(
    private readonly pino: Pino,
    private readonly lines: LineWriter,
    private readonly mask: (text: string) => string,
    private readonly showsStacks: boolean,
  ) {}

  readonly debug: LogLine = (message, fields) => this.write("debug", message, fields);
  readonly info: LogLine = (message, fields) => this.write("info", message, fields);
  readonly warn: LogLine = (message, fields) => this.write("warn", message, fields);
  readonly error: LogLine = (message, fields) => this.write("error", message, fields);

  with(fields: LogFields): Logger {
    return new PinoLogger(this.pino.child(this.safe(fields)), this.lines, this.mask, this.showsStacks);
  }

  flush(giveUp: AbortSignal): Promise<void> {
    return this.lines.flush(giveUp);
  }

  private write(level: "debug" | "info" | "warn" | "error", message: string, fields: LogFields = {}): void {
    if (!this.pino.isLevelEnabled(level)) return;
    this.pino[level](this.safe(fields), this.mask(message));
  }

  /** Masked before it is written down: a mask for a whole line of JSON would take its end for a part of a secret. */
  private safe({ err, ...fields }: LogFields): Record<string, unknown> {
    const safe: Record<string, unknown> = {};
    for (const [key, value] of Object.entries(fields)) {
      safe[OUR_KEYS.has(key) ? `${key}_` : key] = isSecretName(key) ? MASK : this.safeValue(value);
    }
    return err === undefined ? safe : { ...safe, ...this.errorFields(toAiwError(err)) };
  }

  private errorFields({ code, workerName, message, stack, detail }: AiwError): Record<string, unknown> {
    const fields = { code: workerName ?? code, error: this.mask(message) };
    if (!this.showsStacks) return fields;
    return { ...fields, stack: this.mask([stack, detail].filter(Boolean).join("\n")) };
  }

  /** Numbers and the like as they are; all else as a text that hides what is secret in it. */
  private safeValue(value: unknown): unknown {
    if (typeof value === "string") return this.mask(value);
    if (typeof value !== "object" || value === null) return typeof value === "bigint" ? String(value) : value;
    try {
      return this.mask(JSON.stringify(value));
    } catch {
      return "[not to be written]";
    }
  }
}

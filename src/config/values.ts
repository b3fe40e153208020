import { isIPv6 } from "node:net";
import { z } from "zod";
import type { Gate } from "../core/gate.js";
import { isShape, KNOWN_SHAPES, shapeName } from "../core/shapes.js";
import { MAX_SIDE } from "../frame/pixel-format.js";
import { GateSyntaxError, parseGate } from "./gate.js";

/**
 * Values as people write them, on a flag, in the environment or in aiw.yaml, and what they become.
 * A message completes the sentence "--flag VALUE: …".
 */

/** A number as YAML reads it, not a number and infinity included: what is wrong with them the setting says. */
const text = z.preprocess(
  (value) => (typeof value === "number" ? String(value) : value),
  z.string({ error: "is not a text" }),
);

function parsed<T>(parse: (value: string) => T | undefined, message: string) {
  return text.transform((value, context): T => {
    const result = parse(value.trim());
    if (result !== undefined) return result;
    context.issues.push({ code: "custom", message, input: value });
    return z.NEVER;
  });
}

function number(value: string, accept: (n: number) => boolean): number | undefined {
  const n = value === "" ? Number.NaN : Number(value);
  return Number.isFinite(n) && accept(n) ? n : undefined;
}

export const nonEmpty = parsed((v) => (v === "" ? undefined : v), "is empty");

/** A model: a file, or a shape that aiw can build. */
export const model = nonEmpty.refine((v) => !isShape(v) || shapeName(v) !== undefined, {
  error: `names no shape that aiw can build; known are ${KNOWN_SHAPES}`,
});

/** 0..1 */
export const fraction = parsed((v) => number(v, (n) => n >= 0 && n <= 1), "is not a number from 0 to 1");

/** A share above 0 and below 1, as "5%" or "0.05": a bare 5 could be meant either way. */
export const percentage = parsed((v) => {
  const [, digits, sign] = /^(\d+(?:\.\d+)?|\.\d+)\s*(%?)$/.exec(v) ?? [];
  if (digits === undefined) return undefined;
  const share = sign === "%" ? Number(digits) / 100 : Number(digits);
  return share > 0 && share < 1 ? share : undefined;
}, 'is not a share above 0 and below 100 %, such as "5%" or "0.05"');

export const positiveInteger = parsed(
  (v) => number(v, (n) => Number.isInteger(n) && n >= 1),
  "is not a whole number of 1 or more",
);

/** Frames a second. Above 1000 the clock's own steps would be measured. */
export const MAX_FPS = 1000;
export const fps = parsed(
  (v) => number(v, (n) => n > 0 && n <= MAX_FPS),
  `is not a rate above 0 and up to ${MAX_FPS}`,
);

/** Rates to measure at: "fps=2,4,8". */
export const rates = parsed((v) => {
  const list = /^fps\s*=(.+)$/.exec(v)?.[1]?.split(",") ?? [];
  const numbers = list.map((one) => number(one.trim(), (n) => n > 0 && n <= MAX_FPS));
  return numbers.length > 0 && !numbers.includes(undefined) ? (numbers as number[]) : undefined;
}, `is not a list of rates above 0 and up to ${MAX_FPS}, such as "fps=2,4,8"`);

export const port = parsed(
  (v) => number(v, (n) => Number.isInteger(n) && n >= 0 && n <= 65535),
  "is not a port from 0 to 65535",
);

const UNIT_US: Readonly<Record<string, number>> = {
  ms: 1e3,
  s: 1e6,
  m: 60e6,
  h: 3600e6,
  d: 86_400e6,
  "": 1e6,
};

function durationUs(value: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*(ms|s|m|h|d|)$/.exec(value);
  if (match === null) return undefined;
  return Math.round(Number(match[1]) * (UNIT_US[match[2] ?? ""] ?? Number.NaN));
}

/** Microseconds, 0 included: "500ms", "30s", "2m", "1h", "30d"; a bare number is seconds. */
export const duration = parsed(durationUs, 'is not a time such as "500ms", "30s" or "2m"');
export const positiveDuration = parsed(
  (v) => durationUs(v) || undefined,
  'is not a time above 0 such as "500ms", "30s" or "2m"',
);

/** What takes away what can't be had again wants no guess: a value that says its unit, or 0. */
export function withUnit<T>(schema: z.ZodType<T>, examples: string) {
  return text
    .refine((v) => /[A-Za-z]\s*$|^\s*0\s*$/.test(v), { error: `says no unit: ${examples}` })
    .pipe(schema as z.ZodType<T, string>);
}

/** A point in time: so long ago, or a date, in UTC where it says no zone. Milliseconds since 1970. */
export function moment(value: string, nowMs: number): number | undefined {
  const agoUs = /^\d{4}-/.test(value) ? undefined : durationUs(value);
  if (agoUs !== undefined) return nowMs - agoUs / 1000;
  const [, date, time = "T00:00", zone = "Z"] =
    /^(\d{4}-\d{2}-\d{2})([T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?)?(Z|[+-]\d{2}:\d{2})?$/.exec(value) ?? [];
  const ms = date === undefined ? Number.NaN : Date.parse(`${date}${time.replace(" ", "T")}${zone}`);
  return Number.isFinite(ms) ? ms : undefined;
}

const UNIT_BYTES: Readonly<Record<string, number>> = {
  ...{ "": 1, B: 1, kB: 1e3, KB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12 },
  ...{ KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40 },
};

/** Bytes: "5GB", "500 MB", "1.5GiB". */
export const bytes = parsed((v) => {
  const [, digits, unit = ""] = /^(\d+(?:\.\d+)?)\s*([A-Za-z]*)$/.exec(v) ?? [];
  const factor = UNIT_BYTES[unit];
  return digits === undefined || factor === undefined ? undefined : Math.round(Number(digits) * factor);
}, 'is not a size such as "500MB" or "5GB"');

/** Size to fit frames into, pixels, or "native". */
export const size = parsed((v) => {
  if (v === "native") return v;
  const match = /^(\d{1,5})x(\d{1,5})$/.exec(v);
  if (match === null) return undefined;
  const [width, height] = [Number(match[1]), Number(match[2])];
  return Math.min(width, height) >= 1 && Math.max(width, height) <= MAX_SIDE ? { width, height } : undefined;
}, `is not WIDTHxHEIGHT (sides up to ${MAX_SIDE}) or "native"`);

/** HOST:PORT or tls://HOST:PORT; an IPv6 host stands in brackets. */
export const endpoint = parsed((v) => {
  const match = /^(tls:\/\/)?(?:\[([0-9a-fA-F:.]+)\]|([^\s:/@]+)):(\d{1,5})$/.exec(v);
  const portNumber = Number(match?.[4]);
  if (match === null || portNumber < 1 || portNumber > 65535) return undefined;
  return { host: match[2] ?? match[3] ?? "", port: portNumber, tls: match[1] !== undefined };
}, "is not HOST:PORT");

/** Where to listen: HOST:PORT, an IPv6 host in brackets; port 0 is a free one. */
export const listenAddress = parsed((v) => {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^\s:/@[\]]+)):(\d{1,5})$/.exec(v);
  if (match === null || Number(match[3]) > 65535) return undefined;
  const [, v6, name = ""] = match;
  if (v6 !== undefined && !isIPv6(v6)) return undefined;
  return { host: v6 ?? name, port: Number(match[3]) };
}, 'is not HOST:PORT, such as "127.0.0.1:9464" or "[::1]:9464", with a port up to 65535');

/** Names or ids, separated by commas or as a list. */
export const list = z
  .union([text, z.array(text)])
  .transform((value) => (Array.isArray(value) ? value : [value]).flatMap((part) => part.split(",")))
  .transform((parts) => parts.map((part) => part.trim()).filter((part) => part !== ""));

/** One text or several. */
export const texts = z.union([nonEmpty, z.array(nonEmpty)]).transform((v) => (Array.isArray(v) ? v : [v]));

/** Texts by name: `door: rtsp://…`. */
export const namedTexts = z
  .record(z.string(), nonEmpty, { error: "is not a mapping of names to cameras" })
  .transform((value, context) => {
    const bad = Object.keys(value).find((name) => !/^[^\s/][^/\p{Cc}]{0,63}$/u.test(name));
    if (bad === undefined) return value;
    const message = `has a camera called ${JSON.stringify(bad)}: a name is 1 to 64 characters, without slashes, and begins with none that is blank`;
    context.issues.push({ code: "custom", message, input: value });
    return z.NEVER;
  });

/** KIND:TARGET */
export const output = parsed((v) => {
  const at = v.indexOf(":");
  if (at < 1 || at === v.length - 1) return undefined;
  return { kind: v.slice(0, at), target: v.slice(at + 1) };
}, 'is not KIND:TARGET, such as "ndjson:-"');
export const outputs = z.union([output, z.array(output)]).transform((v) => (Array.isArray(v) ? v : [v]));

const gate = text.transform((value, context): Gate => {
  try {
    return parseGate(value);
  } catch (error) {
    if (!(error instanceof GateSyntaxError)) throw error;
    context.issues.push({ code: "custom", message: error.message, input: value });
    return z.NEVER;
  }
});
/** One condition or several: "recall>=95%". */
export const gates = z.union([gate, z.array(gate)]).transform((v) => (Array.isArray(v) ? v : [v]));

export function oneOf<const T extends readonly [string, ...string[]]>(values: T) {
  return z.enum(values, { error: `is not one of ${values.join(", ")}` });
}

export const flag = z.boolean({ error: "is not true or false" });

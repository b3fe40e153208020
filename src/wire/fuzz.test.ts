import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { AiwError } from "../core/errors.js";
import { extendedEnvelope } from "../testing/table-worker.js";
import { decodeWorkerMessage } from "./codec.js";
import { MessageSplitter } from "./framing.js";
import type { WorkerMessage } from "./messages.js";

/** Bounded where every change is checked; by hand AIW_FUZZ_RUNS=1000000, and AIW_FUZZ_SEED to see one again. */
const { AIW_FUZZ_RUNS = "1500", AIW_FUZZ_SEED } = process.env;
const numRuns = Number(AIW_FUZZ_RUNS);
const options = { numRuns, ...(AIW_FUZZ_SEED === undefined ? {} : { seed: Number(AIW_FUZZ_SEED) }) };
const LONG_MS = 60_000 + numRuns * 10;
const CAP = 100_000;

const Envelope = extendedEnvelope();
const float = fc.float();
const uint32 = fc.nat();
const uint64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map(String);
const text = fc.string({ unit: "binary", maxLength: 20 });
const bbox = fc.record({ x: float, y: float, w: float, h: float }, { requiredKeys: [] });
const detection = fc.record(
  { cls: text, conf: float, bbox, track_id: text, class_id: uint32 },
  { requiredKeys: [] },
);
const result = fc.record(
  {
    seq: uint64,
    detections: fc.array(detection, { maxLength: 5 }),
    ...{ queue_us: uint32, preprocess_us: uint32, inference_us: uint32, postprocess_us: uint32 },
    ...{ process_cpu_us: uint64, process_rss_bytes: uint64 },
  },
  { requiredKeys: [] },
);
const initOk = fc.record(
  {
    ...{ runtime: text, class_names: fc.array(text), max_frame_bytes: uint32, model_id: text },
    ...{ pixel_formats: fc.array(text), input_shape: fc.array(uint32, { maxLength: 5 }), session_id: text },
  },
  { requiredKeys: [] },
);
const error = fc.record(
  { code: uint32, message: text, name: text, seq: uint64, retryable: fc.boolean(), retry_after_ms: uint32 },
  { requiredKeys: [] },
);
const envelope = fc.oneof(
  result.map((sent) => ({ res: { result: sent } })),
  initOk.map((sent) => ({ res: { init_ok: sent } })),
  error.map((sent) => ({ res: { error: sent } })),
  fc.record({ seq: uint64 }).map((ready) => ({ res: { ready } })),
  fc.constant({ hb: {} }),
  fc.constant({ req: { end: {} } }),
);

const encoded = envelope.map((message) => Envelope.encode(Envelope.fromObject(message)).finish());

function framed(messages: readonly Uint8Array[]): Buffer {
  return Buffer.concat(
    messages.flatMap((message) => {
      const prefix = Buffer.alloc(4);
      prefix.writeUInt32LE(message.length);
      return [prefix, message];
    }),
  );
}

/** What befalls a stream of bytes, at a place that is a share of its length. */
const mutation = fc.record({
  kind: fc.constantFrom("flip", "cut", "insert", "repeat", "zero"),
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  bytes: fc.uint8Array({ minLength: 1, maxLength: 8 }),
});

function mutated(
  bytes: Buffer,
  { kind, at, bytes: more }: typeof mutation extends fc.Arbitrary<infer T> ? T : never,
) {
  const place = Math.floor(at * bytes.length);
  const [head, tail] = [bytes.subarray(0, place), bytes.subarray(place)];
  if (kind === "cut") return Buffer.concat([head, tail.subarray(more.length)]);
  if (kind === "insert") return Buffer.concat([head, more, tail]);
  if (kind === "repeat") return Buffer.concat([head, tail.subarray(0, more.length), tail]);
  const other = Buffer.from(bytes);
  const change = kind === "zero" ? () => 0 : (byte: number, i: number) => byte ^ (more[i] ?? 0);
  for (let i = 0; i < more.length && place + i < other.length; i++) {
    other[place + i] = change(other[place + i] ?? 0, i);
  }
  return other;
}

/** All that a client gets from a stream until it breaks the protocol; anything else that is thrown is a defect. */
function received(chunks: readonly Uint8Array[]): { messages: WorkerMessage[]; broken: boolean } {
  const messages: WorkerMessage[] = [];
  const splitter = new MessageSplitter(CAP);
  try {
    for (const chunk of chunks) {
      for (const bytes of splitter.push(chunk)) {
        expect(bytes.length).toBeGreaterThan(0);
        expect(bytes.length).toBeLessThanOrEqual(CAP);
        messages.push(decodeWorkerMessage(bytes));
      }
    }
  } catch (thrown) {
    if (!(thrown instanceof AiwError)) throw thrown;
    expect(thrown.code).toBe("PROTOCOL");
    return { messages, broken: true };
  }
  return { messages, broken: false };
}

/** Every field is of the type that it is declared as, whatever came. */
function expectWellFormed(message: WorkerMessage): void {
  if (message.kind === "ready") expect(message.seq).toBeTypeOf("number");
  if (message.kind === "error") {
    expect(message.message).toBeTypeOf("string");
    expect(message.name).toBeTypeOf("string");
    if (message.retryAfterMs !== undefined) expect(message.retryAfterMs).toBeGreaterThanOrEqual(0);
  }
  if (message.kind === "initOk") {
    for (const list of [message.classNames, message.pixelFormats, message.warnings, message.inputShape]) {
      expect(Array.isArray(list)).toBe(true);
    }
    expect(message.sessionId).toBeTypeOf("string");
  }
  if (message.kind !== "result") return;
  expect(message.seq).toBeTypeOf("number");
  for (const { className, confidence, box, trackId } of message.detections) {
    expect(className).toBeTypeOf("string");
    expect(trackId).toBeTypeOf("string");
    for (const value of [confidence, ...Object.values(box)]) expect(value).toBeTypeOf("number");
  }
}

function cutAt(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const at = [0, ...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].sort((a, b) => a - b);
  return at.slice(1).map((end, i) => bytes.subarray(at[i], end));
}

describe("what comes from a worker", () => {
  it(
    "is understood whole, however it is cut",
    () => {
      fc.assert(
        fc.property(fc.array(encoded, { maxLength: 5 }), fc.array(fc.nat(2000)), (messages, cuts) => {
          // A message without a field is of no bytes, which no peer sends.
          const sent = messages.filter(({ length }) => length > 0);
          const { messages: got, broken } = received(cutAt(framed(sent), cuts));
          expect(broken).toBe(false);
          expect(got).toHaveLength(sent.length);
          got.forEach(expectWellFormed);
        }),
        options,
      );
    },
    LONG_MS,
  );

  it(
    "is a message of ours or one clear error, however it is garbled",
    () => {
      fc.assert(
        fc.property(
          fc.array(encoded, { minLength: 1, maxLength: 4 }),
          fc.array(mutation, { minLength: 1, maxLength: 4 }),
          fc.array(fc.nat(2000)),
          (messages, mutations, cuts) => {
            const bytes = mutations.reduce(mutated, framed(messages.filter(({ length }) => length > 0)));
            received(cutAt(bytes, cuts)).messages.forEach(expectWellFormed);
          },
        ),
        options,
      );
    },
    LONG_MS,
  );

  it(
    "is a message of ours or one clear error, whatever bytes it is",
    () => {
      fc.assert(
        fc.property(fc.uint8Array({ minLength: 1, maxLength: 300 }), (bytes) => {
          received([framed([bytes])]).messages.forEach(expectWellFormed);
          received([bytes]).messages.forEach(expectWellFormed);
        }),
        options,
      );
    },
    LONG_MS,
  );
});

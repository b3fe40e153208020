import Long from "long";
import protobuf from "protobufjs/minimal.js";
import { AiwError } from "../core/errors.js";
import type { WorkerStages, WorkerUsage } from "../results/stages.js";
import { PREFIX_BYTES } from "./framing.js";
import { ai } from "./gen/ai.js";
import type {
  ErrorMessage,
  FrameHeader,
  InitOkMessage,
  InitRequest,
  ResultMessage,
  WireDetection,
  WorkerMessage,
} from "./messages.js";

/** The version of the conversation that this client speaks. */
const PROTOCOL_VERSION = 1;

/** Tags of the fields that enclose the pixels: field number << 3 | 2 (length-delimited). */
const TAG_ENVELOPE_REQ = (1 << 3) | 2;
const TAG_REQUEST_FRAME = (2 << 3) | 2;
const TAG_FRAME_DATA = (7 << 3) | 2;

const { Writer } = protobuf;

/** Every encoder returns the whole message, its length prefix included. */
export function encodeInit(init: InitRequest): Uint8Array {
  return encodeEnvelope({
    req: {
      init: {
        modelPath: init.modelPath,
        width: init.width,
        height: init.height,
        confThreshold: init.confThreshold,
        iouThreshold: init.iouThreshold,
        classesFilter: [...init.classes],
        protocolVersion: PROTOCOL_VERSION,
        clientId: init.clientId,
        requireProvider: init.requireProvider,
        sessionId: init.sessionId,
        token: init.token,
        priority: init.priority,
      },
    },
  });
}

export function encodeEnd(): Uint8Array {
  return encodeEnvelope({ req: { end: {} } });
}

export function encodeHeartbeat(nowUs: number): Uint8Array {
  return encodeEnvelope({ hb: { tsMonoNs: nanoseconds(nowUs) } });
}

/**
 * All bytes of a Frame message before its pixels: length prefix, Envelope, Request and Frame up to
 * and with the length of `data`. The pixels follow on the socket as they are, so they are never
 * copied into a message. `data` is the Frame's last field for that reason.
 */
export function encodeFrameHeader(frame: FrameHeader, dataBytes: number): Uint8Array {
  const fields = ai.Frame.encode({
    seq: frame.seq,
    tsIso: frame.timeIso,
    tsMonoNs: nanoseconds(frame.monoUs),
    width: frame.width,
    height: frame.height,
    pixFmt: frame.pixelFormat,
  }).finish();
  const dataHeader = Writer.create().uint32(TAG_FRAME_DATA).uint32(dataBytes).finish();
  const frameBytes = fields.length + dataHeader.length + dataBytes;
  const frameHeader = Writer.create().uint32(TAG_REQUEST_FRAME).uint32(frameBytes).finish();
  const requestBytes = frameHeader.length + frameBytes;
  const requestHeader = Writer.create().uint32(TAG_ENVELOPE_REQ).uint32(requestBytes).finish();
  return Buffer.concat([
    prefix(requestHeader.length + requestBytes),
    requestHeader,
    frameHeader,
    fields,
    dataHeader,
  ]);
}

/**
 * What a worker said. What this client does not know is "unknown", to be ignored.
 * @throws PROTOCOL when the bytes are not an Envelope
 */
export function decodeWorkerMessage(message: Uint8Array): WorkerMessage {
  let envelope: ai.Envelope.$Properties;
  try {
    envelope = ai.Envelope.decode(message);
  } catch (error) {
    throw new AiwError("PROTOCOL", `the peer sent ${message.length} bytes that are not a message of ours`, {
      cause: error,
    });
  }
  if (envelope.hb) return { kind: "heartbeat" };
  const response = envelope.res;
  if (response?.result) return resultMessage(response.result);
  if (response?.ready) return { kind: "ready", seq: integer(response.ready.seq) };
  if (response?.initOk) return initOkMessage(response.initOk);
  if (response?.error) return errorMessage(response.error);
  return { kind: "unknown" };
}

function encodeEnvelope(envelope: ai.Envelope.$Properties): Uint8Array {
  const body = ai.Envelope.encode(envelope).finish();
  return Buffer.concat([prefix(body.length), body]);
}

function prefix(bytes: number): Uint8Array {
  const buffer = Buffer.alloc(PREFIX_BYTES);
  buffer.writeUInt32LE(bytes);
  return buffer;
}

/** Microseconds as the uint64 nanoseconds of the wire; a number would lose digits after 104 days. */
function nanoseconds(us: number) {
  return Long.fromBigInt(BigInt(us) * 1000n, true);
}

/** A uint64 of the wire that is known to stay below 2^53 (a sequence number, bytes, microseconds). */
function integer(value: number | { toNumber(): number } | null | undefined): number {
  if (value === null || value === undefined) return 0;
  return typeof value === "number" ? value : value.toNumber();
}

function resultMessage(result: ai.Result.$Properties): ResultMessage {
  return {
    kind: "result",
    seq: integer(result.seq),
    detections: (result.detections ?? []).map(detection),
    stages: stages(result),
    usage: usage(result),
  };
}

function detection(d: ai.Detection.$Properties): WireDetection {
  return {
    className: d.cls ?? "",
    classId: d.classId ?? undefined,
    confidence: d.conf ?? 0,
    box: { x: d.bbox?.x ?? 0, y: d.bbox?.y ?? 0, w: d.bbox?.w ?? 0, h: d.bbox?.h ?? 0 },
    trackId: d.trackId ?? "",
  };
}

function stages(r: ai.Result.$Properties): WorkerStages | undefined {
  const { queueUs, preprocessUs, inferenceUs, postprocessUs } = r;
  if (queueUs == null || preprocessUs == null || inferenceUs == null || postprocessUs == null) {
    return undefined;
  }
  return { queueUs, preprocessUs, inferenceUs, postprocessUs };
}

function usage(r: ai.Result.$Properties): WorkerUsage | undefined {
  if (r.processCpuUs == null || r.processRssBytes == null) return undefined;
  return { cpuUs: integer(r.processCpuUs), rssBytes: integer(r.processRssBytes) };
}

function initOkMessage(ok: ai.InitOk.$Properties): InitOkMessage {
  return {
    kind: "initOk",
    runtime: ok.runtime ?? "",
    modelVersion: ok.modelVersion ?? "",
    classNames: ok.classNames ?? [],
    maxFrameBytes: ok.maxFrameBytes ?? 0,
    providers: ok.providers ?? [],
    modelId: ok.modelId ?? "",
    workerVersion: ok.workerVersion ?? "",
    pixelFormats: ok.pixelFormats ?? [],
    inputShape: ok.inputShape ?? [],
    family: ok.family ?? "",
    engine: ok.engine ?? "",
    threads: ok.threads ?? 0,
    warnings: ok.warnings ?? [],
    sessionId: ok.sessionId ?? "",
  };
}

function errorMessage(error: ai.Error.$Properties): ErrorMessage {
  return {
    kind: "error",
    code: error.code ?? 0,
    message: error.message ?? "",
    name: error.name ?? "",
    seq: error.seq == null ? undefined : integer(error.seq),
    retryAfterMs: error.retryable ? (error.retryAfterMs ?? 0) : undefined,
  };
}

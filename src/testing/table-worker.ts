import { createServer, type Server, type Socket } from "node:net";
import { Server as TlsServer } from "node:tls";
import { fileURLToPath } from "node:url";
import protobuf from "protobufjs";

/**
 * The wire contract's table and nothing else, written down a second time on purpose: a worker made of
 * it knows none of our extensions, so what works against it works against deployed workers.
 */
const TABLE = `
syntax = "proto3";
package ai;
message Envelope { oneof msg { Request req = 1; Response res = 2; Heartbeat hb = 3; } }
message Request { oneof kind { Init init = 1; Frame frame = 2; End end = 3; } }
message Init { string model_path = 1; uint32 width = 2; uint32 height = 3; float conf_threshold = 4; repeated uint32 classes_filter = 5; }
message Frame { uint64 seq = 1; string ts_iso = 2; uint64 ts_mono_ns = 3; uint32 width = 4; uint32 height = 5; string pix_fmt = 6; bytes data = 7; }
message End {}
message Response { oneof kind { InitOk init_ok = 1; Ready ready = 2; Result result = 3; Error error = 4; } }
message InitOk { string runtime = 1; string model_version = 2; repeated string class_names = 3; uint32 max_frame_bytes = 4; repeated string providers = 5; string model_id = 6; Preprocessing preproc = 7; }
message Preprocessing { string layout = 1; repeated float mean = 2; repeated float std = 3; bool letterbox = 4; }
message Ready { uint64 seq = 1; }
message Result { uint64 seq = 1; string ts_iso = 2; uint64 ts_mono_ns = 3; repeated Detection detections = 4; }
message Detection { string cls = 1; float conf = 2; BoundingBox bbox = 3; string track_id = 4; }
message BoundingBox { float x = 1; float y = 2; float w = 3; float h = 4; }
message Error { uint32 code = 1; string message = 2; }
message Heartbeat { uint64 ts_mono_ns = 1; }
`;

const tableEnvelope = protobuf.parse(TABLE, { keepCase: true }).root.lookupType("ai.Envelope");
const PROTO_FILE = fileURLToPath(new URL("../../proto/ai.proto", import.meta.url));

/** Our own schema, extensions and all, for tests of what only a worker of ours says. */
export function extendedEnvelope(): protobuf.Type {
  return new protobuf.Root().loadSync(PROTO_FILE, { keepCase: true }).lookupType("ai.Envelope");
}

/** A message as the table names its fields; 64-bit numbers are plain numbers. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- a test reads whatever came, field by field
export type TableMessage = Record<string, any>;

export interface TableFrame {
  seq: number;
  ts_iso: string;
  ts_mono_ns: string;
  width: number;
  height: number;
  pix_fmt: string;
  data: Buffer;
}

/** What a test does with one connection of the worker. */
export class TableConnection {
  constructor(
    readonly socket: Socket,
    private readonly envelope: protobuf.Type,
  ) {}

  send(message: TableMessage): void {
    this.socket.write(frame(this.envelope.encode(this.envelope.fromObject(message)).finish()));
  }

  sendResponse(response: TableMessage): void {
    this.send({ res: response });
  }

  initOk(): void {
    const preproc = { layout: "NCHW", letterbox: true };
    this.sendResponse({
      init_ok: {
        runtime: "table 1.0",
        class_names: ["cat", "dog"],
        max_frame_bytes: 50_000_000,
        model_id: "ab".repeat(32),
        preproc,
      },
    });
    this.sendResponse({ ready: { seq: 0 } });
  }

  result(of: TableFrame, detections: TableMessage[] = []): void {
    const { seq, ts_iso, ts_mono_ns } = of;
    this.sendResponse({ result: { seq, ts_iso, ts_mono_ns, detections } });
  }
}

export interface TableWorkerScript {
  onInit?(connection: TableConnection, init: TableMessage): void;
  onFrame?(connection: TableConnection, frame: TableFrame): void;
}

export interface TableWorkerOptions {
  readonly port?: number;
  /** By default the table's. */
  readonly envelope?: protobuf.Type;
  /** By default plain TCP's. */
  readonly server?: Server;
}

/** A worker that knows only the table: answers InitOk and Ready, and a frame with what the script says. */
export class TableWorker {
  readonly received: TableMessage[] = [];
  readonly connections: TableConnection[] = [];
  private waiters: { test: (message: TableMessage) => boolean; resolve: (message: TableMessage) => void }[] =
    [];

  private constructor(
    private readonly server: Server,
    readonly port: number,
    private readonly envelope: protobuf.Type,
  ) {}

  /** @param options.port to listen on; by default a free one */
  static async start(script: TableWorkerScript = {}, options: TableWorkerOptions = {}): Promise<TableWorker> {
    const { port = 0, envelope = tableEnvelope, server = createServer({ noDelay: true }) } = options;
    await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("not a TCP server");
    const worker = new TableWorker(server, address.port, envelope);
    const event = server instanceof TlsServer ? "secureConnection" : "connection";
    server.on(event, (socket: Socket) => worker.serve(new TableConnection(socket, envelope), script));
    return worker;
  }

  /** Resolves with the first message (received already, or later) that passes the test. */
  whenReceived(test: (message: TableMessage) => boolean): Promise<TableMessage> {
    const there = this.received.find(test);
    if (there !== undefined) return Promise.resolve(there);
    return new Promise((resolve) => this.waiters.push({ test, resolve }));
  }

  async close(): Promise<void> {
    for (const { socket } of this.connections) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private serve(connection: TableConnection, script: TableWorkerScript): void {
    this.connections.push(connection);
    let buffered = Buffer.alloc(0);
    connection.socket.on("error", () => {});
    connection.socket.on("data", (chunk) => {
      buffered = Buffer.concat([buffered, chunk]);
      while (buffered.length >= 4 && buffered.length >= 4 + buffered.readUInt32LE(0)) {
        const end = 4 + buffered.readUInt32LE(0);
        const { envelope } = this;
        const message = decoded(envelope, buffered.subarray(4, end));
        // What does not parse ends the connection.
        if (message === undefined) return void connection.socket.destroy();
        buffered = buffered.subarray(end);
        this.handle(connection, message, script);
      }
    });
  }

  private handle(connection: TableConnection, message: TableMessage, script: TableWorkerScript): void {
    const { init, frame: pixels } = message.req ?? {};
    if (init !== undefined) (script.onInit ?? ((c) => c.initOk()))(connection, init);
    if (pixels !== undefined) {
      const received: TableFrame = { ...pixels, seq: Number(pixels.seq) };
      (script.onFrame ?? ((c, f) => c.result(f)))(connection, received);
    }
    // The old worker sends no Heartbeat unless it gets one.
    if (message.hb !== undefined) connection.send({ hb: {} });
    this.received.push(message);
    for (const waiter of this.waiters.filter(({ test }) => test(message))) waiter.resolve(message);
    this.waiters = this.waiters.filter(({ test }) => !test(message));
  }
}

function decoded(envelope: protobuf.Type, bytes: Uint8Array): TableMessage | undefined {
  try {
    return envelope.toObject(envelope.decode(bytes), { longs: String });
  } catch {
    return undefined;
  }
}

function frame(body: Uint8Array): Buffer {
  const prefix = Buffer.alloc(4);
  prefix.writeUInt32LE(body.length);
  return Buffer.concat([prefix, body]);
}

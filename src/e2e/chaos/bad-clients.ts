import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { encodeFrameHeader, encodeInit } from "../../wire/codec.js";

/** What a bad client has to know to do its worst. */
export interface Target {
  readonly port: number;
  readonly token: string;
  readonly model: string;
}

const SIZE = { width: 64, height: 48 };
const PIXELS = Buffer.alloc(SIZE.width * SIZE.height * 3);

function init({ model, token }: Target, changes: { token?: string; modelPath?: string } = {}): Uint8Array {
  return encodeInit({
    ...{ modelPath: model, width: 0, height: 0, confThreshold: 0.35, iouThreshold: 0.45, classes: [] },
    ...{ clientId: "bad", requireProvider: "", sessionId: "", token, priority: 0, ...changes },
  });
}

function frame(seq: number, bytes = PIXELS.length): Uint8Array {
  const header = { seq, timeIso: "", monoUs: 0, ...SIZE, pixelFormat: "RGB" };
  return Buffer.concat([encodeFrameHeader(header, bytes), PIXELS]);
}

/** What each sends; none goes on after it. */
const KINDS: Readonly<Record<string, (target: Target) => readonly Uint8Array[]>> = {
  garbage: () => [Buffer.from("GET / HTTP/1.1\r\nHost: worker\r\n\r\n")],
  "4 GiB length": () => [Buffer.from([255, 255, 255, 255])],
  "zero length": () => [Buffer.alloc(4)],
  "path outside": (target) => [init(target, { modelPath: "../../etc/hostname" })],
  "wrong token": (target) => [init(target, { token: "guess" })],
  "frame before Init": () => [frame(1)],
  "nothing at all": () => [],
  "half an Init": (target) => [init(target).subarray(0, 20)],
  "half a frame": (target) => [init(target), frame(1).subarray(0, 1000)],
  "frames of a wrong size": (target) => [init(target), frame(1, PIXELS.length - 1).subarray(0, -1), frame(2)],
  "500 frames at once": (target) => [init(target), ...Array.from({ length: 500 }, (_, n) => frame(n))],
};

export const BAD_KINDS = Object.keys(KINDS);

/** Connections of bad clients that are open. None of them reads its answers, and none leaves by itself. */
export class BadClients {
  private readonly sockets = new Set<Socket>();

  /** One more. Resolves when it has sent what it sends, at least as far as the kernel takes it. */
  async send(kind: string, target: Target): Promise<void> {
    const socket = connect({ host: "127.0.0.1", port: target.port });
    socket.on("error", () => {});
    socket.on("close", () => this.sockets.delete(socket));
    this.sockets.add(socket);
    await once(socket, "connect");
    const bytes = Buffer.concat(KINDS[kind]!(target));
    if (bytes.length > 0) socket.write(bytes);
  }

  /** How many there are. */
  get count(): number {
    return this.sockets.size;
  }

  /** All of them are gone, without a word. */
  vanish(): void {
    for (const socket of this.sockets) socket.destroy();
  }
}

import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { type Random, seededRandom } from "../scene/random.js";

/** What happens to the bytes of a connection; each is left out where it is not given. */
export interface Faults {
  readonly seed: number;
  /** A connection is cut after so many bytes of both directions on average, wherever that is in a message. */
  readonly cutEveryBytes?: number;
  /** Of the cuts this share says nothing: both sides stay open, and nothing comes through any more. */
  readonly halfOpenShare?: number;
  /** One bit is turned over after so many bytes on average. */
  readonly corruptEveryBytes?: number;
  /** Every chunk is held back for up to so long, in order. */
  readonly delayMs?: number;
  /** This share of the chunks goes on byte by byte. */
  readonly splitShare?: number;
  /** Bytes a second of one direction. */
  readonly bytesPerSecond?: number;
}

/** What was done so far. */
export interface FaultCounts {
  connections: number;
  cuts: number;
  halfOpen: number;
  corrupted: number;
  split: number;
  bytes: number;
}

/** A connection on its way through, and the bytes after which its faults come. */
interface Passage {
  readonly client: Socket;
  readonly worker: Socket;
  readonly gone: AbortController;
  cutAfter: number;
  corruptAfter: number;
  isDeaf: boolean;
}

/**
 * A TCP proxy on loopback that treats bytes badly. Where faults fall in the stream of bytes follows from the
 * seed; how the streams are cut into chunks does not, since the system decides that.
 */
export class FaultProxy {
  readonly counts: FaultCounts = { connections: 0, cuts: 0, halfOpen: 0, corrupted: 0, split: 0, bytes: 0 };
  private readonly passages = new Set<Passage>();
  private readonly random: Random;

  private constructor(
    private readonly server: Server,
    readonly port: number,
    private workerPort: number,
    private readonly faults: Faults,
  ) {
    this.random = seededRandom(faults.seed);
  }

  /** @param workerPort of 127.0.0.1, where connections lead to */
  static async start(workerPort: number, faults: Faults): Promise<FaultProxy> {
    const server = createServer({ noDelay: true });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("not a TCP server");
    const proxy = new FaultProxy(server, address.port, workerPort, faults);
    server.on("connection", (socket) => proxy.pass(socket));
    return proxy;
  }

  /** New connections lead to this port of 127.0.0.1 from now on: the worker was started again. */
  leadTo(workerPort: number): void {
    this.workerPort = workerPort;
  }

  /** Cuts every connection that is open now. */
  cut(): void {
    for (const passage of this.passages) this.end(passage);
  }

  /** Lets nothing more through on the connections that are open now, which stay open. */
  deafen(): void {
    for (const passage of this.passages) this.makeDeaf(passage);
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private pass(client: Socket): void {
    this.counts.connections++;
    const worker = connect({ host: "127.0.0.1", port: this.workerPort, noDelay: true });
    const passage: Passage = {
      client,
      worker,
      gone: new AbortController(),
      cutAfter: this.after(this.faults.cutEveryBytes),
      corruptAfter: this.after(this.faults.corruptEveryBytes),
      isDeaf: false,
    };
    this.passages.add(passage);
    for (const socket of [client, worker]) {
      socket.on("error", () => {});
      socket.on("close", () => !passage.isDeaf && this.end(passage));
    }
    void this.forward(passage, client, worker);
    void this.forward(passage, worker, client);
  }

  /** Bytes until the next fault: exponentially distributed, as of faults that do not know of each other. */
  private after(mean: number | undefined): number {
    if (mean === undefined) return Number.POSITIVE_INFINITY;
    return Math.ceil(-mean * Math.log((this.random(2 ** 30) + 0.5) / 2 ** 30));
  }

  private happens(share = 0): boolean {
    return this.random(1000) < share * 1000;
  }

  private async forward(passage: Passage, from: Socket, to: Socket): Promise<void> {
    try {
      for await (const chunk of from) {
        await this.hold(chunk.length, passage.gone.signal);
        for (const piece of this.pieces(chunk)) await this.send(passage, piece, to);
      }
      to.end();
    } catch {
      // Cut, by us or by one of the sides.
      if (!passage.isDeaf) this.end(passage);
    }
  }

  private async hold(bytes: number, signal: AbortSignal): Promise<void> {
    const { delayMs = 0, bytesPerSecond = Number.POSITIVE_INFINITY } = this.faults;
    const ms = (this.random(1000) / 1000) * delayMs + (bytes / bytesPerSecond) * 1000;
    if (ms > 0) await sleep(ms, undefined, { signal });
  }

  private *pieces(chunk: Buffer): Generator<Buffer> {
    if (!this.happens(this.faults.splitShare)) return yield chunk;
    this.counts.split++;
    for (let at = 0; at < chunk.length; at++) yield chunk.subarray(at, at + 1);
  }

  private async send(passage: Passage, piece: Buffer, to: Socket): Promise<void> {
    const { signal } = passage.gone;
    if (passage.isDeaf) return;
    const bytes = this.corrupted(passage, piece.subarray(0, passage.cutAfter));
    passage.cutAfter -= piece.length;
    this.counts.bytes += bytes.length;
    if (!to.write(bytes)) await once(to, "drain", { signal });
    if (passage.cutAfter > 0) return;
    if (this.happens(this.faults.halfOpenShare)) {
      this.makeDeaf(passage);
      return;
    }
    this.counts.cuts++;
    throw new Error("cut");
  }

  private makeDeaf(passage: Passage): void {
    passage.isDeaf = true;
    this.counts.halfOpen++;
  }

  private corrupted(passage: Passage, piece: Buffer): Buffer {
    if (passage.corruptAfter > piece.length) {
      passage.corruptAfter -= piece.length;
      return piece;
    }
    const bytes = Buffer.from(piece);
    const at = Math.min(passage.corruptAfter, bytes.length) - 1;
    bytes.writeUInt8(bytes.readUInt8(at) ^ (1 << this.random(8)), at);
    this.counts.corrupted++;
    passage.corruptAfter = this.after(this.faults.corruptEveryBytes);
    return bytes;
  }

  private end(passage: Passage): void {
    this.passages.delete(passage);
    passage.gone.abort();
    passage.client.destroy();
    passage.worker.destroy();
  }
}

import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { connect, createServer, type OnReadOpts, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface SocketPair {
  /** Our end; paused, reads through `onread`. */
  readonly reader: Socket;
  /** The other end, to be handed to a subprocess and then destroyed here. */
  readonly writer: Socket;
}

/**
 * Two connected stream sockets. Node gives a subprocess' stdout only as a stream of fresh buffers;
 * a socket of our own reads into buffers that we choose. The way to it is a Unix socket in a folder
 * that only this user may enter, gone again before this returns. Null where that is not to be had
 * (Windows, a temporary folder with too long a path).
 */
export async function socketPair(onread: OnReadOpts): Promise<SocketPair | null> {
  if (process.platform === "win32") return null;
  let folder: string | undefined;
  try {
    folder = await mkdtemp(join(tmpdir(), "aiw-"));
    return await connectThrough(join(folder, "s"), onread);
  } catch {
    return null;
  } finally {
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  }
}

async function connectThrough(path: string, onread: OnReadOpts): Promise<SocketPair> {
  const server = createServer({ pauseOnConnect: true });
  let reader: Socket | undefined;
  try {
    server.listen(path);
    await once(server, "listening");
    const accepted = once(server, "connection");
    reader = connect({ path, onread });
    reader.pause();
    const [[writer]] = await Promise.all([accepted, once(reader, "connect")]);
    return { reader, writer: writer as Socket };
  } catch (error) {
    reader?.destroy();
    throw error;
  } finally {
    server.close();
  }
}

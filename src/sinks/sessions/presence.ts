import { randomBytes } from "node:crypto";
import { closeSync, constants, openSync } from "node:fs";
import { readdir, rename, rm } from "node:fs/promises";
import { connect, createServer, type Server } from "node:net";
import { join } from "node:path";
import { systemCode } from "../../core/errors.js";

/** Who has sessions open in a folder. */
export interface Presence {
  /** Ours; null where the folder can't tell who is there. */
  readonly id: string | null;
  /** Whether the agent of this id still runs. */
  isAlive(id: string): Promise<boolean>;
  close(): Promise<void>;
}

const NAME = /^\.agent-([0-9a-f]{16})\.sock$/;
const nameOf = (id: string) => `.agent-${id}.sock`;
/** What a socket's address takes of a path, bytes: 108 on Linux, 104 elsewhere, with the 0 at its end. */
const LONGEST_PATH = 103;
/** What says that nobody listens there any more. */
const GONE: ReadonlySet<string | undefined> = new Set(["ECONNREFUSED", "ENOENT", "ENOTSOCK"]);

/**
 * An agent's presence in a folder is a socket in it that it listens on. Node has no locks of files; this one, too,
 * ends with its process in the very moment, however it ended, needs no sign of life from a process that is stopped
 * or busy, and is seen from another container that shares the folder.
 * It is not seen from another machine, where it would be taken for that of a dead one: a folder belongs to one machine.
 * Nothing that a session could say of its machine would help: a container that is made anew has another name, and may
 * have no id of the machine, and yet is to recover what the one before it left.
 * @param onNote told where the folder can't hold one
 */
export async function announcePresence(dir: string, onNote: (text: string) => void): Promise<Presence> {
  const id = randomBytes(8).toString("hex");
  const address = new SocketAddress(dir);
  try {
    const server = await listenAs(nameOf(id), dir, address);
    await clearDead(dir, address);
    return {
      id,
      isAlive: (other) => answers(address.of(nameOf(other))),
      async close() {
        await new Promise<void>((resolve) => server.close(() => resolve()));
        // As libuv does, where the folder is still called what it was.
        await rm(join(dir, nameOf(id)), { force: true }).catch(() => {});
        address.close();
      },
    };
  } catch (error) {
    address.close();
    onNote(
      `${dir} can't hold a socket (${systemCode(error) ?? String(error)}): no second agent may use it at the same time`,
    );
    return { id: null, isAlive: async () => false, close: async () => {} };
  }
}

/** Whether agents run that have sessions open in a folder, for who only looks. */
export function presenceCheck(dir: string): Pick<Presence, "isAlive" | "close"> {
  const address = new SocketAddress(dir);
  const known = new Map<string, Promise<boolean>>();
  return {
    isAlive(id) {
      const answer = known.get(id) ?? answers(address.of(nameOf(id)));
      known.set(id, answer);
      return answer;
    },
    close: async () => address.close(),
  };
}

/** Takes away the sockets of agents that were killed. */
async function clearDead(dir: string, address: SocketAddress): Promise<void> {
  for (const name of await readdir(dir)) {
    if (NAME.test(name) && !(await answers(address.of(name)))) {
      await rm(join(dir, name), { force: true }).catch(() => {});
    }
  }
}

/** What a socket in a folder is called, however long the folder's own path is. */
class SocketAddress {
  private fd: number | undefined;

  constructor(private readonly dir: string) {}

  of(name: string): string {
    if (process.platform === "win32") return `\\\\.\\pipe\\aiw${name}`;
    const path = join(this.dir, name);
    if (Buffer.byteLength(path) <= LONGEST_PATH || process.platform !== "linux") return path;
    this.fd ??= openSync(this.dir, constants.O_RDONLY | constants.O_DIRECTORY);
    return `/proc/self/fd/${this.fd}/${name}`;
  }

  close(): void {
    if (this.fd !== undefined) closeSync(this.fd);
    this.fd = undefined;
  }
}

/** Under another name first: a socket that is made and does not listen yet would be taken for that of a dead one. */
async function listenAs(name: string, dir: string, address: SocketAddress): Promise<Server> {
  if (process.platform === "win32") return listen(address.of(name));
  const server = await listen(address.of(`${name}.new`));
  await rename(join(dir, `${name}.new`), join(dir, name));
  return server;
}

function listen(path: string): Promise<Server> {
  if (process.platform !== "win32" && Buffer.byteLength(path) > LONGEST_PATH) {
    return Promise.reject(Object.assign(new Error("path too long"), { code: "ENAMETOOLONG" }));
  }
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    // It alone keeps no process from ending.
    server.unref();
    server.once("error", reject).listen(path, () => {
      server.off("error", reject).on("error", () => {});
      resolve(server);
    });
  });
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    const end = (isThere: boolean) => {
      socket.destroy();
      resolve(isThere);
    };
    socket.once("connect", () => end(true)).once("error", (error) => end(!GONE.has(systemCode(error))));
  });
}

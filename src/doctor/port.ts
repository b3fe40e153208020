import { createServer } from "node:net";
import { systemCode } from "../core/errors.js";
import { type Check, verdicts } from "./check.js";

const DEFAULT_PORT = 7001;
const HOST = "127.0.0.1";

export interface PortOptions {
  /** BIND_PORT, as it is. */
  readonly bindPort: string | undefined;
  /** The worker that the settings name: it may well be what has the port. */
  readonly worker: { readonly host: string; readonly port: number } | undefined;
}

/** Whether `aiw worker` gets its port. run and bench don't need it: their worker takes any that is free. */
export async function checkPort({ bindPort, worker }: PortOptions): Promise<Check> {
  const { ok, warning } = verdicts("port", "port of aiw worker");
  const wanted = Number(bindPort || DEFAULT_PORT);
  const port = Number.isInteger(wanted) && wanted >= 0 && wanted <= 65535 ? wanted : DEFAULT_PORT;
  const reason = await bindFailure(port);
  if (reason === undefined) return ok(`${HOST}:${port} is free`);
  const isOurs = worker?.port === port && /^(localhost|127\.|::1$)/.test(worker.host);
  if (isOurs) return ok(`${HOST}:${port} is taken, as it should be by the configured worker`);
  const why = reason === "EADDRINUSE" ? "is taken by another program" : `cannot be had (${reason})`;
  return warning(`${HOST}:${port} ${why}`, "Use another: aiw worker --port 7002, or BIND_PORT=7002.");
}

function bindFailure(port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", (error) => resolve(systemCode(error) ?? error.message));
    server.listen(port, HOST, () => server.close(() => resolve(undefined)));
  });
}

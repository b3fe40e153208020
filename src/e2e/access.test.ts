import { createServer, type TlsOptions } from "node:tls";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { authority, type Identity, identity } from "../testing/certificates.js";
import { extendedEnvelope, TableWorker } from "../testing/table-worker.js";
import { aiw, startAiw, workerOf } from "./aiw.js";
import { readFileSync } from "node:fs";
import { scratchFolder } from "./scratch-folder.js";

const { file } = scratchFolder("access");
const CONFIG = file("empty.yaml", "");
const TOKEN = "S3CR3T-t0ken";

let worker: TableWorker | undefined;
let ca: Identity;
let server: Identity;

beforeAll(async () => {
  ca = await authority();
  server = await identity(ca, ["127.0.0.1"]);
});
afterEach(async () => {
  await worker?.close();
});

async function serve(options: TlsOptions): Promise<string> {
  worker = await TableWorker.start(
    { onInit: (c, init) => (init.token === TOKEN ? c.initOk() : refuse(c)) },
    { server: createServer(options).on("tlsClientError", () => {}), envelope: extendedEnvelope() },
  );
  return `127.0.0.1:${worker.port}`;
}

function refuse(connection: TableWorker["connections"][number]): void {
  connection.sendResponse({ error: { code: 1, name: "TOKEN_WRONG", message: "the token is wrong" } });
}

const run = (address: string, args: string[], env: NodeJS.ProcessEnv = {}) =>
  aiw(
    [
      ...["run", "--config", CONFIG, "--worker", address, "--model", "m.onnx", "--source", "synthetic:"],
      ...["--frames", "2", "--debug", ...args],
    ],
    env,
  );

describe("aiw with a worker that asks for a token and speaks TLS", () => {
  it("runs with both, by flags or environment, and shows the token nowhere", async () => {
    const client = await identity(ca, ["client"]);
    const address = await serve({ ...server, ca: ca.cert, requestCert: true, rejectUnauthorized: true });
    const paths = [
      file("ca.pem", ca.cert),
      file("cert.pem", client.cert),
      file("key.pem", client.key),
    ] as const;
    const tokenFile = file("token", `${TOKEN}\n`);
    const flags = [
      "--tls-ca",
      paths[0],
      "--tls-cert",
      paths[1],
      "--tls-key",
      paths[2],
      "--token-file",
      tokenFile,
    ];
    const env = { AIW_TLS_CA: paths[0], AIW_TLS_CERT: paths[1], AIW_TLS_KEY: paths[2], AIW_TOKEN: TOKEN };
    for (const done of [await run(`tls://${address}`, flags), await run(`tls://${address}`, [], env)]) {
      expect(done.code, done.stderr).toBe(0);
      expect(done.stderr).toContain("2 frames: 2 results");
      expect(done.stderr + done.stdout).not.toContain(TOKEN);
    }
  });

  it("says the worker's reason for a wrong token, and not the token", async () => {
    const address = await serve(server);
    const wrong = "wr0ng-T0KEN";
    const args = ["--tls-ca", file("ca2.pem", ca.cert), "--token-file", file("wrong", wrong)];
    const { code, stderr } = await run(`tls://${address}`, args);
    expect(code).toBe(1);
    expect(stderr).toContain("aiw: error TOKEN_WRONG: the token is wrong");
    expect(stderr).not.toContain(wrong);
  });

  it("says so when it is named as a plain one, or its certificate is unknown", async () => {
    const address = await serve(server);
    const plain = await run(address, []);
    expect(plain.code).toBe(1);
    expect(plain.stderr).toContain(`tls://${address}`);
    const unknown = await run(`tls://${address}`, []);
    expect(unknown.code).toBe(1);
    expect(unknown.stderr).toMatch(
      /^aiw: error TLS_FAILED: the certificate .* is signed by none that is known/m,
    );
  });
});

describe.skipIf(process.platform !== "linux")("a worker that aiw starts (Linux)", () => {
  it("finds a random token in its environment, and nobody finds it on a command line", async () => {
    const started = startAiw(["run", "--config", CONFIG, "--source", "synthetic:", "--debug"], {
      AIW_TOKEN: TOKEN,
    });
    await started.sees(/\n/);
    const pid = workerOf(started.child.pid!)!;
    const [, token = ""] =
      /(?:^|\0)AIW_TOKEN=([^\0]*)/.exec(readFileSync(`/proc/${pid}/environ`, "utf8")) ?? [];
    expect(token).toMatch(/^[\w-]{43}$/);
    expect(readFileSync(`/proc/${pid}/cmdline`, "utf8")).not.toContain(token);
    started.child.kill("SIGINT");
    const { stdout, stderr } = await started.finished;
    expect(stdout + stderr).not.toContain(token);
  });
});

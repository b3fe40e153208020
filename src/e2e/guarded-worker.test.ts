import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { WorkerClient } from "../index.js";
import { authority, type Identity, identity } from "../testing/certificates.js";
import { aiw, type Running, startAiw, workerOf } from "./aiw.js";
import { scratchFolder } from "./scratch-folder.js";

const { file } = scratchFolder("guarded");
const CONFIG = file("empty.yaml", "");
const MODEL = fileURLToPath(new URL("../../worker/models/synthetic.onnx", import.meta.url));
const TOKEN = "S3CR3T-t0ken";

/** Paths of a certificate and its key. */
interface Files {
  readonly cert: string;
  readonly key: string;
}

const inFiles = (name: string, { cert, key }: Identity): Files => ({
  cert: file(`${name}.pem`, cert),
  key: file(`${name}.key`, key),
});

let [ca, otherCa] = ["", ""];
let server: Files;
let client: Files;
let stranger: Files;

beforeAll(async () => {
  const [ours, others] = [await authority(), await authority("another")];
  [ca, otherCa] = [file("ca.pem", ours.cert), file("other-ca.pem", others.cert)];
  server = inFiles("server", await identity(ours, ["127.0.0.1"]));
  client = inFiles("client", await identity(ours, ["client"]));
  stranger = inFiles("stranger", await identity(others, ["client"]));
});

const started: Running[] = [];
afterEach(async () => {
  for (const one of started.splice(0)) {
    one.child.kill("SIGTERM");
    await one.finished;
  }
});

/** A worker of `aiw worker`, and its address once it listens. */
async function serve(flags: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const worker = startAiw(
    ["worker", "--port", "0", "--config", CONFIG, "--model-dir", dirname(MODEL), "--debug", ...flags],
    env,
  );
  started.push(worker);
  return { worker, address: (await worker.sees(/listening on (127\.0\.0\.1:\d+)/))[1] ?? "" };
}

function run(address: string, flags: readonly string[] = [], env: NodeJS.ProcessEnv = {}) {
  const source = ["--model", MODEL, "--source", "synthetic:", "--frames", "3", "--debug"];
  return aiw(["run", "--config", CONFIG, "--worker", address, ...source, ...flags], env);
}

const withTls = () => ["--tls-cert", server.cert, "--tls-key", server.key];
const as = ({ cert, key }: Files) => ["--tls-cert", cert, "--tls-key", key];
/** The one line that says why a run failed. */
const reason = (stderr: string) => /^aiw: error .*$/m.exec(stderr)?.[0] ?? stderr;

describe("TLS between aiw and its worker", () => {
  it("serves who knows its authority, and says to the others what is wrong and the way out", async () => {
    const { address } = await serve(withTls());
    const good = () => run(`tls://${address}`, ["--tls-ca", ca]);
    const first = await good();
    expect(first.code, first.stderr).toBe(0);
    expect(first.stderr).toContain("3 frames: 3 results");

    const wrongCa = await run(`tls://${address}`, ["--tls-ca", otherCa]);
    expect(wrongCa.code).toBe(1);
    expect(reason(wrongCa.stderr)).toMatch(/error TLS_FAILED: .*signed by none that is known.*--tls-ca/);

    const plain = await run(address);
    expect(plain.code).toBe(1);
    expect(reason(plain.stderr)).toMatch(/error TLS_MISMATCH: .*name the worker as tls:/);

    const again = await good();
    expect(again.code, again.stderr).toBe(0);
  });

  it("asks for a certificate where --tls-client-ca is given", async () => {
    const { address } = await serve([...withTls(), "--tls-client-ca", ca]);
    const known = ["--tls-ca", ca];
    const good = await run(`tls://${address}`, [...known, ...as(client)]);
    expect(good.code, good.stderr).toBe(0);
    expect(good.stderr).toContain("3 frames: 3 results");

    const nameless = await run(`tls://${address}`, known);
    expect(nameless.code).toBe(1);
    expect(reason(nameless.stderr)).toMatch(/error TLS_FAILED: .*--tls-cert/);

    const strange = await run(`tls://${address}`, [...known, ...as(stranger)]);
    expect(strange.code).toBe(1);
    expect(reason(strange.stderr)).toMatch(/error TLS_FAILED: .*--tls-cert/);
  });

  it("says to who speaks TLS to a plain port that it is plain", async () => {
    const { address } = await serve([]);
    const { code, stderr } = await run(`tls://${address}`, ["--tls-ca", ca]);
    expect(code).toBe(1);
    expect(reason(stderr)).toMatch(/error TLS_FAILED: .*without tls:\/\//);
    expect((await run(address)).code).toBe(0);
  });

  it("does not start with files that are of no use: exit 2, naming the flag and the file", async () => {
    const { code, stderr } = await aiw(["worker", "--port", "0", "--config", CONFIG, "--tls-cert", CONFIG]);
    expect(code).toBe(2);
    expect(stderr).toContain(`--tls-cert '${CONFIG}'`);
  });
});

describe("the token of a worker", () => {
  it("of a file: serves who knows it, refuses the others with a reason, and shows nowhere", async () => {
    const { worker, address } = await serve(["--token-file", file("token", `${TOKEN}\n`)]);
    const good = await run(address, [], { AIW_TOKEN: TOKEN });
    expect(good.code, good.stderr).toBe(0);
    const none = await run(address);
    const wrong = await run(address, [], { AIW_TOKEN: "an0ther-T0KEN" });
    expect([none.code, wrong.code]).toEqual([1, 1]);
    expect(reason(none.stderr)).toContain("TOKEN_MISSING");
    expect(reason(wrong.stderr)).toContain("TOKEN_WRONG");
    worker.child.kill("SIGTERM");
    const { stdout, stderr } = await worker.finished;
    const said = [good, none, wrong].map((done) => done.stdout + done.stderr).join("") + stdout + stderr;
    expect(said).toContain("TOKEN_WRONG");
    expect(said).not.toContain(TOKEN);
    expect(said).not.toContain("an0ther");
  });

  it.skipIf(process.platform !== "linux")(
    "of a worker that aiw starts itself is random: nobody else is served, and no process shows it (Linux)",
    async () => {
      const own = startAiw(["run", "--config", CONFIG, "--source", "synthetic:", "--debug"]);
      started.push(own);
      await own.sees(/\n/);
      const pid = workerOf(own.child.pid ?? 0) ?? 0;
      const stranger = await WorkerClient.connect({ host: "127.0.0.1", port: portOf(pid) });
      await expect(stranger.init({ modelPath: MODEL })).rejects.toMatchObject({
        code: "WORKER_REFUSED",
        workerName: "TOKEN_MISSING",
      });
      await stranger.shutdown();
      const token =
        /(?:^|\0)AIW_TOKEN=([^\0]*)/.exec(readFileSync(`/proc/${pid}/environ`, "utf8"))?.[1] ?? "";
      expect(token).toMatch(/^[\w-]{43}$/);
      for (const commandLine of commandLines()) expect(commandLine).not.toContain(token);
      // It goes on with who started it.
      const lines = own.stdout().split("\n").length;
      await own.sees(new RegExp(`^(?:.*\n){${lines + 2}}`));
      own.child.kill("SIGINT");
      const { code, stdout, stderr } = await own.finished;
      expect(code, stderr).toBe(130);
      expect(stderr).toContain("TOKEN_MISSING");
      expect(stdout + stderr).not.toContain(token);
    },
  );
});

/** The port that a process listens at: its socket's inode, looked up in proc(5)'s list. */
function portOf(pid: number): number {
  const open = new Set(fileLinks(pid));
  for (const line of readFileSync(`/proc/${pid}/net/tcp`, "latin1").split("\n")) {
    const [, local = "", , state, , , , , , inode] = line.trim().split(/\s+/);
    if (state === "0A" && open.has(`socket:[${inode}]`))
      return Number.parseInt(local.split(":")[1] ?? "", 16);
  }
  throw new Error(`process ${pid} listens nowhere`);
}

function fileLinks(pid: number): string[] {
  const folder = `/proc/${pid}/fd`;
  return readdirSync(folder).map((fd) => linkOf(`${folder}/${fd}`));
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    // Closed in the meantime.
    return "";
  }
}

/** What `ps` shows of every process. */
function commandLines(): string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, "utf8");
      } catch {
        // It has ended in the meantime.
        return "";
      }
    });
}

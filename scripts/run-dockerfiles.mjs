// Runs the steps of Dockerfile.worker and Dockerfile.agent themselves, without an engine, and then the two services
// with the values of docker-compose.yml: the worker passes its HEALTHCHECK, the agent talks to it, aiw bench reports.
//
//   node scripts/run-dockerfiles.mjs      (Debian or its like, as root, with iproute2; exit 77 where it can't be done)
//
// This machine's Node and Python (AIW_PYTHON, else python3) stand in for those of the base images.
//
// Each stage is an overlay over this machine's root in a mount namespace of its own, which ends with the script and
// leaves nothing behind: apt, npm and pip really install, and only there. The two services share a network namespace
// that has nothing but loopback. What an engine does and this can't: base images, layers, limits of memory, CPU and
// pids, capabilities, seccomp, restarts, networks between containers.
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync, chownSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parse } from "yaml";
import { Container } from "./dockerfile/container.mjs";
import { buildImage } from "./dockerfile/image.mjs";

const self = fileURLToPath(import.meta.url);
const root = dirname(dirname(self));
const [inside] = process.argv.slice(2);
/** Exit code of a machine that can't do it, as test runners of make have it. */
const CANNOT_RUN = 77;

if (inside === undefined) {
  const lacking = whatIsLacking();
  if (lacking !== undefined) {
    console.error(`not run: ${lacking}`);
    process.exit(CANNOT_RUN);
  }
  const folder = mkdtempSync(join(tmpdir(), "aiw-dockerfiles-"));
  try {
    // Nothing that was started in it outlives the process that the namespace began with.
    const namespaces = ["--mount", "--pid", "--fork", "--kill-child", "--mount-proc"];
    const { status } = spawnSync("unshare", [...namespaces, process.execPath, self, folder], {
      stdio: "inherit",
    });
    process.exitCode = status ?? 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
} else {
  try {
    await check(inside);
  } catch (error) {
    console.error(error);
    process.exitCode = 1;
  }
  // What a failure has left running ends with us.
  process.exit();
}

async function check(folder) {
  const read = (path) => readFileSync(join(root, path), "utf8");
  const { services } = parse(read("docker-compose.yml"), { merge: true });
  const standIns = programs();
  const build = (name) => {
    console.log(`\n== Dockerfile.${name}`);
    return buildImage({
      dockerfile: read(`Dockerfile.${name}`),
      ignore: read(".dockerignore"),
      context: root,
      folder: join(folder, name),
      standIns,
      hidden: [root, join(homedir(), ".cache", "aiw")],
      say: (text) => console.log(text.length > 110 ? `${text.slice(0, 109)}…` : text),
    });
  };
  const images = { worker: build("worker"), agent: build("agent") };
  console.log("\n== docker-compose.yml");
  const net = join(folder, "net");
  writeFileSync(net, "");
  execFileSync("unshare", [`--net=${net}`, "ip", "link", "set", "lo", "up"], { stdio: "inherit" });
  // The name of a service is a name in its network.
  writeFileSync(images.agent.at("/etc/hosts"), "127.0.0.1 localhost worker\n");
  const token = join(folder, "token");
  writeFileSync(token, "a token of this test\n");
  const sessions = join(folder, "sessions");
  mkdirSync(sessions);
  // A new volume has the owner of the image's folder.
  chownSync(sessions, ...images.agent.user.split(":").map(Number));
  const container = (name) =>
    new Container(images[name], services[name], {
      net,
      folder: join(folder, name),
      project: join(folder, "project"),
      secrets: { "aiw-token": token },
      volumes: { sessions },
    });
  // The compose file's own folder of configuration, and no models: those that are built in.
  mkdirSync(join(folder, "project", "deploy", "agent"), { recursive: true });
  writeFileSync(join(folder, "project", "deploy", "agent", "aiw.yaml"), read("deploy/agent/aiw.yaml"));
  await serve(container("worker"), container("agent"), sessions);
  console.log("\nall of it passed");
}

async function serve(worker, agent, sessions) {
  const early = await worker.health();
  expect("the HEALTHCHECK of a worker that is not there fails", early.code === 1, early);
  const serving = worker.start();
  await serving.sees(/listening on/);
  const health = await worker.health();
  expect("the worker passes its HEALTHCHECK", health.code === 0, health);
  expect("its root filesystem is read-only", (await worker.exec(["touch", "/opt/x"]).finished).code !== 0);
  const { stdout: id } = await worker.exec(["id", "-u"]).finished;
  expect("it is not root", id.trim() === worker.image.user.split(":")[0], id);

  const watching = agent.start();
  await watching.sees(/"event":"session\.open"/);
  const alive = await agent.health();
  expect("the agent opens a session, and passes its HEALTHCHECK", alive.code === 0, alive);

  const { AI_WORKER_PORT: port, AI_MODEL_NAME: model } = agent.env;
  const source = ["--source", "synthetic:", "--fps", "5", "--duration", "5s", "--warmup", "1s"];
  const bench = ["bench", "--worker", `127.0.0.1:${port}`, "--model", model, ...source, "--json", "-"];
  const report = await agent.exec([...agent.image.entrypoint, ...bench]).finished;
  expect("aiw bench --worker reports", report.code === 0, report);
  const { frames, latency_ms: latency } = JSON.parse(report.stdout);
  expect(
    `${frames.results} results of ${frames.offered} frames, p50 ${latency.total.p50} ms`,
    frames.results > 0,
  );

  const ended = await watching.stop();
  expect("the agent ends at SIGTERM", ended.code === 143, ended);
  const closed = readdirSync(sessions)
    .filter((name) => !name.startsWith("."))
    .map((name) => JSON.parse(readFileSync(join(sessions, name, "session.json"), "utf8")));
  expect("its sessions are closed", closed.length > 0 && closed.every(({ reason }) => reason), closed);
  expect("the worker ends at SIGTERM", (await serving.stop()).code === 0);
}

function expect(what, holds, seen) {
  if (!holds)
    throw new Error(`not so: ${what}${seen === undefined ? "" : `\n${JSON.stringify(seen, null, 2)}`}`);
  console.log(`- ${what}`);
}

/** Why this machine can't do it; undefined where it can. */
function whatIsLacking() {
  if (process.platform !== "linux" || process.getuid?.() !== 0)
    return "it needs Linux, and root to mount overlays";
  // Debian's, as the base images are.
  for (const program of ["apt-get", "chroot", "ip", "npm", "nsenter", "unshare"]) {
    if (spawnSync("which", [program]).status !== 0) return `there is no ${program}`;
  }
  // A container without the right to mount, most likely.
  const { status } = spawnSync("unshare", ["--mount", "--pid", "--fork", "--mount-proc", "true"]);
  return status === 0 ? undefined : "namespaces can't be made here";
}

/** What the base images bring, of this machine. */
function programs() {
  const python = process.env.AIW_PYTHON ?? "python3";
  const executable = execFileSync(python, ["-c", "import sys; print(sys.executable)"], {
    encoding: "utf8",
  }).trim();
  const npm = execFileSync("which", ["npm"], { encoding: "utf8" }).trim();
  return { python: executable, python3: executable, node: process.execPath, npm };
}

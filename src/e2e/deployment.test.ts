import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Ajv } from "ajv";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { parseConfigFile } from "../config/config-file.js";
import { resolveSettings } from "../config/settings.js";
import { parseEventTarget } from "../sinks/events/event-target.js";
import type { Json } from "./aiw.js";
import { scratchFolder } from "./scratch-folder.js";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const read = (path: string) => readFileSync(join(ROOT, path), "utf8");
const { file } = scratchFolder("deployment");

/** Whether a program of this machine, or of the environment that the check makes, can be run. */
const has = (program: string, ...args: string[]) => spawnSync(program, args).status === 0;
const TOOLS = process.env.AIW_TEST_PYTHON?.replace(/[^/]+$/, "") ?? "";
const HADOLINT = TOOLS !== "" && existsSync(`${TOOLS}hadolint`) ? `${TOOLS}hadolint` : "hadolint";
const DOCKERFILES = ["Dockerfile.worker", "Dockerfile.agent"];

describe("the Dockerfiles", () => {
  it.skipIf(!has(HADOLINT, "--version"))("have nothing that hadolint objects to", () => {
    const { status, stdout } = spawnSync(HADOLINT, DOCKERFILES, { cwd: ROOT, encoding: "utf8" });
    expect([status, stdout]).toEqual([0, ""]);
  });

  it("end as another user than root, in exec form, and with a health check", () => {
    for (const path of DOCKERFILES) {
      const [last = ""] = read(path)
        .split(/^FROM /m)
        .slice(-1);
      expect(last, path).toMatch(/^USER 10001:10001$/m);
      expect(last, path).toMatch(/^ENTRYPOINT \["/m);
      expect(last, path).toMatch(/^HEALTHCHECK [^]*?\bCMD \["/m);
    }
  });
});

describe("docker-compose.yml", () => {
  const compose = parse(read("docker-compose.yml"), { merge: true }) as Json;
  const { worker, agent } = compose.services;

  it("is what the Compose specification's schema describes", () => {
    const schema = JSON.parse(read("node_modules/dclint/schemas/compose.schema.json")) as {
      $schema?: string;
    };
    // Draft 7 by an address that Ajv does not know it by.
    delete schema.$schema;
    const validate = new Ajv({ strict: false, validateFormats: false }).compile(schema);
    expect(validate(compose), JSON.stringify(validate.errors)).toBe(true);
    expect(validate({ services: { worker: { ...worker, read_onyl: true } } })).toBe(false);
  });

  it("shuts both services in", () => {
    for (const service of [worker, agent]) {
      expect(service).toMatchObject({ read_only: true, cap_drop: ["ALL"], restart: "unless-stopped" });
      // Longer than the agent's end takes with a recorder at work.
      expect(service.stop_grace_period).toBe("10s");
      expect(service.security_opt).toEqual(["no-new-privileges:true"]);
      for (const limit of ["mem_limit", "cpus", "pids_limit"]) expect(service).toHaveProperty(limit);
      expect(service).not.toHaveProperty("ports");
      expect(service.secrets).toEqual(["aiw-token"]);
      expect(service.environment.AIW_TOKEN_FILE).toBe("/run/secrets/aiw-token");
    }
    expect(worker.networks.map((name: string) => compose.networks[name])).toEqual([{ internal: true }]);
    expect(worker.volumes).toEqual([expect.stringMatching(/:\/models:ro$/)]);
    expect(agent.depends_on.worker.condition).toBe("service_healthy");
  });

  it("has a default for each variable", () => {
    const variables = { ...worker.environment, ...agent.environment };
    for (const name of [
      ...["BIND_HOST", "BIND_PORT", "IDLE_TIMEOUT_SEC", "AI_WORKER_HOST", "AI_WORKER_PORT"],
      ...["AI_MODEL_NAME", "AI_UMBRAL", "AI_FPS_IDLE", "AI_FPS_ACTIVE"],
    ]) {
      expect(variables[name]).toMatch(new RegExp(`^\\$\\{${name}:-.+\\}$`));
    }
    expect(read("docker-compose.yml")).not.toMatch(/\$\{\w+\}/);
  });
});

/** What an older systemd leaves out with a warning. */
const SINCE_254 = /Unknown key (?:name )?'Restart(?:Steps|MaxDelaySec)'/;

describe("the agent's configuration", () => {
  it("has on stdout what a log is for, and not each frame", () => {
    const { events } = resolveSettings([parseConfigFile("/etc/aiw/aiw.yaml", read("deploy/agent/aiw.yaml"))]);
    expect(events?.map(parseEventTarget)).toMatchObject([
      {
        place: "-",
        events: new Set(["session.open", "session.close", "camera.state", "worker.state"]),
      },
    ]);
  });
});

describe("the systemd units", () => {
  const UNITS = ["aiw-worker", "aiw-agent"].map((name) => [name, read(`deploy/systemd/${name}.service`)]);

  it.each(UNITS)("%s is hardened, restarted, and given its token", (_, text = "") => {
    for (const line of [
      ...["DynamicUser=yes", "ProtectSystem=strict", "ProtectHome=yes", "NoNewPrivileges=yes", "UMask=0077"],
      ...["CapabilityBoundingSet=", "RestrictNamespaces=yes", "SystemCallFilter=@system-service"],
      ...["LoadCredential=token:/etc/aiw/token", "Environment=AIW_TOKEN_FILE=%d/token"],
      ...["Restart=on-failure", "RestartPreventExitStatus=2", "TimeoutStopSec=10"],
      // However long what it needs is away.
      ...["StartLimitIntervalSec=0", "RestartSec=5", "RestartSteps=10", "RestartMaxDelaySec=60"],
    ]) {
      expect(text.split("\n")).toContain(line);
    }
  });

  it("reload and keep the state of the agent", () => {
    const text = read("deploy/systemd/aiw-agent.service");
    expect(text).toMatch(/^ExecReload=\/bin\/kill -HUP \$MAINPID$/m);
    expect(text).toMatch(/^StateDirectory=aiw$/m);
  });

  it.skipIf(!has("systemd-analyze", "--version"))("are nothing that systemd objects to", () => {
    const copies = UNITS.map(([name, text = ""]) =>
      // What they start is not installed here.
      file(`${name}.service`, text.replace(/^ExecStart=\S+/m, "ExecStart=/bin/true")),
    );
    const { status, stderr } = spawnSync("systemd-analyze", ["verify", ...copies], { encoding: "utf8" });
    const objections = stderr.split("\n").filter((line) => line !== "" && !SINCE_254.test(line));
    expect([status, objections]).toEqual([0, []]);
    writeFileSync(copies[0]!, "[Service]\nExecStart=/bin/true\nProtectSytem=strict\n");
    expect(spawnSync("systemd-analyze", ["verify", copies[0]!], { encoding: "utf8" }).stderr).toMatch(
      /Unknown key .*'ProtectSytem'/,
    );
  });
});

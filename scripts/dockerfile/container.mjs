// A service of docker-compose.yml, run from an image of image.mjs with the values that the file gives it.
import { once } from "node:events";
import { chownSync, chmodSync, copyFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { defaulted } from "./parse.mjs";

export class Container {
  /**
   * @param service of the compose file, parsed
   * @param options.secrets files of this machine by their names in the compose file
   * @param options.volumes folders of this machine by the names of volumes
   * @param options.project the compose file's folder
   */
  constructor(image, service, { net, secrets, volumes, project, folder }) {
    this.image = image;
    this.net = net;
    this.env = Object.fromEntries(
      Object.entries(service.environment).map(([name, value]) => [name, defaulted(value)]),
    );
    this.command = [...image.entrypoint, ...(service.command ?? image.cmd).map(defaulted)];
    for (const volume of service.volumes.map(defaulted)) {
      const [from, to] = volume.split(":");
      const source = from.startsWith(".") ? join(project, from) : volumes[from];
      mkdirSync(source, { recursive: true });
      mkdirSync(image.at(to), { recursive: true });
      image.bind(source, to);
    }
    for (const path of service.tmpfs) image.tmpfs(path.split(":")[0]);
    for (const name of service.secrets) this.giveSecret(name, secrets[name], folder);
    if (service.read_only) image.readOnly();
  }

  /** Belongs to the container's user, and only that one reads it: as docs/deployment.md says. */
  giveSecret(name, file, folder) {
    const secrets = join(folder, "secrets");
    mkdirSync(secrets, { recursive: true });
    const copy = join(secrets, name);
    copyFileSync(file, copy);
    chmodSync(copy, 0o400);
    chownSync(copy, ...this.image.user.split(":").map(Number));
    mkdirSync(this.image.at("/run/secrets"), { recursive: true });
    this.image.bind(secrets, "/run/secrets");
  }

  /** Starts what the container is for. */
  start() {
    return new Program(this.image.start(this.command, this.env, this.net));
  }

  /** Another program in it. */
  exec(command) {
    return new Program(this.image.start(command, this.env, this.net));
  }

  /** What its HEALTHCHECK says now. */
  health() {
    return this.exec(this.image.healthcheck).finished;
  }
}

/** A process and what it writes. */
class Program {
  texts = { stdout: "", stderr: "" };
  waiting = new Set();

  constructor(child) {
    this.child = child;
    for (const name of ["stdout", "stderr"]) {
      child[name].setEncoding("utf8").on("data", (text) => {
        this.texts[name] += text;
        for (const check of this.waiting) check();
      });
    }
    this.finished = once(child, "close").then(([code]) => ({ code, ...this.texts }));
  }

  /** Resolves when stdout has matched. @throws Error where the process ends before */
  sees(pattern) {
    return new Promise((found, failed) => {
      const check = () => {
        const match = pattern.exec(this.texts.stdout);
        if (match === null) return;
        this.waiting.delete(check);
        found(match);
      };
      this.waiting.add(check);
      check();
      void this.finished.then(({ code, stderr }) =>
        failed(new Error(`ended with ${code}, without ${pattern}: ${stderr}`)),
      );
    });
  }

  /** As docker stop does. */
  stop() {
    this.child.kill("SIGTERM");
    return this.finished;
  }
}

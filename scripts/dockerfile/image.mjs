// An image without an engine: an overlay over this machine's own root, which stands in for the base image, with the
// steps of a Dockerfile run in it by chroot. For a mount namespace of its own, where nobody else sees any of it.
import { execFileSync, spawn } from "node:child_process";
import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, relative } from "node:path";
import { contextFilter, execForm, pairs, parseDockerfile } from "./parse.mjs";

/** What a base image has set. */
const BASE_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const CHROOT = execFileSync("which", ["chroot"], { encoding: "utf8" }).trim();
/** Of what this machine has in its environment, builds see what package managers are configured by. */
const INHERITED = /^(pip_|npm_config_|https?_proxy$|no_proxy$|ssl_cert_|node_extra_ca_certs$)/i;

/**
 * Runs the steps of a Dockerfile.
 * @param options.folder an empty folder, for all that comes to be
 * @param options.standIns programs by the name that the base images have them by: { python: "/path" }
 * @param options.hidden folders of this machine that no image has: this checkout
 * @returns the image of its last stage
 */
export function buildImage({ dockerfile, ignore, context, folder, standIns, hidden, say }) {
  const stages = new Map();
  let last;
  for (const { base, name, steps } of parseDockerfile(dockerfile)) {
    say(`FROM ${base}, for which this machine stands in`);
    last = new Stage(join(folder, name), standIns, hidden);
    stages.set(name, last);
    for (const step of steps) {
      say(`${step.instruction} ${step.text}`);
      last.take(step, { context, isSent: contextFilter(ignore), stages });
    }
  }
  return last;
}

class Stage {
  env = { PATH: BASE_PATH };
  workdir = "/";
  user = "0:0";
  entrypoint = [];
  cmd = [];
  healthcheck = undefined;

  constructor(folder, standIns, hidden) {
    this.root = join(folder, "root");
    for (const name of ["upper", "work", "root"]) mkdirSync(join(folder, name), { recursive: true });
    const layers = `lowerdir=/,upperdir=${join(folder, "upper")},workdir=${join(folder, "work")}`;
    mount("-t", "overlay", "overlay", "-o", layers, this.root);
    for (const name of ["proc", "dev"]) mount("--rbind", `/${name}`, this.at(name));
    this.tmpfs("/tmp");
    for (const path of hidden) if (existsSync(this.at(path))) this.tmpfs(path);
    for (const [name, program] of Object.entries(standIns)) this.standIn(name, program);
  }

  /** Where a path of the image is on this machine. */
  at(path) {
    return join(this.root, path);
  }

  tmpfs(path) {
    mkdirSync(this.at(path), { recursive: true });
    mount("-t", "tmpfs", "-o", "mode=1777", "tmpfs", this.at(path));
  }

  /** @param from on this machine */
  bind(from, path) {
    mount("--bind", from, this.at(path));
  }

  /** As `read_only: true`; what was mounted into it before stays as it is. */
  readOnly() {
    mount("-o", "remount,bind,ro", this.root);
  }

  take({ instruction, flags, text }, build) {
    switch (instruction) {
      case "ENV":
        Object.assign(this.env, pairs(text));
        return;
      case "WORKDIR":
        this.workdir = text;
        mkdirSync(this.at(text), { recursive: true });
        return;
      case "USER":
        this.user = text;
        return;
      case "COPY":
        this.copy(text.split(/\s+/), flags.from, build);
        return;
      case "RUN":
        this.run(["/bin/sh", "-c", text]);
        return;
      case "ENTRYPOINT":
        this.entrypoint = execForm(text);
        return;
      case "CMD":
        this.cmd = execForm(text);
        return;
      case "HEALTHCHECK":
        this.healthcheck = execForm(text.replace(/^(--\S+\s+)*CMD\s+/, ""));
        return;
      case "EXPOSE":
      case "STOPSIGNAL":
        return;
      default:
        throw new Error(`${instruction} is not known here: ${text}`);
    }
  }

  /** Runs a program to its end. @throws Error where that fails */
  run(command) {
    execFileSync(...this.chrooted(command), { stdio: ["ignore", "ignore", "inherit"], env: this.buildEnv() });
  }

  /**
   * Starts a program as the image's user, with nothing of this machine's environment.
   * @param net file of the network namespace that it is in
   */
  start(command, env, net) {
    const [chroot, args] = this.chrooted(command);
    const options = { stdio: ["ignore", "pipe", "pipe"], env: { ...this.env, ...env } };
    return spawn("nsenter", [`--net=${net}`, chroot, ...args], options);
  }

  chrooted(command) {
    const enter = ["/bin/sh", "-c", 'cd "$0" && exec "$@"', this.workdir];
    // By its path: the image's PATH is the one that is searched.
    return [CHROOT, [`--userspec=${this.user}`, "--groups=", this.root, ...enter, ...command]];
  }

  buildEnv() {
    const inherited = Object.entries(process.env).filter(([name]) => INHERITED.test(name));
    return {
      HOME: "/root",
      DEBIAN_FRONTEND: "noninteractive",
      ...Object.fromEntries(inherited),
      ...this.env,
    };
  }

  copy(paths, from, { context, isSent, stages }) {
    const to = paths.pop();
    const target = to.startsWith("/") ? this.at(to) : this.at(join(this.workdir, to));
    const base = from === undefined ? context : stages.get(from).root;
    for (const path of paths) {
      const source = join(base, path);
      const filter =
        from === undefined ? (file) => isNeeded(relative(context, file), file, isSent) : () => true;
      const isFolder = lstatSync(source).isDirectory();
      if (!filter(source)) throw new Error(`COPY ${path}: .dockerignore leaves it out`);
      const place = !isFolder && /(^\.|\/)$/.test(to) ? join(target, path.split("/").at(-1)) : target;
      mkdirSync(dirname(place), { recursive: true });
      cpSync(source, place, { recursive: true, filter, verbatimSymlinks: true, mode: 0 });
    }
  }

  /**
   * A program of this machine under the name that the base image has it by, for every user. A link would not do:
   * Python looks for its library where the link is when it makes a virtual environment.
   */
  standIn(name, program) {
    const path = this.at(`/usr/local/bin/${name}`);
    if (program === `/usr/local/bin/${name}`) return;
    rmSync(path, { force: true });
    writeFileSync(path, `#!/bin/sh\nexec "${program}" "$@"\n`, { mode: 0o755 });
    for (let folder = dirname(program); folder !== "/"; folder = dirname(folder)) {
      const { mode } = statSync(this.at(folder));
      if ((mode & 0o055) !== 0o055) chmodSync(this.at(folder), mode | 0o055);
    }
  }
}

/** Folders are entered for what is in them, even where they are left out themselves. */
function isNeeded(path, file, isSent) {
  if (isSent(path)) return true;
  return statSync(file).isDirectory() && readdirSync(file).some((name) => isSent(`${path}/${name}`));
}

function mount(...args) {
  execFileSync("mount", args, { stdio: ["ignore", "inherit", "inherit"] });
}

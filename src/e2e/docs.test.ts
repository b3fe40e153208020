import { spawnSync } from "node:child_process";
import { globSync } from "tinyglobby";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { AGENT_EVENT_NAMES } from "../results/agent-event.js";
import { anchorsOf, brokenLinks, codeBlocks, page, pages, ROOT } from "./pages.js";

/** A page whose text is made up: only its path has to be one that could be there. */
const madeUp = (text: string) => ({ path: "docs/made-up.md", text });
const source = (path: string) => readFileSync(join(ROOT, path), "utf8");

describe("links of the docs", () => {
  it.each(pages().map((one) => [one.path, one] as const))("of %s lead somewhere", (_, one) => {
    // Written beside the other pages; once it is here its links are looked at as all others are.
    const coming = existsSync(join(ROOT, "docs/deployment.md"))
      ? []
      : ["docs/deployment.md", "deployment.md"];
    expect(brokenLinks(one).filter((target) => !coming.includes(target))).toEqual([]);
  });

  it("are looked at: files, headings, and those of other pages", () => {
    const text =
      "# A `b`: c\n[1](../README.md) [2](gone.md) [3](#a-b-c) [4](#gone) [5](../README.md#gone) [6](https://x.y/z)\n" +
      "`[7](code.md)` [8](../../outside.md)\n```\n[9](code.md)\n```\n";
    expect(brokenLinks(madeUp(text)).sort()).toEqual([
      "#gone",
      "../../outside.md",
      "../README.md#gone",
      "gone.md",
    ]);
  });

  it("know a heading that is there twice", () => {
    expect([...anchorsOf(madeUp("# A\n## A\n```\n# not one\n```\n"))]).toEqual(["a", "a-1"]);
  });

  it("reach every page from the README", () => {
    const reached = new Set(["README.md"]);
    for (const from of reached) {
      for (const [, target = ""] of page(from).text.matchAll(/\]\(([\w./-]+\.md)(?:#[^)]*)?\)/g)) {
        const path = join(from, "..", target);
        if (existsSync(join(ROOT, path))) reached.add(path);
      }
    }
    expect(
      pages()
        .map(({ path }) => path)
        .filter((path) => !reached.has(path)),
    ).toEqual([]);
  });
});

describe("the docs", () => {
  it("say of messages, errors, metrics, settings and events what the code says", () => {
    const { status, stderr } = spawnSync(process.execPath, [join(ROOT, "scripts/docs.mjs"), "--check"], {
      encoding: "utf8",
    });
    expect(stderr).toBe("");
    expect(status).toBe(0);
  });

  it("name every variable of the environment that is read, and no other", () => {
    const files = globSync(["src/**/*.ts", "worker/aiw_worker/**/*.py", "bench/ci/*.sh"], { cwd: ROOT });
    const code = files.filter((path) => !/\.test\.ts$|\/(testing|e2e)\/|testing\.ts$/.test(path)).map(source);
    const names = (text: string) =>
      new Set(
        text.match(
          /\b(?:AIW?_(?!ACCESS_KEY|PASSIVE)[A-Z][A-Z_]*[A-Z]|BIND_HOST|BIND_PORT|IDLE_TIMEOUT_SEC)\b/g,
        ),
      );
    // A secret may be in the file that NAME_FILE names.
    const read = names(`${code.join("\n")} AIW_MQTT_PASSWORD_FILE AIW_WEBHOOK_SECRET_FILE`);
    const told = names(page("docs/operations.md").text);
    expect([...told].sort()).toEqual([...read].sort());
  });

  it("name every event, every topic and every header of a webhook", () => {
    const { text } = page("docs/operations.md");
    for (const name of AGENT_EVENT_NAMES) expect(text).toContain(`| \`${name}\` |`);
    const levels = [...source("src/sinks/events/mqtt.ts").matchAll(/level: "(\w+)"/g)].map(
      ([, level]) => level,
    );
    expect(levels.length).toBeGreaterThan(3);
    for (const level of ["state", ...levels]) expect(text).toContain(`CAMERA/${level}\``);
    const headers = source("src/sinks/events/webhook.ts").match(/(?<=")x-aiw-\w+(?=")/g);
    expect(headers?.length).toBeGreaterThan(3);
    for (const header of headers ?? []) expect(text).toContain(`| \`${header}\` |`);
  });

  it("say of every alert what to do, and of no other", () => {
    const alerts = source("deploy/prometheus/alerts.yml").match(/(?<=- alert: )\w+/g) ?? [];
    const told = page("docs/operations.md").text.match(/(?<=^\| `)Aiw\w+(?=` \|)/gm) ?? [];
    expect(alerts.length).toBeGreaterThan(5);
    expect([...told].sort()).toEqual([...alerts].sort());
  });

  it("have a block on every page for users that is run", () => {
    const REFERENCES = ["docs/architecture.md", "docs/protocol.md", "docs/deployment.md"];
    const without = pages().filter((one) => !codeBlocks(one).some(({ words }) => words.includes("runnable")));
    expect(without.map(({ path }) => path).filter((path) => !REFERENCES.includes(path))).toEqual([]);
  });
});

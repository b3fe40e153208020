import { describe, expect, it } from "vitest";
import { aiw } from "./aiw.js";

const dataUrl = (code: string) => `data:text/javascript,${encodeURIComponent(code)}`;
/** Has each module that is loaded named on stderr. */
const LOADS = dataUrl(
  `export const load = (url, context, next) => (process._rawDebug("load " + url), next(url, context));`,
);
const TELL = dataUrl(`import { register } from "node:module"; register(${JSON.stringify(LOADS)});`);

describe("aiw --help", () => {
  it("loads the command line's parser and no other package, so that it is there at once", async () => {
    const { code, stderr } = await aiw(["--help"], { NODE_OPTIONS: `--import=${TELL}` });
    expect(code).toBe(0);
    const packages = [...stderr.matchAll(/^load .*\/node_modules\/((?:@[^/]+\/)?[^/]+)/gm)].map(
      ([, name]) => name,
    );
    expect(new Set(packages)).toEqual(new Set(["commander"]));
  });
});

import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { environmentLayer } from "./environment.js";
import { type Layer, resolveSettings, type Settings } from "./settings.js";
import { readWorkerAccess } from "./worker-access.js";

const folder = mkdtempSync(join(tmpdir(), "aiw-access-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function file(name: string, text: string): string {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
}

const tls = { host: "box", port: 7001, tls: true };
const plain = { ...tls, tls: false };

/** Settings as flags and an environment give them. */
function settings(env: NodeJS.ProcessEnv, flags: Layer["values"] = {}): Settings {
  const flagLayer: Layer = { values: flags, errorCode: "USAGE", describe: (name) => name };
  const fileLayer: Layer = { ...flagLayer, values: { token_file: file("yaml", "from the file\n") } };
  return resolveSettings([flagLayer, environmentLayer(env), fileLayer]);
}

describe("readWorkerAccess", () => {
  it("takes the token from the flag, then the environment, then the file, whitespace off", async () => {
    const flag = { token_file: file("flag", "  of the flag\r\n") };
    const named = { AIW_TOKEN_FILE: file("named", "of the environment's file\n") };
    const both = { ...named, AIW_TOKEN: "of the environment" };
    const tokenOf = async (env: NodeJS.ProcessEnv, flags: Layer["values"] = {}) =>
      (await readWorkerAccess(settings(env, flags), env)).token;
    expect(await tokenOf(both, flag)).toBe("of the flag");
    expect(await tokenOf(both)).toBe("of the environment");
    expect(await tokenOf(named)).toBe("of the environment's file");
    expect(await tokenOf({})).toBe("from the file");
    expect((await readWorkerAccess({}, {})).token).toBeUndefined();
  });

  it.runIf(process.platform !== "win32")("warns of a token file that others may use", async () => {
    for (const [mode, warns] of [
      [0o600, false],
      [0o400, false],
      [0o640, true],
      [0o604, true],
      [0o620, true],
    ] as const) {
      const path = file(`mode-${mode}`, "the secret");
      chmodSync(path, mode);
      const { warnings, token } = await readWorkerAccess({ token_file: path }, {});
      expect(token).toBe("the secret");
      expect(warnings).toHaveLength(warns ? 1 : 0);
      if (warns) expect(warnings[0]).toMatch(/mode-\d+; say: chmod 600 .*mode-/);
      expect(warnings.join()).not.toContain("secret");
    }
    const env = { AIW_TOKEN: "of the environment" };
    expect((await readWorkerAccess(settings(env), env)).warnings).toEqual([]);
    // As systemd gives its credentials to a service: an access list shows as bits of the group.
    const credential = file("credential", "the secret");
    chmodSync(credential, 0o440);
    const read = (folder: string) =>
      readWorkerAccess({ token_file: credential }, { CREDENTIALS_DIRECTORY: folder });
    expect((await read(folder)).warnings).toEqual([]);
    expect((await read(join(folder, "of-another"))).warnings).toHaveLength(1);
  });

  it("reads what TLS is spoken with", async () => {
    const paths = { tls_ca: file("ca", "CA"), tls_cert: file("cert", "CERT"), tls_key: file("key", "KEY") };
    const env = { AIW_TLS_CA: paths.tls_ca, AIW_TLS_CERT: paths.tls_cert, AIW_TLS_KEY: paths.tls_key };
    const expected = { ca: "CA", cert: "CERT", key: "KEY" };
    expect((await readWorkerAccess({ ...paths, worker: tls }, {})).tls).toEqual(expected);
    expect((await readWorkerAccess({ ...settings(env), worker: tls }, env)).tls).toEqual(expected);
    expect((await readWorkerAccess({ worker: tls }, {})).tls).toEqual({});
    expect((await readWorkerAccess({ worker: plain }, {})).tls).toBeUndefined();
    // A worker of our own is plain, on loopback.
    expect((await readWorkerAccess(paths, {})).tls).toBeUndefined();
  });

  it.each<[string, Settings, string]>([
    [
      "a file that is not there",
      { token_file: "/nowhere/token" },
      "token_file /nowhere/token can't be read (ENOENT)",
    ],
    ["an empty token", { token_file: file("empty", " \n") }, "is empty"],
    ["a certificate without its key", { worker: tls, tls_cert: "x" }, "tls_cert is given without tls_key"],
    ["a key without its certificate", { worker: tls, tls_key: "x" }, "tls_key is given without tls_cert"],
    [
      "what would go over a plain connection",
      { worker: plain, tls_ca: "x" },
      "tls_ca is given, but --worker box:7001 is plain: name it tls://box:7001",
    ],
  ])("refuses %s", async (_, given, message) => {
    await expect(readWorkerAccess(given, {})).rejects.toMatchObject({
      code: "USAGE",
      message: expect.stringContaining(message),
    });
  });
});

import { expect, test } from "vitest";
import { installFailure } from "./install-failure.js";

const failure = (...lines: string[]) => installFailure("installing", { code: 1, stdout: "", lines });

test.each([
  [
    "no network",
    [
      "WARNING: Retrying (Retry(total=0)) after connection broken by 'NewConnectionError(\"<pip._vendor.HTTPConnection object at 0x7f34>: Failed to establish a new connection: [Errno -3] Temporary failure in name resolution\")': /simple/numpy/",
      "ERROR: Could not find a version that satisfies the requirement numpy==2.4.6 (from versions: none)",
      "ERROR: No matching distribution found for numpy==2.4.6",
    ],
    /cannot be reached \(no network\?\): Failed to establish a new connection: \[Errno -3\] Temporary failure in name resolution \(\/simple\/numpy\/\)$/,
  ],
  [
    "no network, uv",
    [
      "error: Failed to fetch: `https://index.example/simple/numpy/`",
      "  Caused by: dns error: failed to lookup address information",
    ],
    /cannot be reached.*dns error/,
  ],
  [
    "hash mismatch, pip",
    [
      "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE. If you have updated",
      "    numpy==2.4.6 from https://index.example/numpy.whl (from -r requirements.lock (line 3)):",
      "        Expected sha256 00",
      "             Got        11",
    ],
    /does not have the locked hash: numpy==2.4.6 from/,
  ],
  [
    "hash mismatch, uv",
    [
      "  × Failed to download `numpy==2.4.6`",
      "  ╰─▶ Hash mismatch for `numpy==2.4.6`",
      "",
      "      Expected:",
    ],
    /locked hash: .*Hash mismatch for `numpy==2.4.6`/,
  ],
  [
    "disk full",
    ["ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device"],
    /the disk is full: Could not install/,
  ],
  [
    "no wheel",
    ["ERROR: No matching distribution found for onnxruntime==1.32.0"],
    /no wheel for this Python and platform/,
  ],
  ["certificate", ["  Caused by: invalid peer certificate: UnknownIssuer"], /certificate is not trusted/],
  [
    "anything else",
    ["doing", "ERROR: the moon is wrong", "[notice] A new release"],
    /failed: the moon is wrong \(exit code 1\)/,
  ],
  ["silence", [], /failed: exit code 1/],
])("%s", (name, lines, expected) => {
  const error = failure(...lines);
  expect(error.code).toBe(name.startsWith("no network") ? "ENV_OFFLINE" : "ENV_FAILED");
  expect(error.message).toMatch(expected);
});

test("credentials of an index are shown nowhere", () => {
  const error = failure("error: Failed to fetch: `https://me:secret@index.example/simple/`");
  expect(`${error.message}${error.detail}`).not.toContain("secret");
});

import { AiwError } from "../core/errors.js";
import { maskCredentials } from "../core/mask.js";
import type { CommandResult } from "./run-command.js";

const NO_NETWORK = "the package index cannot be reached (no network?)";

/** What an installer's line tells, the most telling first: the last lines often name a mere consequence. */
const CAUSES: readonly (readonly [cause: string, pattern: RegExp])[] = [
  [
    "the disk is full",
    /no space left|ENOSPC|disk quota exceeded|os error 28\b|os error 122\b|not enough space/i,
  ],
  [
    "a package does not have the locked hash",
    /do not match the hashes|hash mismatch|hashes? (?:are|is) required/i,
  ],
  [
    "the index's certificate is not trusted",
    /CERTIFICATE_VERIFY_FAILED|invalid peer certificate|certificate verify failed|UnknownIssuer|SSLCertVerificationError/i,
  ],
  [
    NO_NETWORK,
    /name resolution|name or service not known|nodename nor servname|getaddrinfo|dns error|failed to lookup address|connection (?:refused|reset|timed out)|NewConnectionError|ConnectTimeoutError|ReadTimeout|read timed out|network is unreachable|no route to host|ProxyError|error sending request|failed to fetch|could not connect|operation timed out/i,
  ],
  [
    "no wheel for this Python and platform, or the package index was not reached",
    /no matching distribution|has no wheels|no usable wheels|could not find a version|not a supported wheel|no solution found/i,
  ],
  ["permission denied", /permission denied|EACCES|read-only file system|os error 13\b|os error 30\b/i],
];

const NOISE = /^\s*(?:$|\[notice\]|hint:|note:|WARNING: You are using pip|See above for)/i;

/**
 * The error for an installer that failed, with its most telling line; all that it printed last is in
 * `detail`.
 * @param doing what was being done ("installing the worker's packages with pip")
 */
export function installFailure(doing: string, result: CommandResult): AiwError {
  const lines = result.lines.map(maskCredentials).filter((line) => !NOISE.test(line));
  const detail = lines.join("\n");
  for (const [cause, pattern] of CAUSES) {
    // The last of them: pip repeats its warnings, and its error stands at the end.
    const index = lines.findLastIndex((each) => pattern.test(each));
    if (index === -1) continue;
    const line = tellingLine(lines, index);
    const code = cause === NO_NETWORK ? "ENV_OFFLINE" : "ENV_FAILED";
    return new AiwError(code, `${doing} failed: ${cause}: ${line}`, { detail });
  }
  const errorLine = lines.findLast((line) => /^\s*(?:ERROR|error|×|cause)\b/i.test(line)) ?? lines.at(-1);
  const how = result.failure ?? (result.code === null ? "it was killed" : `exit code ${result.code}`);
  const message = errorLine === undefined ? how : `${trim(errorLine)} (${how})`;
  return new AiwError("ENV_FAILED", `${doing} failed: ${message}`, { detail });
}

/** pip names the packages whose hashes differ on the lines after its sentence about it. */
function tellingLine(lines: readonly string[], index: number): string {
  const isSentence = /THESE PACKAGES DO NOT MATCH/.test(lines[index] ?? "");
  return trim((isSentence ? lines[index + 1] : lines[index]) ?? "");
}

function trim(line: string): string {
  // pip wraps the reason of a lost connection in its bookkeeping and the address of an object.
  const [, wrapped, path] = /after connection broken by '\w+\((.*)\)': (\S+)/.exec(line) ?? [];
  const text =
    wrapped === undefined
      ? line.trim().replace(/^(?:ERROR|error|WARNING|cause):\s*/i, "")
      : `${wrapped.replace(/^["']?(?:<.*?>:\s*)?/, "").replace(/["']$/, "")} (${path})`;
  return text.length > 300 ? `${text.slice(0, 299)}…` : text;
}

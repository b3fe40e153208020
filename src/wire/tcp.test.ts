import { describe, expect, it } from "vitest";
import { staysHere } from "./tcp.js";

describe("staysHere", () => {
  it.each([
    ["127.0.0.1", "127.0.0.1", true],
    ["127.0.0.1", "127.0.0.53", true],
    ["::1", "::1", true],
    ["::ffff:127.0.0.1", "::ffff:127.0.0.2", true],
    // By this machine's own address on its network.
    ["192.168.1.20", "192.168.1.20", true],
    ["192.168.1.20", "192.168.1.21", false],
    ["10.127.0.1", "10.127.0.2", false],
    ["fe80::1", "fe80::2", false],
    // Closed already.
    ["127.0.0.1", undefined, false],
  ])("from %s to %s: %s", (localAddress, remoteAddress, expected) => {
    expect(staysHere({ localAddress, remoteAddress })).toBe(expected);
  });
});

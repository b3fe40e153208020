import { expect, test } from "vitest";
import { looksLikeTls } from "./tls-trouble.js";

test("TLS is told by its first record, which a message's length is not taken for", () => {
  // A handshake of TLS 1.0 to 1.3, and an alert.
  for (const start of [
    [0x16, 3, 1, 2, 0],
    [0x16, 3, 3, 0, 90],
    [0x15, 3, 3, 0, 2],
  ]) {
    expect(looksLikeTls(Uint8Array.from(start))).toBe(true);
  }
  // An InitOk of 789 and one of 790 bytes; too little to tell.
  for (const start of [[0x15, 3, 0, 0, 18], [0x16, 3, 0, 0, 18], [0x16, 3], []]) {
    expect(looksLikeTls(Uint8Array.from(start))).toBe(false);
  }
});

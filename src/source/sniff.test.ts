import { describe, expect, it } from "vitest";
import { sniff } from "./sniff.js";

describe("sniff", () => {
  it.each([
    ["picture", "\xff\xd8\xff\xe0\0\x10JFIF"],
    ["picture", "\x89PNG\r\n\x1a\n\0\0"],
    ["picture", "RIFF\x01\n\x03\x04WEBPVP8 "],
    ["picture", "II*\0\x08\0"],
    ["picture", "GIF89a"],
    ["picture", "\0\0\0\x1cftypavif"],
    ["bmp", "BM\x36\x10\0\0\0\0\0\0"],
    ["other", "\0\0\0\x18ftypisom"],
    ["other", "RIFF\x01\x02\x03\x04AVI LIST"],
    ["other", "#EXTM3U\n#EXT-X-VERSION:3\n"],
    ["text", "hello, this is text\n"],
    ["text", "BMW is a car maker\n"],
    ["text", "caf\xc3\xa9"],
    ["empty", ""],
  ])("%s: %j", (kind, head) => {
    expect(sniff(Buffer.from(head, "latin1"))).toBe(kind);
  });
});

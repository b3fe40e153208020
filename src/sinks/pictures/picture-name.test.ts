import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { pictureName } from "./picture-name.js";

describe("pictureName", () => {
  it.each([
    ["bus.jpg", "bus-000001.jpg"],
    ["street/cam 1/bus.jpeg", "street-cam-1-bus-000001.jpg"],
    ["C:\\photos\\bus.png", "C-photos-bus-000001.jpg"],
    ["../../etc/passwd", "etc-passwd-000001.jpg"],
    [".hidden.png", "hidden-000001.jpg"],
    ["-", "frame-000001.jpg"],
    ["", "frame-000001.jpg"],
    ["...", "frame-000001.jpg"],
    ["synthetic:?seed=7&objects=6", "synthetic-seed-7-objects-6-000001.jpg"],
    ["rtsp://***@10.0.0.5:554/live.sdp", "rtsp-10.0.0.5-554-live.sdp-000001.jpg"],
    ["rtsp://admin:secret@cam/live", "rtsp-cam-live-000001.jpg"],
    ["/dev/video0", "dev-video0-000001.jpg"],
    ["calle/niño.jpg", "calle-niño-000001.jpg"],
    ["犬.png", "犬-000001.jpg"],
    ['a"b<c>|d*?\0\n.jpg', "a-b-c-d-000001.jpg"],
  ])("%j becomes %s", (source, name) => {
    expect(pictureName(source, 1)).toBe(name);
  });

  it("is one name in one folder, short enough for any file system, whatever the source is called", () => {
    const anything = fc.string({ unit: "binary", maxLength: 400 });
    fc.assert(
      fc.property(anything, fc.nat(9_999_999), (source, seq) => {
        const name = pictureName(source, seq);
        expect(name).toMatch(/^[\p{L}\p{N}_][\p{L}\p{N}._-]*-\d{6,}\.jpg$/u);
        // Room for what an unfinished file is called.
        expect(Buffer.byteLength(`${name}.4194304.part`)).toBeLessThanOrEqual(255);
      }),
    );
  });

  it("never gives two frames of a run one name, and sorts those of a source as they came", () => {
    const sources = fc.constantFrom("a.jpg", "a.png", "A.jpg", "a", "a-000001", "b/a.jpg", "b-a.jpg");
    fc.assert(
      fc.property(fc.array(sources, { maxLength: 50 }), (list) => {
        const names = list.map((source, i) => pictureName(source, 999_950 + i));
        expect(new Set(names.map((name) => name.toLowerCase())).size).toBe(names.length);
        const ofA = names.filter((_, i) => list[i] === "a.jpg");
        expect(ofA.toSorted()).toEqual(ofA);
      }),
    );
  });
});

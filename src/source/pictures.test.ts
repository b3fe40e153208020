import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { isFailure, type SourceItem } from "../frame/frame.js";
import type { PictureFile } from "./picture-list.js";
import { openPictures } from "./pictures.js";
import { collect, sourceOptions, temporaryFolder } from "./testing.js";

const look = (item: SourceItem) =>
  isFailure(item) ? [item.origin.source, item.failure.code] : [item.origin.source, item.data[0]];

/** Pictures of one grey each; null makes a file that is none. */
async function files(...values: (number | null)[]): Promise<PictureFile[]> {
  const folder = temporaryFolder();
  return Promise.all(
    values.map(async (value, i) => {
      const path = join(folder, `${i}.png`);
      const background = { r: value ?? 0, g: value ?? 0, b: value ?? 0 };
      const create = { width: 3, height: 2, channels: 3 as const, background };
      writeFileSync(path, value === null ? "no picture" : await sharp({ create }).png().toBuffer());
      return { path, name: `${i}.png` };
    }),
  );
}

const several = { name: "folder", onUndecodable: "yield" } as const;

describe("openPictures", () => {
  it("gives the pictures in order and goes on past one that cannot be decoded", async () => {
    const source = openPictures(await files(10, null, 30, 40, 50), several, sourceOptions());
    expect(await collect(source, look)).toEqual({
      seen: [
        ["0.png", 10],
        ["1.png", "SOURCE_UNDECODABLE"],
        ["2.png", 30],
        ["3.png", 40],
        ["4.png", 50],
      ],
      error: undefined,
    });
  });

  it("throws for a single picture", async () => {
    const source = openPictures(
      await files(null),
      { name: "0.png", onUndecodable: "throw" },
      sourceOptions(),
    );
    expect((await collect(source, look)).error).toMatchObject({
      code: "SOURCE_UNDECODABLE",
      message: "0.png cannot be decoded: it is text, not a picture",
    });
  });

  it("starts again with loop, without reading what it has kept", async () => {
    const list = await files(1, 2);
    const source = openPictures(list, several, sourceOptions({ loop: true }));
    const { seen } = await collect(
      source,
      (item) => {
        for (const { path } of list) if (item.origin.source === "1.png") rmSync(path, { force: true });
        return look(item)[1];
      },
      7,
    );
    expect(seen).toEqual([1, 2, 1, 2, 1, 2, 1]);
  });

  it("does not loop for ever over pictures of which none can be decoded", async () => {
    const source = openPictures(await files(null, null), several, sourceOptions({ loop: true }));
    const { seen, error } = await collect(source, look);
    expect(seen.length).toBe(1);
    expect(error).toMatchObject({
      code: "SOURCE_UNDECODABLE",
      message: expect.stringContaining("none of the 2"),
    });
  });

  it("ends when closed", async () => {
    const source = openPictures(await files(1), several, sourceOptions({ loop: true }));
    const items = source.frames();
    await items.next();
    await source.close();
    expect((await items.next()).done).toBe(true);
  });

  it("gives rgb24 only, and says what they can be sent as", () => {
    expect(() => openPictures([], several, sourceOptions({ pixelFormat: "i420" }))).toThrow(
      "--pixel-format i420: pictures are sent as rgb24, jpeg or webp",
    );
  });
});

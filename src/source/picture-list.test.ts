import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { isGlob, listFolder, listGlob, naturalOrder } from "./picture-list.js";
import { temporaryFolder } from "./testing.js";

function folderWith(...names: string[]): string {
  const folder = temporaryFolder();
  for (const name of names) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), "x");
  }
  return folder;
}

const names = (files: readonly { name: string }[]) => files.map(({ name }) => name);

describe("listFolder", () => {
  it("lists pictures in natural order, named by their path within the folder", async () => {
    const folder = folderWith(
      "img10.jpg",
      "img2.JPEG",
      "img1.png",
      "b/x.webp",
      "notes.txt",
      ".hidden.jpg",
      "clip.mp4",
    );
    const files = await listFolder(folder);
    expect(names(files)).toEqual(["img1.png", "img2.JPEG", "img10.jpg", "b/x.webp"]);
    expect(files[3]?.path).toBe(join(folder, "b/x.webp"));
  });

  it("tells a picture without a telling name by its content", async () => {
    const folder = folderWith("notes.txt");
    const one = sharp({ create: { width: 2, height: 2, channels: 3, background: "red" } });
    writeFileSync(join(folder, "picture.dat"), await one.jpeg().toBuffer());
    expect(names(await listFolder(folder))).toEqual(["picture.dat"]);
  });

  it("names a folder without pictures", async () => {
    const folder = folderWith("notes.txt");
    await expect(listFolder(folder)).rejects.toMatchObject({
      code: "SOURCE_EMPTY",
      message: `there is no picture in the folder ${folder}`,
    });
  });
});

describe("listGlob", () => {
  it("names pictures by their path below the folder where the pattern starts", async () => {
    const folder = folderWith("a/x2.jpg", "a/x10.jpg", "b/x1.jpg", "b/y.txt");
    expect(names(await listGlob(`${folder}/*/x*`))).toEqual(["a/x2.jpg", "a/x10.jpg", "b/x1.jpg"]);
    expect(names(await listGlob(`${folder}/a/*.{jpg,png}`))).toEqual(["x2.jpg", "x10.jpg"]);
  });

  it("names a pattern that matches nothing", async () => {
    const pattern = `${folderWith("a.txt")}/*.jpg`;
    await expect(listGlob(pattern)).rejects.toMatchObject({
      code: "SOURCE_EMPTY",
      message: `no picture matches ${pattern}`,
    });
  });

  it("knows a pattern when it sees one", () => {
    expect(["a*.jpg", "a?.jpg", "a[12].jpg", "{a,b}.jpg"].every(isGlob)).toBe(true);
    expect(isGlob("a.jpg")).toBe(false);
  });
});

describe("naturalOrder", () => {
  it("is a total order", () => {
    const sorted = ["b/1.jpg", "a10", "A2", "a2", "a02", "a1"].sort(naturalOrder);
    expect(sorted).toEqual([...sorted].reverse().sort(naturalOrder));
    expect(sorted[0]).toBe("a1");
    expect(sorted.at(-1)).toBe("b/1.jpg");
  });
});

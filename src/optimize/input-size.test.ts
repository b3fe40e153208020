import { describe, expect, it } from "vitest";
import { fillingSize, usualSize } from "./input-size.js";

const size = (text: string) => {
  const [width = 0, height = 0] = text.split("x").map(Number);
  return { width, height };
};

describe("the input that frames fill", () => {
  it.each([
    ["640x480", "640x640", "640x480"],
    ["1280x720", "640x640", "640x384"],
    ["1920x1080", "640x640", "640x384"],
    ["480x640", "640x640", "480x640"],
    ["768x432", "640x640", "640x384"],
    // Fitted up as well as down.
    ["64x48", "640x640", "640x480"],
    ["4000x10", "640x640", "640x32"],
    ["640x480", "416x416", "416x320"],
  ])("of frames %s in %s is %s", (frame, own, expected) => {
    expect(fillingSize(size(frame), size(own))).toEqual(size(expected));
  });

  it.each([
    ["640x640", "640x640"],
    ["640x480", "640x480"],
    ["1280x960", "640x480"],
    // 640x610 rounds up to all there is.
    ["640x610", "640x640"],
    // An own input that is no multiple of the stride is not made larger.
    ["100x100", "100x100"],
  ])("of frames %s in %s is no smaller", (frame, own) => {
    expect(fillingSize(size(frame), size(own))).toBeUndefined();
  });

  it("is of the stride that is given", () => {
    expect(fillingSize(size("640x480"), size("640x640"), 64)).toEqual(size("640x512"));
  });
});

describe("the usual size", () => {
  it("is what most frames have, the first of two as frequent", () => {
    expect(usualSize(["1x1", "2x2", "2x2", "3x3"].map(size))).toEqual(size("2x2"));
    expect(usualSize(["1x2", "2x1"].map(size))).toEqual(size("1x2"));
    expect(usualSize([])).toBeUndefined();
  });
});

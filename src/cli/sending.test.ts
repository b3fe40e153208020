import { describe, expect, it } from "vitest";
import { AiwError } from "../core/errors.js";
import { chooseSending, OWN_WORKER, type Receiver, type Sending } from "./sending.js";

const ALL = ["RGB", "I420", "NV12", "JPEG", "WEBP"];
const here = (...pixelFormats: string[]): Receiver => ({ isLocal: true, pixelFormats });
const far = (...pixelFormats: string[]): Receiver => ({ isLocal: false, pixelFormats });
const raw = (source: Sending["source"]): Sending => ({ source, picture: undefined });

describe("chooseSending", () => {
  it.each<[string, Parameters<typeof chooseSending>[0], Receiver, Sending]>([
    ["auto to a worker of our own: the source's cheapest", "auto", OWN_WORKER, raw("auto")],
    ["auto on this machine", "auto", here(...ALL), raw("auto")],
    ["auto on this machine, a worker without I420", "auto", here("RGB", "JPEG"), raw("rgb24")],
    ["auto to an old worker, which lists none", "auto", here(), raw("rgb24")],
    ["auto across a network", "auto", far(...ALL), { source: "rgb24", picture: "jpeg" }],
    ["auto across a network, a worker without JPEG", "auto", far("RGB", "I420"), raw("auto")],
    ["auto across a network to an old worker", "auto", far(), raw("rgb24")],
    ["rgb24 to an old worker", "rgb24", far(), raw("rgb24")],
    ["i420", "i420", here(...ALL), raw("i420")],
    ["nv12 across a network", "nv12", far(...ALL), raw("nv12")],
    ["jpeg on this machine", "jpeg", here(...ALL), { source: "rgb24", picture: "jpeg" }],
    ["webp to a worker of our own", "webp", OWN_WORKER, { source: "rgb24", picture: "webp" }],
  ])("%s", (_, asked, receiver, expected) => {
    expect(chooseSending(asked, receiver)).toEqual(expected);
  });

  it.each<[Parameters<typeof chooseSending>[0], Receiver, string]>([
    ["i420", here(), "--pixel-format i420: the worker takes RGB"],
    ["webp", far("RGB", "JPEG"), "--pixel-format webp: the worker takes RGB, JPEG"],
  ])("refuses %s where the worker does not take it", (asked, receiver, message) => {
    expect(() => chooseSending(asked, receiver)).toThrow(new AiwError("USAGE", message));
  });
});

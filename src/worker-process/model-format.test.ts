import { describe, expect, it } from "vitest";
import { otherFormat } from "./model-format.js";

const bytes = (text: string) => Buffer.from(text, "latin1");
const NOTHING = Buffer.alloc(0);
const is = (path: string, head: string, tail = "") => otherFormat(path, bytes(head), bytes(tail))?.is;
const ONNX = "\x08\x08\x12\x07pytorch";

describe("otherFormat", () => {
  it.each([
    ["m.onnx", "PK\x03\x04\0\0yolo11n/data.pkl", "a PyTorch checkpoint"],
    ["m.pt", "\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.", "a PyTorch checkpoint"],
    ["m.pt", "hello", "a PyTorch checkpoint"],
    ["M.PT", "\x80\x04\x95", "a PyTorch checkpoint"],
    ["m.pt", "PK\x03\x04 cut off before its list", "a PyTorch checkpoint"],
    ["m.onnx", "PK\x03\x04", "a zip archive"],
    ["m.keras", "PK\x03\x04config.json", "a Keras model"],
    ["m.onnx", "version https://git-lfs.github.com/spec/v1\n", "a Git LFS pointer, not the model itself"],
    ["m.pt", "version https://git-lfs.github.com/spec/v1\n", "a Git LFS pointer, not the model itself"],
    ["m.onnx", "\x1c\0\0\0TFL3", "a TensorFlow Lite model"],
    ["m.xml", '<?xml version="1.0"?>\n<net name="m" version="11">', "an OpenVINO model"],
    ["m.bin", "\x89HDF\r\n", "a Keras model"],
    ["m.onnx", "\n<!DOCTYPE html>", "a web page, as a failed download leaves it"],
    ["m.onnx", '\x40\0\0\0\0\0\0\0{"a":{}}', "a safetensors file, weights without a graph"],
    ["m.pb", "\x08\x01\x12\x04", "a TensorFlow graph"],
    ["m.mlmodel", "\x08\x01\x12\x04", "a Core ML model"],
  ])("%s beginning with %j", (path, head, name) => {
    expect(is(path, head)).toBe(name);
  });

  it("tells TensorRT's engines with and without metadata, and by name", () => {
    const json = '{"task":"detect"}';
    for (const [path, head] of [
      ["m.bin", "ftrt\0\0"],
      ["m.bin", `\x11\0\0\0${json}ftrt`],
      ["m.engine", "whatever"],
    ] as const) {
      expect(is(path, head)).toMatch(/^a TensorRT engine/);
    }
  });

  it("tells a TorchScript program from a checkpoint by the archive's list", () => {
    expect(is("m.pt", "PK\x03\x04m/data.pkl", "m/data.pkl PK m/constants.pkl")).toMatch(/TorchScript/);
    expect(is("m.pt", "PK\x03\x04", "m/data.pkl PK m/data/0")).toBe("a PyTorch checkpoint");
  });

  it.each([
    ["m.onnx", ONNX],
    ["named.pt", ONNX],
    ["m.onnx", "hello"],
    ["m.jpg", "\xff\xd8\xff"],
    ["m.onnx", "\x08"],
    ["m", ""],
  ])("leaves %s beginning with %j to the worker", (path, head) => {
    expect(otherFormat(path, bytes(head), NOTHING)).toBeUndefined();
  });
});

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isStreamUrl, streamName, urlMasker } from "./stream-name.js";

describe("streamName", () => {
  it.each([
    ["rtsp://10.0.0.1:554/stream1", "rtsp://10.0.0.1:554/stream1"],
    ["rtsp://admin:secret@10.0.0.1/stream1", "rtsp://***@10.0.0.1/stream1"],
    ["rtsp://admin:se@cret@10.0.0.1/stream1", "rtsp://***@10.0.0.1/stream1"],
    ["rtsp://admin:se/cret@10.0.0.1/stream1", "rtsp://***@10.0.0.1/stream1"],
    ["http://cam/video.mjpg?user=admin&pwd=secret", "http://cam/video.mjpg"],
    [
      "rtsp://a:b@dvr/cam/realmonitor?channel=2&subtype=0",
      "rtsp://***@dvr/cam/realmonitor?channel=2&subtype=0",
    ],
    ["rtsp://dvr/cam?channel=2&pwd=12", "rtsp://dvr/cam"],
    ["rtsp://dvr/cam?channel=two", "rtsp://dvr/cam"],
    ["http://cam/a@2x.mp4", "http://cam/a@2x.mp4"],
    ["https://[::1]:8080/x", "https://[::1]:8080/x"],
    ["https://u:p@[::1]:8080/x#t", "https://***@[::1]:8080/x"],
  ])("%s is %s", (url, name) => {
    expect(streamName(url)).toBe(name);
  });

  it("never shows a password, in the name or in a text that quotes the URL", () => {
    const secret = fc.stringMatching(/^[a-z@/:!$?#]{0,6}XYZZY[a-z@/:!$?#]{0,6}$/);
    fc.assert(
      fc.property(secret, (password) => {
        const url = `rtsp://admin:${password}@camera/live?key=XYZZY`;
        expect(streamName(url)).not.toContain("XYZZY");
        expect(urlMasker(url)(`Error opening input file ${url}.`)).not.toContain("XYZZY");
      }),
    );
  });
});

it("hides them too where ffmpeg quotes the URL otherwise than it was given", () => {
  const mask = urlMasker("rtsp://admin:XYZZY@camera/live?pwd=XYZZY");
  expect(mask("rtsp://admin:XYZZY@camera:554/live?pwd=XYZZY: Not Found")).not.toContain("XYZZY");
});

describe("isStreamUrl", () => {
  it("knows network streams", () => {
    expect(["rtsp://a", "RTSPS://a", "http://a", "https://a"].every(isStreamUrl)).toBe(true);
    expect(["/a/b", "rtsp:", "file:///a", "synthetic:", "C:\\a"].some(isStreamUrl)).toBe(false);
  });
});

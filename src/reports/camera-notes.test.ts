import { expect, it } from "vitest";
import type { CameraChange } from "../source/camera-state.js";
import { CameraNotes } from "./camera-notes.js";

const change = (from: CameraChange["from"], to: CameraChange["to"], text: string, atS: number) => ({
  ...{ source: "rtsp://cam/1", from, to, text, detail: undefined, isAwaited: true, atUs: atS * 1e6 },
});

it("tells of each state once, of attempts that fail alike not again, and how long a camera was away", () => {
  const notes = new CameraNotes();
  const lines = [
    change("connecting", "live", "768x432 at 10 fps", 1),
    change("live", "stalled", "no frame for 3 s", 10),
    change("stalled", "lost", "sent nothing more for 10 s", 17),
    change("lost", "connecting", "", 17.2),
    change("connecting", "lost", "cannot be opened: Connection refused", 17.4),
    change("lost", "connecting", "", 18),
    change("connecting", "lost", "cannot be opened: Connection refused", 18.2),
    change("lost", "connecting", "", 20),
    change("connecting", "live", "768x432 at 10 fps", 22.5),
    change("live", "blocked", "aiw itself stood still for 4 s", 30),
    change("blocked", "connecting", "its frames have 640x480 now", 31),
    change("connecting", "live", "640x480", 32),
    change("live", "ended", "after 7 frames", 40),
  ].map((one) => notes.lineOf(one));
  expect(lines).toEqual([
    "camera rtsp://cam/1 is live: 768x432 at 10 fps",
    "camera rtsp://cam/1 is stalled: no frame for 3 s",
    "camera rtsp://cam/1 is lost: sent nothing more for 10 s; it is opened again",
    undefined,
    "camera rtsp://cam/1 is lost: cannot be opened: Connection refused; it is opened again",
    undefined,
    undefined,
    undefined,
    "camera rtsp://cam/1 is live again after 12.5 s: 768x432 at 10 fps",
    "camera rtsp://cam/1 is blocked: aiw itself stood still for 4 s",
    "camera rtsp://cam/1 is opened anew: its frames have 640x480 now",
    "camera rtsp://cam/1 is live again after 2.0 s: 640x480",
    "camera rtsp://cam/1 has ended after 7 frames; it is opened again",
  ]);
});

it("promises nothing of a camera that is not opened again", () => {
  const lost = { ...change("connecting", "lost", "cannot be opened: Not Found", 1), isAwaited: false };
  expect(new CameraNotes().lineOf(lost)).toBe("camera rtsp://cam/1 is lost: cannot be opened: Not Found");
});

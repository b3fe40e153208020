import { expect, it } from "vitest";
import { cameraList } from "./camera-list.js";

it("has a block for each camera, and says of one without formats why", () => {
  const devices = [
    { device: "/dev/video0", formats: ["MJPG 1280x720 60 fps", "YUYV 640x480 30 fps"], problem: undefined },
    { device: "/dev/video1", formats: [], problem: undefined },
    { device: "/dev/video2", formats: [], problem: "/dev/video2: Permission denied" },
  ];
  expect(cameraList(devices)).toBe(`/dev/video0
  MJPG 1280x720 60 fps
  YUYV 640x480 30 fps
/dev/video1
  has no picture format: it is a camera's second device, or an encoder
/dev/video2
  /dev/video2: Permission denied
`);
  expect(cameraList([])).toBe("");
});

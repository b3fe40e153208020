import { describe, expect, it } from "vitest";
import { ffmpegArgs, fileInput, scaleFilter } from "./ffmpeg-args.js";

describe("ffmpegArgs", () => {
  it("takes one video stream, every frame once, and no more", () => {
    const args = ffmpegArgs(
      { args: ["-i", "file:/a/-i.mp4"] },
      { width: 640, height: 480 },
      "rgb24",
      "-fps_mode",
    );
    expect(args.join(" ")).toBe(
      "-hide_banner -nostats -nostdin -benchmark -loglevel level+info -i file:/a/-i.mp4 -map 0:V:0 -an -sn -dn " +
        "-vf scale=w='max(1,round(iw*min(1,min(640/iw,480/ih))/1)*1)':h='max(1,round(ih*min(1,min(640/iw,480/ih))/1)*1)':flags=bilinear " +
        "-fps_mode passthrough -pix_fmt rgb24 -threads 1 -flush_packets 1 -f rawvideo pipe:1",
    );
  });

  it("takes a file's name for no option and no protocol", () => {
    expect(fileInput("/a/-i.mp4", "-i.mp4").plan).toEqual({ args: ["-i", "file:/a/-i.mp4"] });
  });

  it("makes sides even where chroma is halved, and says what its colours mean", () => {
    expect(scaleFilter("native", "i420")).toBe(
      "scale=w='max(2,round(iw*1/2)*2)':h='max(2,round(ih*1/2)*2)':flags=bilinear:out_range=tv:out_color_matrix=bt601",
    );
    expect(ffmpegArgs({ args: [] }, "native", "i420", "-vsync")).toContain("yuv420p");
  });
});

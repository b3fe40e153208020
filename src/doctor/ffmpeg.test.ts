import { join } from "node:path";
import { expect, it } from "vitest";
import { shellScript, tempDir } from "../worker-process/testing/fakes.js";
import { checkFfmpeg, formatNames } from "./ffmpeg.js";

const OLD_DEMUXERS = ` D  image2          image2 sequence
 D  mov,mp4,m4a,3gp,3g2,mj2 QuickTime / MOV
 D  rtsp            RTSP input`;
const OLD_DEVICES = ` DE fbdev           Linux framebuffer
 D  video4linux2,v4l2 Video4Linux2 device grab`;
const NEW_DEMUXERS = `Demuxers:
 D.. = Demuxing supported
 ..d = Is a device
 ---
 D   mov,mp4,m4a,3gp,3g2,mj2 QuickTime / MOV
 D d video4linux2,v4l2 Video4Linux2 device grab`;

/** A script in the place of ffmpeg. */
function ffmpeg(demuxers: string, devices: string, version = "ffmpeg version 6.1-x Copyright") {
  return shellScript(
    join(tempDir(), "ffmpeg"),
    `case "$*" in
*-version*) echo '${version}' ;;
*-demuxers*) cat <<'END'
${demuxers}
END
;;
*-devices*) cat <<'END'
${devices}
END
;;
esac`,
  );
}

const look = (env: Record<string, string>, interpreter?: { python: string; kind: "given" }) =>
  checkFfmpeg({ env, interpreter, platform: "linux", signal: new AbortController().signal });

it("says which, its version, and that it opens what aiw opens", async () => {
  const path = ffmpeg(OLD_DEMUXERS, OLD_DEVICES);
  expect(await look({ AIW_FFMPEG: path })).toMatchObject({
    path,
    versionText: expect.stringContaining("6.1-x"),
    check: { status: "ok", detail: `6.1-x, ${path}; has v4l2, rtsp, mov, image2` },
  });
});

it("warns of what it lacks", async () => {
  const { check } = await look({ AIW_FFMPEG: ffmpeg(OLD_DEMUXERS, "") });
  expect(check).toMatchObject({
    status: "warning",
    detail: expect.stringContaining("without v4l2 (local cameras)"),
  });
});

it("fails one that does not run as ffmpeg, or is not there", async () => {
  const broken = shellScript(join(tempDir(), "ffmpeg"), "echo libavcodec.so.60 is missing >&2; exit 127");
  const { check, path } = await look({ AIW_FFMPEG: broken });
  expect(check).toMatchObject({
    status: "failure",
    detail: expect.stringContaining("libavcodec.so.60 is missing"),
  });
  expect(path).toBeUndefined();
  expect((await look({ AIW_FFMPEG: "/nope" })).check).toMatchObject({
    status: "failure",
    detail: expect.stringContaining("AIW_FFMPEG=/nope"),
  });
});

it("warns where an environment would bring one, and fails where there is one without", async () => {
  expect((await look({ PATH: "" })).check).toMatchObject({
    status: "warning",
    advice: expect.stringContaining("AIW_FFMPEG"),
  });
  const given = { python: join(tempDir(), "bin", "python"), kind: "given" as const };
  expect((await look({ PATH: "" }, given)).check.status).toBe("failure");
});

it("reads the lists of old and new versions", () => {
  expect(formatNames(NEW_DEMUXERS)).toEqual([
    "mov",
    "mp4",
    "m4a",
    "3gp",
    "3g2",
    "mj2",
    "video4linux2",
    "v4l2",
  ]);
  expect(formatNames(OLD_DEVICES)).toEqual(["fbdev", "video4linux2", "v4l2"]);
});

// Written after what v4l2-ctl and ffmpeg print; none was recorded on a device.
/** What v4l2-ctl says of a camera's formats, its lines. */
export const V4L2 = `ioctl: VIDIOC_ENUM_FMT
	Type: Video Capture

	[0]: 'MJPG' (Motion-JPEG, compressed)
		Size: Discrete 1280x720
			Interval: Discrete 0.033s (30.000 fps)
			Interval: Discrete 0.017s (60.000 fps)
		Size: Discrete 640x480
			Interval: Discrete 0.133s (7.500 fps)
	[1]: 'YUYV' (YUYV 4:2:2)
		Size: Stepwise 16x16 - 1920x1080 with step 8/8`.split("\n");
/** What ffmpeg says of them. */
export const FFMPEG =
  `[video4linux2,v4l2 @ 0x55d] Compressed:       mjpeg :          Motion-JPEG : 640x480 1280x720
[video4linux2,v4l2 @ 0x55d] Raw       :     yuyv422 :           YUYV 4:2:2 : 640x480
/dev/video0: Immediate exit requested`.split("\n");

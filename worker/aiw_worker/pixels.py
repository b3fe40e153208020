"""From a frame's bytes to interleaved 8-bit pixels, into buffers that are kept."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from aiw_worker.datatypes import U8, Frame, Size
from aiw_worker.errors import Code, WorkerError
from aiw_worker.pictures import jpeg_complete, jpeg_size, webp_complete, webp_size

PIXEL_FORMATS = ("RGB", "I420", "NV12", "JPEG", "WEBP")
_ALIASES = {"": "RGB", "RGB24": "RGB"}
# libjpeg's own limit, and far beyond any camera.
_MAX_SIDE = 65_500
# A decoded frame, however it came, is no larger than an uncompressed one may be.
_MAX_PIXEL_BYTES = 64 * 1024 * 1024
_YUV_TO_RGB = {"I420": cv2.COLOR_YUV2RGB_I420, "NV12": cv2.COLOR_YUV2RGB_NV12}
_PICTURES = {"JPEG": (jpeg_size, jpeg_complete), "WEBP": (webp_size, webp_complete)}


@dataclass(frozen=True, slots=True)
class Image:
    """Pixels (h, w, 3) uint8 and the order of their channels, "RGB" or "BGR"."""

    pixels: U8
    order: str


class PixelDecoder:
    """Turns frames into images. An image is valid until the next call; not for several threads."""

    def __init__(self) -> None:
        self._converted: U8 = np.empty((0, 0, 3), np.uint8)

    def decode(self, frame: Frame) -> Image:
        """The frame's pixels: a view of its own data where that is RGB already.

        Raises:
            WorkerError: FRAME_FORMAT, FRAME_SIZE or FRAME_PICTURE, with what is wrong.
        """
        kind = _ALIASES.get(frame.pix_fmt, frame.pix_fmt)
        if kind not in PIXEL_FORMATS:
            raise WorkerError(
                Code.FRAME_FORMAT,
                f"pix_fmt '{frame.pix_fmt[:32]}' is unknown; this worker takes {', '.join(PIXEL_FORMATS)}",
            )
        _check_sides(frame)
        if kind == "RGB":
            _check_bytes(frame, 3 * frame.width * frame.height, kind)
            flat = np.frombuffer(frame.data, np.uint8)
            return Image(flat.reshape(frame.height, frame.width, 3), "RGB")
        if kind in _YUV_TO_RGB:
            return self._from_yuv(frame, kind)
        return _from_picture(frame, kind)

    def _from_yuv(self, frame: Frame, kind: str) -> Image:
        width, height = frame.width, frame.height
        if width % 2 or height % 2:
            raise WorkerError(Code.FRAME_SIZE, f"{kind} needs even sides, and the frame is {width}x{height}")
        _check_bytes(frame, width * height * 3 // 2, kind)
        planes = np.frombuffer(frame.data, np.uint8).reshape(height * 3 // 2, width)
        if self._converted.shape != (height, width, 3):
            self._converted = np.empty((height, width, 3), np.uint8)
        # OpenCV's conversion is BT.601 limited range, as the wire says.
        cv2.cvtColor(planes, _YUV_TO_RGB[kind], dst=self._converted)
        return Image(self._converted, "RGB")


def _check_sides(frame: Frame) -> None:
    width, height = frame.width, frame.height
    if not (0 < width <= _MAX_SIDE and 0 < height <= _MAX_SIDE):
        raise WorkerError(
            Code.FRAME_SIZE, f"a frame of {width}x{height} is impossible; sides are 1 to {_MAX_SIDE} pixels"
        )
    if 3 * width * height > _MAX_PIXEL_BYTES:
        raise WorkerError(
            Code.FRAME_SIZE,
            f"a frame of {width}x{height} takes more than {_MAX_PIXEL_BYTES >> 20} MiB; send it smaller",
        )


def _check_bytes(frame: Frame, wanted: int, kind: str) -> None:
    if len(frame.data) != wanted:
        raise WorkerError(
            Code.FRAME_SIZE,
            f"{len(frame.data)} bytes came for {kind} of {frame.width}x{frame.height}, which has {wanted}",
        )


def _from_picture(frame: Frame, kind: str) -> Image:
    size_of, complete = _PICTURES[kind]
    declared = size_of(frame.data)
    if declared is None or not complete(frame.data):
        reason = "is not one" if declared is None else "is cut off"
        raise WorkerError(Code.FRAME_PICTURE, f"the {kind} of {len(frame.data)} bytes {reason}")
    wanted = Size(frame.width, frame.height)
    if declared != wanted:
        raise WorkerError(Code.FRAME_SIZE, f"the {kind} is {declared}, and the frame says {wanted}")
    # Orientation tags are the sender's business: it said what width and height it means.
    flags = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
    try:
        pixels = cv2.imdecode(np.frombuffer(frame.data, np.uint8), flags)
    except cv2.error:
        pixels = None
    if pixels is None:
        raise WorkerError(Code.FRAME_PICTURE, f"the {kind} of {len(frame.data)} bytes can't be decoded")
    if pixels.shape != (frame.height, frame.width, 3):
        raise WorkerError(Code.FRAME_SIZE, f"the {kind} decodes to another size than the frame's {wanted}")
    return Image(np.asarray(pixels, np.uint8), "BGR")

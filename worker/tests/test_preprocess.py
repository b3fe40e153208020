"""Pixels in, tensor out: against plain numpy, for every format."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiw_worker.datatypes import Frame, InputStyle, Size
from aiw_worker.errors import WorkerError
from aiw_worker.pictures import jpeg_size, webp_size
from aiw_worker.preprocess import Preprocessor

TARGET = Size(96, 64)
YOLOX = InputStyle(colour="BGR", scale=1.0, centred=False, rounded=False)


def picture(width: int, height: int, seed: int = 0) -> Any:
    """Smooth, so that compression keeps it nearly as it is."""
    y, x = np.mgrid[0:height, 0:width]
    channels = (x * 255 // max(width, 1), y * 255 // max(height, 1), (x + y + seed * 40) % 256 // 2)
    return np.stack(channels, 2).astype(np.uint8)


def frame(pixels: Any, pix_fmt: str = "RGB", data: bytes | None = None, **size: int) -> Frame:
    height, width = pixels.shape[:2]
    return Frame(
        1, "", 0, size.get("width", width), size.get("height", height), pix_fmt, data or pixels.tobytes()
    )


def plain(pixels: Any, style: InputStyle) -> Any:
    """The same, written without any care for speed."""
    height, width = pixels.shape[:2]
    ratio = min(TARGET.width / width, TARGET.height / height)
    side = round if style.rounded else int
    new = (max(1, side(width * ratio)), max(1, side(height * ratio)))
    scaled = pixels if new == (width, height) else cv2.resize(pixels, new, interpolation=cv2.INTER_LINEAR)
    left = round((TARGET.width - new[0]) / 2 - 0.1) if style.centred else 0
    top = round((TARGET.height - new[1]) / 2 - 0.1) if style.centred else 0
    whole = np.full((TARGET.height, TARGET.width, 3), 114, np.uint8)
    whole[top : top + new[1], left : left + new[0]] = scaled
    if style.colour == "BGR":
        whole = whole[:, :, ::-1]
    return whole.transpose(2, 0, 1)[None].astype(np.float32) * np.float32(style.scale)


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.tuples(st.integers(2, 200), st.integers(2, 200)), min_size=1, max_size=4),
    st.sampled_from([InputStyle(), YOLOX]),
)
def test_one_tensor_serves_frames_of_any_sizes(sizes: list[tuple[int, int]], style: InputStyle) -> None:
    preprocessor = Preprocessor(TARGET, style, "float32")
    for seed, (width, height) in enumerate(sizes):
        pixels = picture(width, height, seed)
        tensor, _ = preprocessor.prepare(frame(pixels))
        assert np.allclose(tensor, plain(pixels, style), atol=1e-6)


def test_float16() -> None:
    pixels = picture(96, 50)
    tensor, _ = Preprocessor(TARGET, InputStyle(), "float16").prepare(frame(pixels))
    assert tensor.dtype == np.float16
    assert np.allclose(tensor, plain(pixels, InputStyle()), atol=1e-3)


def encoded(pixels: Any, kind: str) -> bytes:
    if kind in ("JPEG", "WEBP"):
        flags = [cv2.IMWRITE_JPEG_QUALITY, 98] if kind == "JPEG" else [cv2.IMWRITE_WEBP_QUALITY, 101]
        return cv2.imencode(f".{kind.lower()}", pixels[:, :, ::-1], flags)[1].tobytes()
    i420 = cv2.cvtColor(pixels, cv2.COLOR_RGB2YUV_I420)
    if kind == "I420":
        return bytes(i420.tobytes())
    height, width = pixels.shape[:2]
    luma, chroma = i420[:height], i420[height:].reshape(2, -1)
    assert chroma.shape[1] == width * height // 4
    return bytes(luma.tobytes() + chroma.T.tobytes())


@pytest.mark.parametrize("style", [InputStyle(), YOLOX], ids=["yolo11", "yolox"])
@pytest.mark.parametrize("kind", ["I420", "NV12", "JPEG", "WEBP"])
def test_formats_agree_with_rgb(kind: str, style: InputStyle) -> None:
    pixels = picture(96, 48)
    preprocessor = Preprocessor(TARGET, style, "float32")
    for _ in range(2):
        tensor, _ = preprocessor.prepare(frame(pixels, kind, encoded(pixels, kind)))
        difference = np.abs(tensor - plain(pixels, style)) / style.scale
        assert difference.mean() < 3


@pytest.mark.parametrize("kind", ["JPEG", "WEBP"])
def test_pictures_that_lie(kind: str) -> None:
    pixels = picture(96, 48)
    data = encoded(pixels, kind)
    size_of = jpeg_size if kind == "JPEG" else webp_size
    assert size_of(data) == Size(96, 48)
    preprocessor = Preprocessor(TARGET, InputStyle(), "float32")

    def refusal(bad: bytes, **size: int) -> str:
        with pytest.raises(WorkerError) as caught:
            preprocessor.prepare(frame(pixels, kind, bad, **size))
        return caught.value.name

    assert refusal(data, width=48, height=96) == "FRAME_SIZE"
    assert refusal(data[: len(data) // 2]) == "FRAME_PICTURE"
    assert refusal(b"no picture at all, but long enough for a header") == "FRAME_PICTURE"
    other = encoded(pixels, "WEBP" if kind == "JPEG" else "JPEG")
    assert refusal(other) == "FRAME_PICTURE"


def test_bomb_is_refused_by_its_header() -> None:
    data = bytearray(encoded(picture(96, 48), "JPEG"))
    at = data.index(b"\xff\xc0")
    data[at + 5 : at + 9] = b"\xff\xdc\xff\xdc"
    assert jpeg_size(bytes(data)) == Size(65500, 65500)
    with pytest.raises(WorkerError) as caught:
        Preprocessor(TARGET, InputStyle(), "float32").prepare(
            frame(picture(2, 2), "JPEG", bytes(data), width=65500, height=65500)
        )
    assert caught.value.name == "FRAME_SIZE"


@pytest.mark.parametrize("filling", [b"\xff", b"\xff\xd0", b"\xff\xfe\x00\x02"])
def test_a_header_behind_a_great_deal_of_nothing_is_not_looked_for(filling: bytes) -> None:
    data = encoded(picture(96, 48), "JPEG")
    assert jpeg_size(data[:2] + filling * 100 + data[2:]) == Size(96, 48)
    assert jpeg_size(data[:2] + filling * 100_000 + data[2:]) is None


def test_orientation_tag_is_not_followed() -> None:
    pixels = picture(96, 48)
    plain_jpeg = encoded(pixels, "JPEG")
    # A little-endian TIFF with one entry: orientation (0x0112), a short, 6 = turn by 90 degrees.
    tiff = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0"
    exif = b"Exif\0\0" + tiff
    tagged = plain_jpeg[:2] + b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif + plain_jpeg[2:]
    tensor, _ = Preprocessor(TARGET, InputStyle(), "float32").prepare(frame(pixels, "JPEG", tagged))
    assert np.abs(tensor - plain(pixels, InputStyle())).mean() < 0.02


@settings(deadline=None)
@given(st.binary(max_size=64))
def test_header_readers_survive_garbage(data: bytes) -> None:
    for start in (
        b"",
        b"\xff\xd8",
        b"RIFF\0\0\0\0WEBPVP8 ",
        b"RIFF\0\0\0\0WEBPVP8L",
        b"RIFF\0\0\0\0WEBPVP8X",
    ):
        jpeg_size(start + data)
        webp_size(start + data)

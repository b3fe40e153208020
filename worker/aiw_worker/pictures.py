"""Size of a compressed picture from its header, so that a bomb is refused before it is decoded."""

from __future__ import annotations

from aiw_worker.datatypes import Bytes, Size

# Start-of-frame markers of JPEG (ITU T.81, table B.1): C0-CF but for DHT, JPG and DAC.
_JPEG_SOF = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
# Markers without a length: TEM, RST0-7.
_JPEG_BARE = frozenset({0x01, *range(0xD0, 0xD8)})
_JPEG_END = b"\xff\xd9"
# Cameras pad after the end marker; more than this is not padding.
_JPEG_TAIL = 4096
# Segments and fill bytes before the frame header: some ten of a camera, a few hundred with large profiles.
_JPEG_MOST_STEPS = 4096


def jpeg_size(data: Bytes) -> Size | None:
    """Width and height of a JPEG; None when no start of frame is found before the scan."""
    view = memoryview(data)
    if bytes(view[:2]) != b"\xff\xd8":
        return None
    at = 2
    for _ in range(_JPEG_MOST_STEPS):
        if at + 4 > len(view) or view[at] != 0xFF:
            return None
        marker = view[at + 1]
        if marker == 0xFF or marker in _JPEG_BARE:
            at += 1 if marker == 0xFF else 2
            continue
        length = int.from_bytes(view[at + 2 : at + 4], "big")
        if marker in _JPEG_SOF:
            if at + 9 > len(view):
                return None
            height = int.from_bytes(view[at + 5 : at + 7], "big")
            return Size(int.from_bytes(view[at + 7 : at + 9], "big"), height)
        # Start of scan or end of image: no frame header came.
        if marker in (0xDA, 0xD9) or length < 2:
            return None
        at += 2 + length
    return None


def jpeg_complete(data: Bytes) -> bool:
    """Whether the end marker is there; decoders fill what a cut JPEG lacks with grey, and say nothing."""
    return _JPEG_END in bytes(memoryview(data)[-_JPEG_TAIL:])


def webp_size(data: Bytes) -> Size | None:
    """Width and height of a WebP (RFC 9649: VP8, VP8L or VP8X as the first chunk); None otherwise."""
    head = bytes(memoryview(data)[:30])
    if len(head) < 30 or head[:4] != b"RIFF" or head[8:12] != b"WEBP":
        return None
    kind = head[12:16]
    if kind == b"VP8X":
        return Size(1 + int.from_bytes(head[24:27], "little"), 1 + int.from_bytes(head[27:30], "little"))
    if kind == b"VP8L" and head[20] == 0x2F:
        bits = int.from_bytes(head[21:25], "little")
        return Size(1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF))
    if kind == b"VP8 " and head[23:26] == b"\x9d\x01\x2a":
        width = int.from_bytes(head[26:28], "little") & 0x3FFF
        return Size(width, int.from_bytes(head[28:30], "little") & 0x3FFF)
    return None


def webp_complete(data: Bytes) -> bool:
    """Whether the RIFF chunk is as long as it says."""
    view = memoryview(data)
    return len(view) >= 8 + int.from_bytes(view[4:8], "little")

"""Class names: from a model's metadata, else COCO's where there are 80, else numbered."""

from __future__ import annotations

import ast
from collections.abc import Mapping

COCO = (
    "person", "bicycle", "car", "motorcycle", "airplane", "bus", "train", "truck", "boat",
    "traffic light", "fire hydrant", "stop sign", "parking meter", "bench", "bird", "cat", "dog",
    "horse", "sheep", "cow", "elephant", "bear", "zebra", "giraffe", "backpack", "umbrella", "handbag",
    "tie", "suitcase", "frisbee", "skis", "snowboard", "sports ball", "kite", "baseball bat",
    "baseball glove", "skateboard", "surfboard", "tennis racket", "bottle", "wine glass", "cup", "fork",
    "knife", "spoon", "bowl", "banana", "apple", "sandwich", "orange", "broccoli", "carrot", "hot dog",
    "pizza", "donut", "cake", "chair", "couch", "potted plant", "bed", "dining table", "toilet", "tv",
    "laptop", "mouse", "remote", "keyboard", "cell phone", "microwave", "oven", "toaster", "sink",
    "refrigerator", "book", "clock", "vase", "scissors", "teddy bear", "hair drier", "toothbrush",
)  # fmt: skip

# A thousand classes take some 20 KB; metadata beyond this is not names.
_MAX_TEXT = 1 << 20


def parse_names(text: str) -> tuple[str, ...] | None:
    """Names from metadata: a dict of id to name, or a list, as Python or JSON writes it; else None.

    Ids that a dict leaves out get the name class_<id>.
    """
    if not 0 < len(text) <= _MAX_TEXT:
        return None
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None
    if isinstance(value, (list, tuple)):
        return tuple(_text(name) for name in value) or None
    return _from_dict(value) if isinstance(value, dict) and value else None


def _from_dict(value: dict[object, object]) -> tuple[str, ...] | None:
    try:
        by_id = {int(str(key)): _text(name) for key, name in value.items()}
    except ValueError:
        return None
    count = max(by_id) + 1
    if min(by_id) < 0 or count > _MAX_TEXT:
        return None
    return tuple(by_id.get(index, f"class_{index}") for index in range(count))


def _text(name: object) -> str:
    """A name that can be sent: JSON may write a character as two halves, which Python takes for two."""
    return str(name).encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def class_names(metadata: Mapping[str, str], count: int) -> tuple[str, ...]:
    """`count` class names: the metadata's where it has as many, else COCO's, else class_0 onwards."""
    named = parse_names(metadata.get("names", ""))
    if named is not None and len(named) == count:
        return named
    return COCO if count == len(COCO) else tuple(f"class_{index}" for index in range(count))

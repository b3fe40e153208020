"""What the owner of a model should know about it, one sentence each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from aiw_worker.families.base import Suppression
from aiw_worker.inspect import Inspected
from aiw_worker.names import COCO, parse_names
from aiw_worker.notes import model_notes

# Measured with YOLO11n at 320x320 on one core with AVX-512 VNNI: 21 ms, and 20 ms in fp32.
_DYNAMIC_INT8 = (
    "dynamic int8 finds its scales anew in every frame: where it was measured, on a CPU, it was no faster "
    "than fp32; static int8 (QDQ) was"
)


def remarks(
    found: Inspected | None, metadata: Mapping[str, str], precision: str, beside: Sequence[Path]
) -> list[str]:
    """About a model that was recognised, or not; `beside` are the files beside it that hold its weights."""
    said = list(model_notes(metadata))
    if beside:
        names = ", ".join(path.name for path in beside)
        said.append(f"its weights lie in {names}: keep them together; the hash is of the .onnx file alone")
    if "int8 dynamic" in precision:
        said.append(_DYNAMIC_INT8)
    if found is not None:
        said += _of_classes(found.info.class_names, parse_names(metadata.get("names", "")))
        if found.match.suppression == Suppression.NONE:
            said.append(
                "the overlap at which its boxes are suppressed was set by its export: --iou has no effect"
            )
    return said


def _of_classes(used: tuple[str, ...], named: tuple[str, ...] | None) -> list[str]:
    if used == named:
        return []
    assumed = "those of COCO are" if used == COCO else "numbers are"
    if named is None:
        return [f"its metadata names no classes: {assumed} assumed"]
    return [f"its metadata names {len(named)} classes where it has {len(used)}: {assumed} assumed"]

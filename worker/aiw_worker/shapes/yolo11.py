"""YOLO11 in its five sizes, with random weights."""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np
from onnx import ModelProto, TensorProto, helper

from aiw_worker.datatypes import Size
from aiw_worker.names import COCO
from aiw_worker.notes import NOTES_KEY
from aiw_worker.shapes.blocks import c2psa, c3k2, conv, sppf
from aiw_worker.shapes.head import STRIDES, detect
from aiw_worker.shapes.network import Network, Tensor

NOTE = "shape only: random weights, no detections to expect"
# By it a file of ours is told from others; see src/worker-process/build-shape.ts.
PRODUCER = "aiw-shape"
_OPSET = 17
_IR_VERSION = 8
# Mean square of pixels from 0 to 1, all of them equally likely.
_PIXEL_POWER = 1 / 3


@dataclass(frozen=True, slots=True)
class Scale:
    """How a size of the family differs from the others.

    Attributes:
        depth: share of the repeats.
        width: share of the channels.
        most: channels before `width` is applied.
        nested: whether every C3k2 is made of C3k blocks.
    """

    depth: float
    width: float
    most: int
    nested: bool

    def repeats(self, full: int) -> int:
        """Blocks in a row."""
        return max(round(full * self.depth), 1)

    def channels(self, full: int) -> int:
        """Channels of a layer, a multiple of 8."""
        return -(-int(min(full, self.most) * self.width) // 8) * 8


SCALES = {
    "yolo11n": Scale(0.50, 0.25, 1024, False),
    "yolo11s": Scale(0.50, 0.50, 1024, False),
    "yolo11m": Scale(0.50, 1.00, 512, True),
    "yolo11l": Scale(1.00, 1.00, 512, True),
    "yolo11x": Scale(1.00, 1.50, 512, True),
}


def build(name: str, size: Size, *, dynamic: bool, seed: int | None, version: str) -> ModelProto:
    """A model that takes pictures of `size` and gives what YOLO11 gives for COCO's 80 classes.

    Args:
        name: of SCALES.
        size: sides that are multiples of 32.
        dynamic: whether batch, height and width may be others; `size` is then what metadata names.
        seed: of the weights; None = they have dimensions and no values.
        version: of this builder.
    """
    random = None if seed is None else np.random.default_rng(seed)
    net = Network(random)
    levels = _features(net, Tensor("images", 3, _PIXEL_POWER), SCALES[name])
    output = detect(net, levels, "/model.23", len(COCO), None if dynamic else size)
    net.nodes[-1].output[0] = "output0"
    assert net.nodes[-1].name == output.removesuffix("_output_0")
    cells = sum((size.width // stride) * (size.height // stride) for stride in STRIDES)
    shapes: tuple[list[int | str], list[int | str]] = (
        (["batch", 3, "height", "width"], ["batch", 4 + len(COCO), "anchors"])
        if dynamic
        else ([1, 3, size.height, size.width], [1, 4 + len(COCO), cells])
    )
    graph = helper.make_graph(
        net.nodes,
        name,
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, shapes[0])],
        [helper.make_tensor_value_info("output0", TensorProto.FLOAT, shapes[1])],
        net.initializers,
    )
    model = helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid("", _OPSET)],
        ir_version=_IR_VERSION,
        producer_name=PRODUCER,
        producer_version=version,
    )
    helper.set_model_props(model, _metadata(name, size))
    return model


def _metadata(name: str, size: Size) -> dict[str, str]:
    """As Ultralytics writes it, and our note."""
    return {
        "description": f"the layers of {name} with random weights, built by aiw",
        "task": "detect",
        "stride": str(max(STRIDES)),
        "batch": "1",
        "imgsz": str([size.height, size.width]),
        "names": str(dict(enumerate(COCO))),
        NOTES_KEY: json.dumps([NOTE]),
    }


def _features(net: Network, x: Tensor, scale: Scale) -> tuple[Tensor, Tensor, Tensor]:
    """Backbone and neck: features of strides 8, 16 and 32."""
    channels, nested = scale.channels, scale.nested
    two = scale.repeats(2)
    x = conv(net, x, "/model.0", channels(64), 3, stride=2)
    x = conv(net, x, "/model.1", channels(128), 3, stride=2)
    x = c3k2(net, x, "/model.2", channels(256), two, nested=nested, share=0.25)
    x = conv(net, x, "/model.3", channels(256), 3, stride=2)
    fine = c3k2(net, x, "/model.4", channels(512), two, nested=nested, share=0.25)
    x = conv(net, fine, "/model.5", channels(512), 3, stride=2)
    middle = c3k2(net, x, "/model.6", channels(512), two, nested=True)
    x = conv(net, middle, "/model.7", channels(1024), 3, stride=2)
    x = c3k2(net, x, "/model.8", channels(1024), two, nested=True)
    x = sppf(net, x, "/model.9", channels(1024))
    coarse = c2psa(net, x, "/model.10", two)
    # Down the pyramid and up again.
    x = net.concat([net.twice_as_large(coarse, "/model.11"), middle], "/model.12")
    down = c3k2(net, x, "/model.13", channels(512), two, nested=nested)
    x = net.concat([net.twice_as_large(down, "/model.14"), fine], "/model.15")
    eighth = c3k2(net, x, "/model.16", channels(256), two, nested=nested)
    x = net.concat([conv(net, eighth, "/model.17", channels(256), 3, stride=2), down], "/model.18")
    sixteenth = c3k2(net, x, "/model.19", channels(512), two, nested=nested)
    x = net.concat([conv(net, sixteenth, "/model.20", channels(512), 3, stride=2), coarse], "/model.21")
    return eighth, sixteenth, c3k2(net, x, "/model.22", channels(1024), two, nested=True)

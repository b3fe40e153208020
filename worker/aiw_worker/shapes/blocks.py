"""The blocks that YOLO11 is made of, each batch normalisation folded into the convolution before it.

Of the published architecture: Jocher and Qiu, Ultralytics YOLO11 (2024), yolo11.yaml, and Khanam and Hussain,
YOLOv11: An Overview of the Key Architectural Enhancements (arXiv:2410.17725).
"""

from __future__ import annotations

import numpy as np

from aiw_worker.shapes.network import Network, Tensor

_HEAD_CHANNELS = 64


def conv(
    net: Network, x: Tensor, path: str, channels: int, kernel: int = 1, *, stride: int = 1, groups: int = 1
) -> Tensor:
    """Conv: convolution and SiLU."""
    made = net.conv(x, f"{path}/conv", channels, kernel, stride=stride, groups=groups)
    return net.silu(made, f"{path}/act")


def c3k2(
    net: Network, x: Tensor, path: str, channels: int, repeats: int, *, nested: bool, share: float = 0.5
) -> Tensor:
    """C3k2: half of the channels pass by, the others go through `repeats` blocks, and all are kept.

    The blocks are C3k where `nested`, else plain bottlenecks; each half has a `share` of `channels`.
    """
    hidden = int(channels * share)
    parts = [*net.halves(conv(net, x, f"{path}/cv1", 2 * hidden), path)]
    for index in range(repeats):
        inner = f"{path}/m.{index}"
        block = _c3k(net, parts[-1], inner) if nested else _bottleneck(net, parts[-1], inner, hidden // 2)
        parts.append(block)
    return conv(net, net.concat(parts, path), f"{path}/cv2", channels)


def sppf(net: Network, x: Tensor, path: str, channels: int) -> Tensor:
    """SPPF: what lies around, at three ranges, by pooling 5x5 once, twice and thrice."""
    parts = [conv(net, x, f"{path}/cv1", x.channels // 2)]
    for index in range(3):
        parts.append(net.pool(parts[-1], f"{path}/m_{index}", 5))
    return conv(net, net.concat(parts, path), f"{path}/cv2", channels)


def c2psa(net: Network, x: Tensor, path: str, repeats: int) -> Tensor:
    """C2PSA: half of the channels pass by, the others go through `repeats` blocks of attention."""
    passed, attended = net.halves(conv(net, x, f"{path}/cv1", x.channels), path)
    for index in range(repeats):
        attended = _attention_block(net, attended, f"{path}/m/m.{index}")
    return conv(net, net.concat([passed, attended], path), f"{path}/cv2", x.channels)


def _c3k(net: Network, x: Tensor, path: str) -> Tensor:
    """C3k: two bottlenecks of full width in one branch, beside one without any."""
    hidden = x.channels // 2
    deep = conv(net, x, f"{path}/cv1", hidden)
    for index in range(2):
        deep = _bottleneck(net, deep, f"{path}/m/m.{index}", hidden)
    beside = conv(net, x, f"{path}/cv2", hidden)
    return conv(net, net.concat([deep, beside], path), f"{path}/cv3", x.channels)


def _bottleneck(net: Network, x: Tensor, path: str, hidden: int) -> Tensor:
    made = conv(net, conv(net, x, f"{path}/cv1", hidden, 3), f"{path}/cv2", x.channels, 3)
    return net.add(x, made, path)


def _attention_block(net: Network, x: Tensor, path: str) -> Tensor:
    """PSABlock: attention, then two convolutions, each added to what came in."""
    x = net.add(x, _attention(net, x, f"{path}/attn"), path)
    wide = conv(net, x, f"{path}/ffn/ffn.0", 2 * x.channels)
    narrow = net.conv(wide, f"{path}/ffn/ffn.1/conv", x.channels)
    return net.add(x, narrow, f"{path}/ffn")


def _attention(net: Network, x: Tensor, path: str) -> Tensor:
    """Multi-head self-attention over all places; a depthwise convolution of the values tells them apart."""
    heads = x.channels // _HEAD_CHANNELS
    key = _HEAD_CHANNELS // 2
    asked = net.conv(x, f"{path}/qkv/conv", x.channels + 2 * key * heads)
    by_head = net.integers(f"{path}/by_head", 0, heads, 2 * key + _HEAD_CHANNELS, -1)
    flat = net.node("Reshape", f"{path}/by_head", (asked.name, by_head))
    sizes = net.integers(f"{path}/sizes", key, key, _HEAD_CHANNELS)
    query = net.node("Split", path, (flat, sizes), 3, axis=2)
    keys, values = (query.replace("_output_0", f"_output_{index}") for index in (1, 2))
    scale = net.constant(f"{path}/scale", np.array(key**-0.5, np.float32))
    scaled = net.node("Mul", f"{path}/scale", (query, scale))
    turned = net.node("Transpose", f"{path}/query", (scaled,), perm=[0, 1, 3, 2])
    likeness = net.node("MatMul", f"{path}/likeness", (turned, keys))
    shares = net.node("Softmax", path, (likeness,), axis=-1)
    shares = net.node("Transpose", f"{path}/shares", (shares,), perm=[0, 1, 3, 2])
    gathered = net.node("MatMul", f"{path}/gathered", (values, shares))
    # Back to the places that they came from, for any size.
    shape = net.node("Shape", path, (x.name,))
    gathered = net.node("Reshape", f"{path}/gathered", (gathered, shape))
    placed = net.node("Reshape", f"{path}/values", (values, shape))
    position = net.conv(Tensor(placed, x.channels), f"{path}/pe/conv", x.channels, 3, groups=x.channels)
    return net.conv(net.add(Tensor(gathered, x.channels), position, path), f"{path}/proj/conv", x.channels)

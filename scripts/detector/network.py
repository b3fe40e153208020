"""The embedded detector's network: small, anchor-free, one head a level, outputs as YOLO11's."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

CLASSES = ("person", "car", "bicycle", "dog", "bottle")
STRIDES = (8, 16, 32)

# log(p / (1 - p)) of the share of cells that hold an object: what a fresh network should believe.
CLASS_BIAS = -4.6


def conv(inputs: int, outputs: int, kernel: int, stride: int = 1) -> nn.Sequential:
    """Convolution, BatchNorm and ReLU; 3x3 and 1x1 keep the size, divided by the stride."""
    padding = (kernel - stride) // 2 if stride > 2 else kernel // 2
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, padding, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )


class Bottleneck(nn.Module):
    """1x1 to half the channels, 3x3 back, added to what came in (He et al., CVPR 2016)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(conv(channels, channels // 2, 1), conv(channels // 2, channels, 3))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x)


class SpatialPyramid(nn.Module):
    """Three 5x5 poolings in a row beside what came in (SPPF of YOLOv5)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.reduce = conv(channels, channels // 2, 1)
        self.merge = conv(channels * 2, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        levels = [self.reduce(x)]
        for _ in range(3):
            levels.append(functional.max_pool2d(levels[-1], 5, 1, 2))
        return self.merge(torch.cat(levels, 1))


class Detector(nn.Module):
    """Pixels (n, 3, h, w), 0..1, sides multiples of 32, to raw rows (n, 4 + classes, cells)."""

    def __init__(self, width: int = 56) -> None:
        super().__init__()
        channels = (48, 80, 112)
        self.stem = conv(3, 24, 6, 4)
        self.stages = nn.ModuleList(
            nn.Sequential(conv(before, after, 3, 2), *(Bottleneck(after) for _ in range(depth)))
            for before, after, depth in zip((24, *channels), channels, (2, 2, 1), strict=False)
        )
        self.pyramid = SpatialPyramid(channels[-1])
        # Path aggregation (Liu et al., CVPR 2018), additive.
        self.lateral = nn.ModuleList(conv(each, width, 1) for each in channels)
        self.down_path = nn.ModuleList(conv(width, width, 3) for _ in range(2))
        self.up_path = nn.ModuleList(conv(width, width, 3, 2) for _ in range(2))
        self.heads = nn.ModuleList(
            nn.Sequential(conv(width, width, 3), nn.Conv2d(width, 4 + len(CLASSES), 1)) for _ in STRIDES
        )
        for head in self.heads:
            nn.init.zeros_(head[1].bias)
            nn.init.constant_(head[1].bias[4:], CLASS_BIAS)

    def forward(self, pixels: Tensor) -> Tensor:
        features = []
        x = self.stem(pixels)
        for stage in self.stages:
            x = stage(x)
            features.append(x)
        features[2] = self.pyramid(features[2])
        p3, p4, p5 = (lateral(each) for lateral, each in zip(self.lateral, features, strict=True))
        p4 = self.down_path[1](p4 + functional.interpolate(p5, scale_factor=2.0))
        p3 = self.down_path[0](p3 + functional.interpolate(p4, scale_factor=2.0))
        p4 = p4 + self.up_path[0](p3)
        p5 = p5 + self.up_path[1](p4)
        rows = [head(each).flatten(2) for head, each in zip(self.heads, (p3, p4, p5), strict=True)]
        return torch.cat(rows, 2)


def cell_grid(height: int, width: int) -> tuple[Tensor, Tensor]:
    """Centres (cells, 2) as x, y and strides (cells, 1) of all cells, pixels."""
    centres, strides = [], []
    for stride in STRIDES:
        y, x = torch.meshgrid(torch.arange(height // stride), torch.arange(width // stride), indexing="ij")
        centres.append((torch.stack((x.flatten(), y.flatten()), 1) + 0.5) * stride)
        strides.append(torch.full((x.numel(), 1), float(stride)))
    return torch.cat(centres), torch.cat(strides)


def to_corners(raw: Tensor, centres: Tensor, strides: Tensor) -> Tensor:
    """Raw distances (n, cells, 4), left, top, right, bottom of the cell's centre, to x1 y1 x2 y2, pixels."""
    distances = functional.softplus(raw) * 2 * strides
    return torch.cat((centres - distances[..., :2], centres + distances[..., 2:]), -1)


class Exported(nn.Module):
    """The network with YOLO11's output: (n, 4 + classes, cells), centre x, centre y, width, height in
    input pixels and one score a class, 0..1."""

    def __init__(self, network: Detector, height: int, width: int) -> None:
        super().__init__()
        self.network = network
        centres, strides = cell_grid(height, width)
        self.register_buffer("centres", centres.T.contiguous())
        self.register_buffer("scale", 2 * strides.T.contiguous())

    def forward(self, pixels: Tensor) -> Tensor:
        rows = self.network(pixels)
        distances = functional.softplus(rows[:, :4]) * self.scale
        before, after = distances[:, :2], distances[:, 2:]
        middle = self.centres + (after - before) * 0.5
        return torch.cat((middle, before + after, rows[:, 4:].sigmoid()), 1)

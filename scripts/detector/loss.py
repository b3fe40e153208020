"""What the detector is trained to lessen: task-aligned assignment, binary cross-entropy and CIoU."""

from __future__ import annotations

import math

import torch
from network import cell_grid, to_corners
from torch import Tensor
from torch.nn import functional

TOP = 9
ALPHA, BETA = 0.5, 4.0
BOX_WEIGHT = 5.0


class DetectionLoss:
    """For one input size."""

    def __init__(self, height: int, width: int) -> None:
        self._centres, self._strides = cell_grid(height, width)

    def __call__(self, rows: Tensor, objects: list[Tensor]) -> Tensor:
        """Rows (n, 4 + classes, cells) as the network gives them, objects as samples.Crops does."""
        table = rows.transpose(1, 2)
        boxes = to_corners(table[..., :4], self._centres, self._strides)
        logits = table[..., 4:]
        targets = torch.zeros_like(logits)
        counted = torch.ones_like(logits)
        pairs_box, pairs_truth, pairs_weight = [], [], []
        for i, found in enumerate(objects):
            truth = torch.cat((found[:, 2:4], found[:, 2:4] + found[:, 4:6]), 1)
            ids = found[:, 0].long()
            judged = found[:, 1] > 0
            for box, class_id in zip(truth[~judged], ids[~judged], strict=True):
                counted[i, self._within(box[None])[0], class_id] = 0
            if not judged.any():
                continue
            cell, owner, weight = self._assign(
                boxes[i].detach(), logits[i].detach().sigmoid(), truth[judged], ids[judged]
            )
            targets[i, cell, ids[judged][owner]] = weight
            counted[i, cell] = 1
            pairs_box.append(boxes[i, cell])
            pairs_truth.append(truth[judged][owner])
            pairs_weight.append(weight)
        total = targets.sum().clamp(min=1)
        loss = functional.binary_cross_entropy_with_logits(logits, targets, counted, reduction="sum")
        if pairs_box:
            ciou = complete_iou(torch.cat(pairs_box), torch.cat(pairs_truth))
            loss = loss + BOX_WEIGHT * (torch.cat(pairs_weight) * (1 - ciou)).sum()
        return loss / total

    def _within(self, boxes: Tensor) -> Tensor:
        """Which cells (boxes, cells) have their centre inside which box."""
        x, y = self._centres.T
        left, top, right, bottom = (side[:, None] for side in boxes.T)
        return (x > left) & (x < right) & (y > top) & (y < bottom)

    def _assign(
        self, boxes: Tensor, scores: Tensor, truth: Tensor, ids: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Task-aligned assignment (TOOD, Feng et al., ICCV 2021): to each object the cells inside it
        whose score^alpha * IoU^beta is highest. Returns cells, their objects and soft targets."""
        overlap = pairwise_iou(truth, boxes)
        aligned = scores[:, ids].T ** ALPHA * overlap**BETA
        inside = self._within(truth)
        aligned = torch.where(inside, aligned + 1e-12, torch.zeros_like(aligned))
        best, cells = aligned.topk(min(TOP, aligned.shape[1]), 1)
        chosen = torch.zeros_like(aligned, dtype=torch.bool)
        chosen.scatter_(1, cells, best > 0)
        # A cell that several objects want goes to the one that it overlaps most.
        owner = torch.where(chosen, overlap, -torch.ones_like(overlap)).argmax(0)
        cell = chosen.any(0).nonzero()[:, 0]
        owner = owner[cell]
        mine = torch.zeros_like(chosen)
        mine[owner, cell] = True
        aligned = torch.where(mine, aligned, torch.zeros_like(aligned))
        overlap = torch.where(mine, overlap, torch.zeros_like(overlap))
        scale = overlap.amax(1) / aligned.amax(1).clamp(min=1e-12)
        return cell, owner, aligned[owner, cell] * scale[owner]


def pairwise_iou(a: Tensor, b: Tensor) -> Tensor:
    """IoU (n, m) of boxes x1 y1 x2 y2."""
    start = torch.maximum(a[:, None, :2], b[None, :, :2])
    end = torch.minimum(a[:, None, 2:], b[None, :, 2:])
    shared = (end - start).clamp(min=0).prod(2)
    return shared / (_area(a)[:, None] + _area(b)[None] - shared)


def complete_iou(a: Tensor, b: Tensor) -> Tensor:
    """CIoU (n,) of pairs (Zheng et al., AAAI 2020): IoU less the distance of the centres and the
    difference of the aspects."""
    start, end = torch.maximum(a[:, :2], b[:, :2]), torch.minimum(a[:, 2:], b[:, 2:])
    shared = (end - start).clamp(min=0).prod(1)
    iou = shared / (_area(a) + _area(b) - shared)
    hull = torch.maximum(a[:, 2:], b[:, 2:]) - torch.minimum(a[:, :2], b[:, :2])
    distance = ((a[:, :2] + a[:, 2:] - b[:, :2] - b[:, 2:]) ** 2).sum(1) / 4
    size_a, size_b = (a[:, 2:] - a[:, :2]).clamp(min=1e-3), b[:, 2:] - b[:, :2]
    angle = torch.atan(size_b[:, 0] / size_b[:, 1]) - torch.atan(size_a[:, 0] / size_a[:, 1])
    aspect = (4 / math.pi**2) * angle**2
    with torch.no_grad():
        weight = aspect / (1 - iou + aspect).clamp(min=1e-7)
    return iou - distance / (hull**2).sum(1) - weight * aspect


def _area(boxes: Tensor) -> Tensor:
    return (boxes[:, 2:] - boxes[:, :2]).prod(1)

"""Writes frames with what COCO's own evaluation makes of them, for the tests of src/results/accuracy.ts.

    pip install pycocotools && python coco-cases.py > coco-cases.jsonl

An object that is not judged is one outside COCO's area range here, which is what COCO ignores and yet
takes only once. Detections are all inside it: what matches nothing is a false positive.
"""

import json
import random
import sys

import numpy as np
from pycocotools.cocoeval import COCOeval

CLASSES = ["car", "dog"]
JUDGED, IGNORED = 100.0, 0.0


def frame(rng: random.Random) -> tuple[list[dict], list[dict]]:
    truth, detections = [], []
    for number in range(rng.randint(2, 9)):
        box = [rng.randint(0, 40), rng.randint(0, 40), rng.randint(6, 40), rng.randint(6, 40)]
        visible = rng.choice([1, 0.5, 0.4])
        truth.append({"id": number + 1, "class": rng.choice(CLASSES), "box": box, "visible": visible})
    for _ in range(rng.randint(0, 14)):
        of = rng.choice(truth or [{"class": "car", "box": [5, 5, 20, 20]}])
        box = [max(0, v + rng.randint(-3, 3)) for v in of["box"][:2]]
        box += [max(1, v + rng.randint(-3, 3)) for v in of["box"][2:]]
        name = of["class"] if rng.random() < 0.8 else rng.choice(CLASSES)
        detections.append({"class": name, "confidence": rng.randint(35, 60) / 100, "box": box})
    return detections, truth


def judged(one: dict) -> bool:
    return one["visible"] >= 0.5 and min(one["box"][2:]) >= 8


def evaluate(detections: list[dict], truth: list[dict]) -> dict[str, list[float]]:
    """[objects, found, false positives, ignored objects, sum of the found pairs' IoU] of each class."""
    ids = {name: number + 1 for number, name in enumerate(CLASSES)}
    evaluation = COCOeval(iouType="bbox")
    evaluation.params.imgIds, evaluation.params.catIds = [1], list(ids.values())
    evaluation.params.iouThrs = np.array([0.5])
    expected = {}
    for name, category in ids.items():
        gts = [
            {
                "id": t["id"],
                "bbox": t["box"],
                "area": JUDGED if judged(t) else IGNORED,
                "ignore": 0,
                "iscrowd": 0,
            }
            for t in truth
            if t["class"] == name
        ]
        dts = [
            {"id": i + 1, "bbox": d["box"], "score": d["confidence"], "area": JUDGED}
            for i, d in enumerate(detections)
            if d["class"] == name
        ]
        if not gts and not dts:
            continue
        evaluation._gts = {(1, category): gts}
        evaluation._dts = {(1, category): dts}
        ious = evaluation.computeIoU(1, category)
        evaluation.ious = {(1, category): ious}
        result = evaluation.evaluateImg(1, category, [1, 1e10], 100)
        assert result is not None
        matches, ignores = result["dtMatches"][0], result["dtIgnore"][0]
        index = {gt["id"]: i for i, gt in enumerate(gts)}
        found = [
            (row, int(m))
            for row, (m, ig) in enumerate(zip(matches, ignores, strict=True))
            if m > 0 and not ig
        ]
        expected[name] = [
            sum(1 for t in truth if t["class"] == name and judged(t)),
            len(found),
            int(np.sum((matches == 0) & (ignores == 0))),
            sum(1 for t in truth if t["class"] == name and not judged(t)),
            round(float(sum(ious[row, index[m]] for row, m in found)), 9),
        ]
    return expected


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 24
    rng = random.Random(4)
    for _ in range(count):
        detections, truth = frame(rng)
        print(json.dumps({"detections": detections, "truth": truth, "expected": evaluate(detections, truth)}))


main()

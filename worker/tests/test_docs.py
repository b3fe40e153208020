"""docs/operations.md has every metric and every error of the worker, and none that is not there."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from conftest import RunningWorker

from aiw_worker.errors import Code
from aiw_worker.metrics.collector import WorkerCollector

PAGE = Path(__file__).resolve().parents[2] / "docs" / "operations.md"


def rows(part: str) -> list[list[str]]:
    """Cells of the table in one part of the page, without its head."""
    text = PAGE.read_text(encoding="utf-8")
    match = re.search(rf"<!-- table {part}\b[^>]*-->(.*?)<!-- end {part} -->", text, re.S)
    assert match is not None, f"no part {part}"
    lines = [line for line in match[1].splitlines() if re.match(r"\| [`\d]", line)]
    return [[cell.strip().replace("`", "") for cell in line.strip("|").split(" | ")] for line in lines]


def test_every_metric_with_its_labels_and_words(start_worker: Callable[..., RunningWorker]) -> None:
    watched = start_worker().server.watched({"version": "1", "engine": "x 1", "threads": "2"})
    exported = [
        [
            f"{family.name}_total" if family.type == "counter" else family.name,
            " ".join(sorted({label for sample in family.samples for label in sample.labels} - {"le"})),
            family.documentation,
        ]
        for family in WorkerCollector(watched).collect()
    ]
    assert sorted(rows("worker-metrics")) == sorted(exported)


def test_every_error_with_its_number_and_whether_trying_again_helps() -> None:
    known = [[str(code.value.code), code.name, "yes" if code.value.retryable else ""] for code in Code]
    assert [[number, name, again] for number, name, again, _ in rows("worker-errors")] == known

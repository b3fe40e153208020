"""One frame through a model: preprocess, infer, decode, suppress, map back."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from aiw_worker.datatypes import F32, Candidates, Detections, Frame, Outcome, Size, Thresholds
from aiw_worker.engines.base import Engine
from aiw_worker.errors import Code, WorkerError
from aiw_worker.families.base import Suppression
from aiw_worker.inspect import inspect
from aiw_worker.letterbox import Letterbox
from aiw_worker.nms import suppress
from aiw_worker.preprocess import Preprocessor


class Pipeline:
    """A loaded model with the buffers that its frames pass through. Not for several threads."""

    def __init__(self, engine: Engine, wanted: Size, name: str) -> None:
        """Recognises the model and warms it up.

        Raises:
            WorkerError: whatever inspect() refuses.
        """
        found = inspect(engine, wanted, name)
        self.engine = engine
        self.info = found.info
        self._output = found.output
        self._suppression = found.match.suppression
        self._decoder = found.match.decoder
        self._preprocessor = Preprocessor(found.info.size, found.info.style, found.info.dtype)

    def run(self, frame: Frame, thresholds: Thresholds) -> Outcome:
        """Detections of one frame, best first, in its own pixels.

        Raises:
            WorkerError: the frame is not what it says (FRAME_…), or INFERENCE_FAILED.
        """
        started = time.perf_counter_ns()
        tensor, box = self._preprocessor.prepare(frame)
        prepared = time.perf_counter_ns()
        outputs = self.engine.run(tensor)
        inferred = time.perf_counter_ns()
        detections = self._postprocess(outputs, box, thresholds)
        done = time.perf_counter_ns()
        return Outcome(
            detections,
            started,
            (prepared - started) // 1000,
            (inferred - prepared) // 1000,
            (done - inferred) // 1000,
        )

    def _postprocess(
        self, outputs: Sequence[NDArray[np.generic]], box: Letterbox, thresholds: Thresholds
    ) -> Detections:
        found = self._decoder.decode(self._read(outputs), thresholds.conf, thresholds.classes)
        found = self._suppressed(found, thresholds)
        return Detections(box.to_frame(found.boxes), found.scores, found.class_ids)

    def _read(self, outputs: Sequence[NDArray[np.generic]]) -> F32:
        output = outputs[self._output]
        if output.ndim != 3:
            raise WorkerError(Code.INFERENCE_FAILED, f"the model's output became {output.shape}")
        return output.astype(np.float32, copy=False)

    def _suppressed(self, found: Candidates, thresholds: Thresholds) -> Candidates:
        limit = thresholds.max_detections
        if self._suppression == Suppression.NONE:
            return Candidates(found.boxes[:limit], found.scores[:limit], found.class_ids[:limit])
        classes = found.class_ids if self._suppression == Suppression.CLASS else None
        kept = suppress(found.boxes, found.scores, classes, thresholds.iou, limit)
        return Candidates(found.boxes[kept], found.scores[kept], found.class_ids[kept])

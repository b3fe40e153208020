"""Translates what the worker counts anyway to Prometheus, when a scrape comes and not before."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from aiw_worker.errors import Code
from aiw_worker.histogram import Histogram
from aiw_worker.lifecycle import State
from aiw_worker.metrics.names import COUNTS, ERRORS, GAUGES, Watched

# Errors from here on end the process before anybody is told.
_NOT_TOLD = 600


class WorkerCollector(Collector):
    """The worker's own metrics."""

    def __init__(self, watched: Watched) -> None:
        self._watched = watched

    def collect(self) -> Iterator[Metric]:
        """All of them, as of now."""
        watched = self._watched
        yield self._state()
        for name, text, read in GAUGES:
            yield GaugeMetricFamily(name, text, value=read(watched))
        yield from self._frames()
        for count, (name, text) in COUNTS.items():
            yield CounterMetricFamily(name, text, value=watched.counters[count])
        yield self._errors()
        about = GaugeMetricFamily("worker_info", "What this worker is; always 1.", labels=list(watched.about))
        about.add_metric(list(watched.about.values()), 1)
        yield about

    def _state(self) -> Metric:
        family = GaugeMetricFamily("worker_state", "1 for the state that it is in.", labels=["state"])
        current = self._watched.lifecycle.state
        for state in State:
            family.add_metric([state.value], state is current)
        return family

    def _frames(self) -> Iterator[Metric]:
        progress, load = self._watched.progress, self._watched.counters.model_load
        yield CounterMetricFamily(
            "frames_processed", "Frames answered with a Result.", value=progress.inference.count
        )
        yield _family("inference_time_ms", "Inference of a frame, milliseconds.", progress.inference, 1000)
        for name, text, histogram in (
            ("queue", "Wait of a frame, received in whole, for its turn", progress.queue),
            ("preprocess", "Preprocessing of a frame", progress.preprocess),
            ("postprocess", "Postprocessing of a frame", progress.postprocess),
        ):
            yield _family(f"{name}_time_seconds", f"{text}, seconds.", histogram, 1_000_000)
        yield _family("model_load_seconds", "Loads of models that worked, seconds.", load, 1000)

    def _errors(self) -> Metric:
        family = CounterMetricFamily(*ERRORS, labels=["name"])
        told = self._watched.counters.errors()
        for code in Code:
            # Those that never happened too: an alert on the first one needs the 0 before it.
            if code.value.code < _NOT_TOLD:
                family.add_metric([code.name], told.get(code, 0))
        return family


class Exposition:
    """The text that a scrape gets."""

    def __init__(self, watched: Watched) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(WorkerCollector(watched))
        # CPU time, memory and open files of this process, where the system has /proc.
        ProcessCollector(registry=self._registry)

    def text(self, accept: str) -> tuple[bytes, str]:
        """The metrics, and their content type, of those that an Accept header names."""
        encode, content_type = choose_encoder(accept)
        return encode(self._registry), content_type


def _family(name: str, text: str, histogram: Histogram, per_unit: int) -> Metric:
    counts, total = histogram.read()
    bounds = [*(f"{bound / per_unit:g}" for bound in histogram.bounds), "+Inf"]
    buckets = list(zip(bounds, accumulate(counts), strict=True))
    return HistogramMetricFamily(name, text, buckets=buckets, sum_value=total / per_unit)

"""Between bytes and values. The only module, with the schema, that knows protobuf."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from aiw_worker.datatypes import Bytes, Detections, Frame, Outcome
from aiw_worker.errors import Code, WorkerError
from aiw_worker.framing import SMALL_BYTES
from aiw_worker.scanner import bytes_beside_frame, find_frame_data
from aiw_worker.schema import DecodeError, Envelope, FrameHeader

_UINT32_MAX = 2**32 - 1


@dataclass(frozen=True, slots=True)
class Init:
    """What a client asks for. None = absent, 0 and "" = as the worker sees fit."""

    model_path: str
    width: int = 0
    height: int = 0
    conf: float | None = None
    iou: float | None = None
    max_detections: int = 0
    classes: tuple[int, ...] = ()
    require_provider: str = ""
    client_id: str = ""
    # Not in its repr: that may end up in a log.
    token: str = field(default="", repr=False)
    priority: int = 0
    # A session to go on in; "" = a new one, or that of before on this connection.
    session_id: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class End:
    """Closes the session; the connection may stay."""


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """The peer is alive."""


@dataclass(frozen=True, slots=True)
class InitOk:
    """Fields of ai.InitOk, by their names there."""

    runtime: str
    model_version: str
    class_names: Sequence[str]
    max_frame_bytes: int
    providers: Sequence[str]
    model_id: str
    mean: Sequence[float]
    std: Sequence[float]
    worker_version: str
    pixel_formats: Sequence[str]
    input_shape: Sequence[int]
    family: str
    engine: str
    threads: int
    warnings: Sequence[str]
    session_id: str = ""


@dataclass(frozen=True, slots=True)
class Usage:
    """CPU time since the start, microseconds, and resident memory, bytes, of this process."""

    cpu_us: int
    rss_bytes: int


Message = Init | Frame | End | Heartbeat


def parse(body: bytes | memoryview) -> Message | None:
    """One message from its body; None for what this worker does not know, which is ignored.

    The data of a Frame is a view of `body` wherever the encoding allows it.

    Raises:
        WorkerError: MESSAGE_UNPARSABLE, or MESSAGE_TOO_LARGE for what is large and no frame.
    """
    received_ns = time.perf_counter_ns()
    leased = isinstance(body, memoryview)
    view = memoryview(body)
    try:
        span = find_frame_data(view)
        if span is not None:
            head = bytes(view[span.frame_start : span.field_start]) + bytes(view[span.data_end :])
            data = view[span.data_start : span.data_end]
            return _frame(FrameHeader.FromString(head), data, received_ns, leased)
        if len(view) > SMALL_BYTES and bytes_beside_frame(view) > SMALL_BYTES:
            # Lists and names of that size would take many times their bytes, and the event loop's time.
            raise WorkerError(
                Code.MESSAGE_TOO_LARGE,
                f"a message of {len(view)} bytes came; but for a frame's own, {SMALL_BYTES} are allowed",
            )
        return _message(Envelope.FromString(view), received_ns)
    except DecodeError as error:
        raise WorkerError(
            Code.MESSAGE_UNPARSABLE, f"a message of {len(view)} bytes is not an ai.Envelope"
        ) from error


def _message(envelope: Any, received_ns: int) -> Message | None:
    kind = envelope.WhichOneof("msg")
    if kind == "hb":
        return Heartbeat()
    if kind != "req":
        return None
    kind = envelope.req.WhichOneof("kind")
    if kind == "frame":
        frame = envelope.req.frame
        return _frame(frame, frame.data, received_ns, leased=False)
    if kind == "end":
        return End()
    return _init(envelope.req.init) if kind == "init" else None


def _frame(header: Any, data: Bytes, received_ns: int, leased: bool) -> Frame:
    return Frame(
        header.seq,
        header.ts_iso,
        header.ts_mono_ns,
        header.width,
        header.height,
        header.pix_fmt,
        data,
        received_ns,
        leased,
    )


def _init(init: Any) -> Init:
    return Init(
        model_path=init.model_path,
        width=init.width,
        height=init.height,
        conf=init.conf_threshold if init.HasField("conf_threshold") else None,
        iou=init.iou_threshold if init.HasField("iou_threshold") else None,
        max_detections=init.max_detections,
        classes=tuple(init.classes_filter),
        require_provider=init.require_provider,
        client_id=init.client_id,
        token=init.token,
        priority=init.priority,
        session_id=init.session_id,
    )


def encode_heartbeat() -> bytes:
    """A Heartbeat with this machine's monotonic clock."""
    envelope = Envelope()
    envelope.hb.ts_mono_ns = time.monotonic_ns()
    return _prefixed(envelope)


def encode_ready(seq: int) -> bytes:
    """One credit: seq 0 after Init, a frame's seq after an Error about it."""
    envelope = Envelope()
    envelope.res.ready.seq = seq
    envelope.res.ready.SetInParent()
    return _prefixed(envelope)


def encode_error(error: WorkerError, seq: int | None = None) -> bytes:
    """An Error, about a frame where `seq` is given."""
    envelope = Envelope()
    message = envelope.res.error
    message.code = error.code
    # Names that came from a client may hold anything; lone surrogates can't be encoded.
    message.message = error.message.encode("utf-8", "replace").decode("utf-8")
    message.name = error.name
    message.retryable = error.retryable
    message.retry_after_ms = error.retry_after_ms
    if seq is not None:
        message.seq = seq
    return _prefixed(envelope)


def encode_init_ok(values: InitOk) -> bytes:
    """An InitOk."""
    envelope = Envelope()
    ok = envelope.res.init_ok
    ok.runtime = values.runtime
    ok.model_version = values.model_version
    ok.class_names.extend(values.class_names)
    ok.max_frame_bytes = values.max_frame_bytes
    ok.providers.extend(values.providers)
    ok.model_id = values.model_id
    ok.preproc.layout = "NCHW"
    ok.preproc.mean.extend(values.mean)
    ok.preproc.std.extend(values.std)
    ok.preproc.letterbox = True
    ok.worker_version = values.worker_version
    ok.window = 1
    ok.pixel_formats.extend(values.pixel_formats)
    ok.input_shape.extend(values.input_shape)
    ok.family = values.family
    ok.engine = values.engine
    ok.threads = values.threads
    ok.warnings.extend(values.warnings)
    ok.session_id = values.session_id
    return _prefixed(envelope)


def encode_result(frame: Frame, outcome: Outcome, class_names: Sequence[str], usage: Usage) -> bytes:
    """A Result: the frame's own seq and times, its detections and its stages."""
    envelope = Envelope()
    result = envelope.res.result
    result.seq = frame.seq
    result.ts_iso = frame.ts_iso
    result.ts_mono_ns = frame.ts_mono_ns
    result.queue_us = _us(max(0, outcome.started_ns - frame.received_ns) // 1000)
    result.preprocess_us = _us(outcome.preprocess_us)
    result.inference_us = _us(outcome.inference_us)
    result.postprocess_us = _us(outcome.postprocess_us)
    result.process_cpu_us = usage.cpu_us
    result.process_rss_bytes = usage.rss_bytes
    _add_detections(result.detections, outcome.detections, class_names)
    return _prefixed(envelope)


def _add_detections(target: Any, found: Detections, class_names: Sequence[str]) -> None:
    rows = zip(found.boxes.tolist(), found.scores.tolist(), found.class_ids.tolist(), strict=True)
    for (x, y, w, h), score, class_id in rows:
        detection = target.add(cls=class_names[class_id], conf=score, class_id=class_id)
        box = detection.bbox
        box.x, box.y, box.w, box.h = x, y, w, h


def _us(value: int) -> int:
    return min(value, _UINT32_MAX)


def _prefixed(envelope: Any) -> bytes:
    body: bytes = envelope.SerializeToString()
    return len(body).to_bytes(4, "little") + body

"""What an Init asks for, checked, and what answers it."""

from __future__ import annotations

from aiw_worker import __version__
from aiw_worker.codec import Init, InitOk
from aiw_worker.datatypes import Size, Thresholds
from aiw_worker.errors import Code, WorkerError
from aiw_worker.framing import MAX_FRAME_BYTES
from aiw_worker.inspect import size_warnings
from aiw_worker.models import Lease
from aiw_worker.pixels import PIXEL_FORMATS

_MAX_DETECTIONS = 1000
_DEFAULTS = Thresholds()


def thresholds_of(init: Init) -> Thresholds:
    """The thresholds that an Init asks for, the worker's own where it names none.

    Raises:
        WorkerError: SETTING_INVALID.
    """
    for name, value in (("conf_threshold", init.conf), ("iou_threshold", init.iou)):
        # Written so that NaN fails too.
        if value is not None and not 0 <= value <= 1:
            raise WorkerError(Code.SETTING_INVALID, f"{name} is {value:g}; it must lie between 0 and 1")
    if init.max_detections > _MAX_DETECTIONS:
        raise WorkerError(
            Code.SETTING_INVALID,
            f"max_detections is {init.max_detections}; at most {_MAX_DETECTIONS} are possible",
        )
    return Thresholds(
        # The wire's floats are 32-bit, and so are scores: 0.3 there and here are then the same number.
        _DEFAULTS.conf if init.conf is None else init.conf,
        _DEFAULTS.iou if init.iou is None else init.iou,
        init.max_detections or _DEFAULTS.max_detections,
        tuple(sorted(set(init.classes))),
    )


def check_against_model(init: Init, lease: Lease) -> None:
    """What of an Init only the loaded model can tell.

    Raises:
        WorkerError: CLASS_UNKNOWN or PROVIDER_MISSING.
    """
    count = len(lease.pipeline.info.class_names)
    beyond = [class_id for class_id in init.classes if class_id >= count]
    if beyond:
        raise WorkerError(
            Code.CLASS_UNKNOWN,
            f"classes_filter names class {beyond[0]}; the model has {count}, numbered from 0",
        )
    providers = lease.pipeline.engine.providers
    if init.require_provider and init.require_provider not in providers:
        started = ", ".join(providers)
        raise WorkerError(
            Code.PROVIDER_MISSING,
            f"the required provider '{init.require_provider[:64]}' did not start; there is {started}",
        )


def init_ok(init: Init, lease: Lease, session_id: str = "") -> InitOk:
    """The answer to an Init that was accepted."""
    info, engine = lease.pipeline.info, lease.pipeline.engine
    scaled = info.style.scale != 1
    return InitOk(
        runtime=f"{engine.name} {engine.version}",
        model_version=info.version or lease.model_id[:12],
        class_names=info.class_names,
        max_frame_bytes=MAX_FRAME_BYTES,
        providers=engine.providers,
        model_id=lease.model_id,
        mean=(0.0, 0.0, 0.0) if scaled else (),
        std=(1.0, 1.0, 1.0) if scaled else (),
        worker_version=__version__,
        pixel_formats=PIXEL_FORMATS,
        input_shape=(1, 3, info.size.height, info.size.width),
        family=info.family,
        engine=engine.name,
        threads=engine.threads,
        warnings=[*engine.warnings, *size_warnings(info, Size(init.width, init.height)), *info.notes],
        session_id=session_id,
    )

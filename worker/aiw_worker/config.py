"""The worker's settings: flag, then environment, then default. Standard library only: it is read first."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from aiw_worker import __version__
from aiw_worker.addresses import Address, parse_address
from aiw_worker.admission import DEFAULT_CLIENTS, MAX_CONNECTIONS
from aiw_worker.errors import Code, WorkerError
from aiw_worker.lifecycle import DEFAULT_IDLE_TIMEOUT_S

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 7001
MAX_THREADS = 1024
DEFAULT_MODELS = 4
MAX_MODELS = 1024
# A year.
MAX_IDLE_TIMEOUT_S = 366 * 24 * 3600
_CONTAINER_MODELS = Path("/models")
_ENGINES = ("auto", "onnxruntime", "openvino")
# "auto": a GPU where the installed engine has one.
_DEVICES = ("auto", "cpu", "cuda")
_EXAMPLES = """examples:
  python -m aiw_worker --model-dir models
  python -m aiw_worker --port 0 --threads 2 --log-format json --exit-with-stdin
  python -m aiw_worker --host 0.0.0.0 --token-file /run/secrets/aiw
  python -m aiw_worker --metrics 127.0.0.1:9101
  python -m aiw_worker --host 0.0.0.0 --insecure    (in a container on a private network)
"""


@dataclass(frozen=True, slots=True)
class Config:
    """Everything that can be set. `threads` 0 = as many as the process may use."""

    host: str = DEFAULT_HOST
    port: int = DEFAULT_PORT
    model_dirs: tuple[Path, ...] = ()
    threads: int = 0
    engine: str = "auto"
    device: str = "auto"
    log_format: str = "pretty"
    debug: bool = False
    exit_with_stdin: bool = False
    insecure: bool = False
    token_file: str | None = None
    max_clients: int = DEFAULT_CLIENTS
    max_connections: int = MAX_CONNECTIONS
    max_models: int = DEFAULT_MODELS
    idle_timeout_s: int = DEFAULT_IDLE_TIMEOUT_S
    sessions_dir: Path | None = None
    tls_cert: str | None = None
    tls_key: str | None = None
    tls_client_ca: str | None = None
    metrics: Address | None = None


class Parser(argparse.ArgumentParser):
    """Raises what argparse would print."""

    def error(self, message: str) -> NoReturn:
        raise WorkerError(Code.USAGE, f"{message} (see --help)")


def parse_config(arguments: Sequence[str], environment: Mapping[str, str]) -> Config:
    """Settings from the command line and BIND_HOST, BIND_PORT, IDLE_TIMEOUT_SEC, AIW_INSECURE.

    Raises:
        WorkerError: USAGE.
    """
    found = _parser(environment).parse_args(arguments)
    return Config(
        host=found.host,
        port=checked_number("--port (or BIND_PORT)", found.port, 0, 65535),
        model_dirs=_model_dirs(found.model_dir),
        threads=checked_number("--threads", found.threads, 0, MAX_THREADS),
        engine=found.engine,
        device=found.device,
        log_format=found.log_format,
        debug=found.debug,
        exit_with_stdin=found.exit_with_stdin,
        insecure=found.insecure or environment.get("AIW_INSECURE") == "1",
        token_file=found.token_file,
        tls_cert=found.tls_cert,
        tls_key=found.tls_key,
        tls_client_ca=found.tls_client_ca,
        max_clients=checked_number("--max-clients", found.max_clients, 1, MAX_CONNECTIONS),
        max_models=checked_number("--max-models", found.max_models, 1, MAX_MODELS),
        idle_timeout_s=checked_number(
            "--idle-timeout (or IDLE_TIMEOUT_SEC)", found.idle_timeout, 0, MAX_IDLE_TIMEOUT_S
        ),
        metrics=None if found.metrics is None else parse_address("--metrics", found.metrics),
        sessions_dir=None if found.sessions_dir is None else _sessions_dir(found.sessions_dir),
    )


def _parser(environment: Mapping[str, str]) -> Parser:
    parser = Parser(
        prog="aiw-worker",
        description="Runs object detection on frames that come over TCP.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--version", action="version", version=f"aiw-worker {__version__}")
    add(
        "--host",
        default=environment.get("BIND_HOST") or DEFAULT_HOST,
        help="address to listen on (default: 127.0.0.1)",
    )
    add(
        "--port",
        default=environment.get("BIND_PORT") or str(DEFAULT_PORT),
        help="port to listen on, 0 = a free one (default: 7001)",
    )
    add(
        "--model-dir",
        action="append",
        default=[],
        metavar="DIR",
        help="where models may be loaded from, repeatable (default: the working folder, and /models)",
    )
    add("--threads", default="0", help="threads of one inference (default: the cores it may use)")
    add("--engine", choices=_ENGINES, default="auto", help="what runs the model (default: auto)")
    add("--device", choices=_DEVICES, default="auto", help="where inference runs (default: auto)")
    add("--log-format", choices=("pretty", "json"), default="pretty", help="of the log on stderr")
    add("--debug", action="store_true", help="log more, and tracebacks")
    add("--exit-with-stdin", action="store_true", help="end when stdin does: dies with its parent")
    add(
        "--max-clients",
        default=str(DEFAULT_CLIENTS),
        metavar="N",
        help=f"clients served at once (default: {DEFAULT_CLIENTS})",
    )
    add(
        "--max-models",
        default=str(DEFAULT_MODELS),
        metavar="N",
        help=f"models loaded at once (default: {DEFAULT_MODELS})",
    )
    add(
        "--idle-timeout",
        default=environment.get("IDLE_TIMEOUT_SEC") or str(DEFAULT_IDLE_TIMEOUT_S),
        metavar="SECONDS",
        help=f"unload models that nobody used for so long (default: {DEFAULT_IDLE_TIMEOUT_S})",
    )
    add(
        "--sessions-dir",
        metavar="DIR",
        help="write the detections of each session here (default: nowhere)",
    )
    add(
        "--token-file",
        metavar="FILE",
        help="token that clients must know (or AIW_TOKEN, AIW_TOKEN_FILE)",
    )
    add("--tls-cert", metavar="FILE", help="certificate to serve TLS with, PEM")
    add("--tls-key", metavar="FILE", help="its key, PEM (default: it is in the certificate's file)")
    add("--tls-client-ca", metavar="FILE", help="who must have signed the certificates of clients, PEM")
    add(
        "--metrics",
        metavar="HOST:PORT",
        help="serve Prometheus metrics, /healthz and /readyz here, to everybody (default: nowhere)",
    )
    add(
        "--insecure",
        action="store_true",
        help="allow an address beyond loopback without token or TLS (or AIW_INSECURE=1)",
    )
    return parser


def checked_number(name: str, text: str, low: int, high: int) -> int:
    """A whole number of the command line.

    Raises:
        WorkerError: USAGE, naming the setting and the value.
    """
    try:
        value = int(text)
    except ValueError:
        value = low - 1
    if not low <= value <= high:
        raise WorkerError(Code.USAGE, f"{name} is '{text}'; it must be a whole number from {low} to {high}")
    return value


def _model_dirs(named: Sequence[str]) -> tuple[Path, ...]:
    if not named:
        return (Path.cwd(), _CONTAINER_MODELS) if _CONTAINER_MODELS.is_dir() else (Path.cwd(),)
    for name in named:
        if not Path(name).is_dir():
            raise WorkerError(Code.USAGE, f"--model-dir '{name}' is not a folder")
        if not os.access(name, os.R_OK | os.X_OK):
            raise WorkerError(Code.USAGE, f"--model-dir '{name}' can't be read")
    return tuple(Path(name) for name in named)


def _sessions_dir(name: str) -> Path:
    path = Path(name)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = error.strerror or "it can't be made"
        raise WorkerError(
            Code.USAGE, f"--sessions-dir '{name}' is no folder to write to: {reason}"
        ) from error
    if not os.access(path, os.W_OK | os.X_OK | os.R_OK):
        raise WorkerError(Code.USAGE, f"--sessions-dir '{name}' can't be written to")
    return path.resolve()

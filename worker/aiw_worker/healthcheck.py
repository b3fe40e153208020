"""`python -m aiw_worker.healthcheck`: whether a worker serves, as an exit code and one line. See probe.py."""

from __future__ import annotations

import argparse
import logging
import os
import sys
import threading
from collections.abc import MutableMapping, Sequence
from typing import NoReturn

from aiw_worker.addresses import Address
from aiw_worker.config import DEFAULT_HOST, DEFAULT_PORT, Parser, checked_number
from aiw_worker.endings import leave
from aiw_worker.errors import Code, WorkerError
from aiw_worker.probe import Target, UnhealthyError, ask, client_context
from aiw_worker.tokens import read_secret

_DEFAULT_TIMEOUT_S = 3
_MAX_TIMEOUT_S = 3600
# What can't be given a time itself, as looking up a name, gets this much more.
_LAST_RESORT_S = 0.2
# For all that is not health, bad usage too: container engines know no other.
_UNHEALTHY = 1
# Where a worker listens that is to be reached from everywhere, and where it is found from here.
_WILDCARDS = {"0.0.0.0": "127.0.0.1", "::": "::1"}
_EXAMPLES = """examples:
  python -m aiw_worker.healthcheck
  python -m aiw_worker.healthcheck --host worker --port 7001 --timeout 1
  python -m aiw_worker.healthcheck --tls-ca cert.pem --tls-server-name worker.example

exit codes: 0 healthy, 1 not
"""


def main() -> NoReturn:
    """Ends the process, in time whatever the worker does."""
    # What the worker's modules have to say of a token file, the worker has said.
    logging.getLogger("aiw_worker").addHandler(logging.NullHandler())
    try:
        target = parse_target(sys.argv[1:], os.environ)
        late = threading.Timer(target.timeout_s + _LAST_RESORT_S, _too_late, (target,))
        late.daemon = True
        late.start()
        print(f"healthy: {ask(target)}")
    except WorkerError as error:
        _fail(f"{error.name}: {error.message}")
    except UnhealthyError as error:
        _fail(str(error))
    leave(0)


def parse_target(arguments: Sequence[str], environment: MutableMapping[str, str]) -> Target:
    """Whom to ask, from the command line and the variables of the worker and its clients.

    Raises:
        WorkerError: USAGE.
    """
    found = _parser(environment).parse_args(arguments)
    port = checked_number("--port (or BIND_PORT)", found.port, 1, 65535)
    with_tls = found.tls or found.tls_ca is not None or found.tls_cert is not None
    return Target(
        address=Address(_WILDCARDS.get(found.host, found.host), port),
        timeout_s=_seconds(found.timeout),
        token=read_secret(found.token_file, environment) or "",
        tls=client_context(found.tls_ca, found.tls_cert, found.tls_key) if with_tls else None,
        server_name=found.tls_server_name,
    )


def _parser(environment: MutableMapping[str, str]) -> Parser:
    parser = Parser(
        prog="aiw-worker-healthcheck",
        description="Asks a worker whether it serves.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add(
        "--host",
        default=environment.get("BIND_HOST") or DEFAULT_HOST,
        help="where the worker listens (or BIND_HOST; default: 127.0.0.1)",
    )
    add(
        "--port",
        default=environment.get("BIND_PORT") or str(DEFAULT_PORT),
        help="its port (or BIND_PORT; default: 7001)",
    )
    add("--timeout", default=str(_DEFAULT_TIMEOUT_S), metavar="SECONDS", help="for all of it (default: 3)")
    add(
        "--token-file",
        metavar="FILE",
        help="a token to show it (or AIW_TOKEN, AIW_TOKEN_FILE)",
    )
    add("--tls", action="store_true", help="speak TLS, and trust whom the system does")
    add(
        "--tls-ca",
        default=environment.get("AIW_TLS_CA") or None,
        metavar="FILE",
        help="speak TLS, and trust this authority or certificate, PEM (or AIW_TLS_CA)",
    )
    add(
        "--tls-server-name",
        default="",
        metavar="NAME",
        help="whom the certificate is for (default: the host)",
    )
    add(
        "--tls-cert",
        default=environment.get("AIW_TLS_CERT") or None,
        metavar="FILE",
        help="our certificate, for a worker that asks for one (or AIW_TLS_CERT)",
    )
    add(
        "--tls-key",
        default=environment.get("AIW_TLS_KEY") or None,
        metavar="FILE",
        help="its key (or AIW_TLS_KEY)",
    )
    return parser


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    # Written so that NaN fails too.
    if not 0 < value <= _MAX_TIMEOUT_S:
        raise WorkerError(
            Code.USAGE, f"--timeout is '{text}'; it must be above 0 and at most {_MAX_TIMEOUT_S}"
        )
    return value


def _too_late(target: Target) -> NoReturn:
    _fail(f"{target.address} did not answer within {target.timeout_s:g} s")


def _fail(why: str) -> NoReturn:
    print(f"unhealthy: {why}", file=sys.stderr)
    leave(_UNHEALTHY)


if __name__ == "__main__":
    main()

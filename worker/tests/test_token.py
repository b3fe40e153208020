"""The token: where it is read from, who is turned away, and that it shows nowhere."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from client import Client

from aiw_worker.codec import Init
from aiw_worker.errors import Code, WorkerError
from aiw_worker.schema import Envelope
from aiw_worker.tokens import Token, take_token

SECRET = "correct-horse-battery"
PIXELS = np.zeros((8, 8, 3), np.uint8)


def token_file(folder: Path, data: bytes, mode: int = 0o600) -> str:
    path = folder / "token"
    path.write_bytes(data)
    path.chmod(mode)
    return str(path)


def test_flag_then_variable_then_file(tmp_path: Path) -> None:
    named = token_file(tmp_path, f"{SECRET}\n".encode())
    for flag, environment in (
        (named, {"AIW_TOKEN": "other", "AIW_TOKEN_FILE": "nowhere"}),
        (None, {"AIW_TOKEN": SECRET, "AIW_TOKEN_FILE": "nowhere"}),
        (None, {"AIW_TOKEN_FILE": named}),
    ):
        token = take_token(flag, environment)
        assert token is not None
        token.check(SECRET)
        # Nothing that a child process could inherit.
        assert environment == {}
    assert take_token(None, {}) is None


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (None, "can't be read"),
        (b"", "is empty"),
        (b" \n", "is empty"),
        (b"a\nb\n", "more than one line"),
        (b"x" * 5000, "more than one line"),
        (b"\xff\xfe", "not text"),
    ],
)
def test_bad_token_file(tmp_path: Path, data: bytes | None, word: str) -> None:
    named = str(tmp_path / "token") if data is None else token_file(tmp_path, data)
    for flag, environment, setting in (
        (named, {}, "--token-file"),
        (None, {"AIW_TOKEN_FILE": named}, "AIW_TOKEN_FILE"),
    ):
        with pytest.raises(WorkerError) as caught:
            take_token(flag, environment)
        assert caught.value.kind is Code.USAGE
        assert word in caught.value.message
        assert f"{setting} '{named}'" in caught.value.message


def test_folder_and_unreadable_file_and_empty_variable(tmp_path: Path) -> None:
    with pytest.raises(WorkerError, match="not a file"):
        take_token(str(tmp_path), {})
    with pytest.raises(WorkerError, match="AIW_TOKEN is empty"):
        take_token(None, {"AIW_TOKEN": ""})
    named = token_file(tmp_path, b"x", 0o000)
    if not os.access(named, os.R_OK):
        with pytest.raises(WorkerError, match="Permission denied"):
            take_token(named, {})


@pytest.mark.skipif(sys.platform == "win32", reason="has no such permissions")
@pytest.mark.parametrize(
    ("mode", "warned"), [(0o644, True), (0o640, True), (0o620, True), (0o600, False), (0o400, False)]
)
def test_file_that_others_may_use_is_warned_of(tmp_path: Path, caplog: Any, mode: int, warned: bool) -> None:
    named = token_file(tmp_path, SECRET.encode(), mode)
    for flag, environment in ((named, {}), (None, {"AIW_TOKEN_FILE": named})):
        caplog.clear()
        take_token(flag, environment)
        # One line, which names the file and the way out.
        assert [f"chmod 600 {named}" in each.message for each in caplog.records] == [True] * warned
    assert SECRET not in caplog.text


@pytest.mark.skipif(sys.platform == "win32", reason="has no such permissions")
def test_credentials_of_systemd_are_not_warned_of(tmp_path: Path, caplog: Any) -> None:
    named = token_file(tmp_path, SECRET.encode(), 0o440)
    take_token(None, {"AIW_TOKEN_FILE": named, "CREDENTIALS_DIRECTORY": str(tmp_path)})
    assert not caplog.records
    take_token(None, {"AIW_TOKEN_FILE": named, "CREDENTIALS_DIRECTORY": str(tmp_path / "of-another")})
    assert caplog.records


def test_comparison() -> None:
    token = Token(SECRET)
    token.check(SECRET)
    for given, kind in (("", Code.TOKEN_MISSING), (SECRET + "x", Code.TOKEN_WRONG), ("ü", Code.TOKEN_WRONG)):
        with pytest.raises(WorkerError) as caught:
            token.check(given)
        assert caught.value.kind is kind
        assert SECRET not in caught.value.message
    assert SECRET not in repr(Init("m.onnx", token=SECRET))


@pytest.mark.parametrize(("fields", "name"), [({}, "TOKEN_MISSING"), ({"token": "wrong-one"}, "TOKEN_WRONG")])
def test_without_the_token_nothing_is_served_but_another_init(
    start_worker: Any, caplog: Any, fields: dict[str, str], name: str
) -> None:
    caplog.set_level(logging.DEBUG)
    with Client(start_worker(token=SECRET).port, Envelope) as client:
        # A file that isn't there is not even looked for.
        client.init("missing.onnx", **fields)
        assert client.expect("error").name == name
        client.frame(1, PIXELS)
        assert client.refused(1).name == "NOT_INITIALISED"
        client.start("a.onnx", token=SECRET)
        client.detect(2, PIXELS)
        # What it had is gone, too.
        client.init("a.onnx", **fields)
        assert client.expect("error").name == name
        client.frame(3, PIXELS)
        assert client.refused(3).name == "NOT_INITIALISED"
        client.start("a.onnx", token=SECRET)
        client.detect(4, PIXELS)
    assert SECRET not in caplog.text
    assert "wrong-one" not in caplog.text


def test_token_for_a_worker_that_wants_none_is_ignored(start_worker: Any) -> None:
    with Client(start_worker().port, Envelope) as client:
        client.start("a.onnx", token=SECRET)

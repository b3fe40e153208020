"""Just enough of HTTP for scrapes and probes: one GET a connection, with bounds on everything.

A thread a connection could be used up by those who connect and say nothing. Here a connection costs a few
hundred bytes; one that takes long is ended, and where there are too many the oldest makes room.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import cast

from aiw_worker import log

MAX_CONNECTIONS = 64
# From the connection to the last byte of the answer read.
DEADLINE_S = 5.0
_MAX_HEAD_BYTES = 8192
_END = b"\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole response."""

    status: HTTPStatus
    body: bytes
    content_type: str = "text/plain; charset=utf-8"


# Gets the request's Accept header ("" = none).
Page = Callable[[str], Awaitable[Answer]]


def plain(status: HTTPStatus, text: str) -> Answer:
    """An answer of one line."""
    return Answer(status, f"{text}\n".encode())


class Conversations:
    """Those that go on, oldest first."""

    def __init__(self, pages: Mapping[str, Page], deadline_s: float, most: int) -> None:
        self.pages = pages
        self.deadline_s = deadline_s
        self._most = most
        self._open: dict[Conversation, asyncio.Transport] = {}

    def begin(self, one: Conversation, transport: asyncio.Transport) -> None:
        """One more; the oldest goes where there are too many."""
        self._open[one] = transport
        if len(self._open) > self._most:
            next(iter(self._open.values())).abort()

    def end(self, one: Conversation) -> None:
        """One less."""
        self._open.pop(one, None)


class Conversation(asyncio.Protocol):
    """One connection: a request in, an answer out, and its end."""

    def __init__(self, all_of_them: Conversations) -> None:
        self._all = all_of_them
        self._head = b""
        self._answering: asyncio.Task[None] | None = None
        self._transport: asyncio.Transport
        self._timer: asyncio.TimerHandle

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Its time begins."""
        self._transport = cast(asyncio.Transport, transport)
        self._timer = asyncio.get_running_loop().call_later(self._all.deadline_s, self._transport.abort)
        self._all.begin(self, self._transport)

    def data_received(self, data: bytes) -> None:
        """Waits for the head to be complete; a body is not looked at."""
        if self._answering is not None:
            return
        self._head += data
        if _END in self._head or len(self._head) > _MAX_HEAD_BYTES:
            self._answering = asyncio.get_running_loop().create_task(self._converse())

    def connection_lost(self, exc: Exception | None) -> None:
        """Frees everything."""
        self._timer.cancel()
        self._all.end(self)
        if self._answering is not None:
            self._answering.cancel()

    async def _converse(self) -> None:
        try:
            with_body, answer = await self._answer()
        except Exception as error:
            log.exception("a scrape failed", error)
            with_body, answer = True, plain(HTTPStatus.INTERNAL_SERVER_ERROR, "failed; see the worker's log")
        head = (
            f"HTTP/1.1 {answer.status.value} {answer.status.phrase}\r\n"
            f"Content-Type: {answer.content_type}\r\nContent-Length: {len(answer.body)}\r\n"
            "Cache-Control: no-store\r\nConnection: close\r\n\r\n"
        )
        self._transport.write(head.encode() + (answer.body if with_body else b""))
        self._transport.close()

    async def _answer(self) -> tuple[bool, Answer]:
        """Whether the body is wanted, and the answer."""
        if _END not in self._head:
            return True, plain(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "the request's head is too long")
        first, *fields = self._head.partition(_END)[0].decode("latin-1").split("\r\n")
        words = first.split(" ")
        if len(words) != 3 or not words[2].startswith("HTTP/1."):
            return True, plain(HTTPStatus.BAD_REQUEST, "this is HTTP/1.1; say: GET /metrics HTTP/1.1")
        method, target, _ = words
        page = self._all.pages.get(target.partition("?")[0])
        if method not in ("GET", "HEAD"):
            return True, plain(HTTPStatus.METHOD_NOT_ALLOWED, "only GET and HEAD are answered")
        if page is None:
            return True, plain(HTTPStatus.NOT_FOUND, f"there is {', '.join(self._all.pages)}")
        pairs = (field.partition(":") for field in fields)
        accept = next((value.strip() for name, _, value in pairs if name.lower() == "accept"), "")
        return method == "GET", await page(accept)

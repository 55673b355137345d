"""Connections with deadlines: who connects and does not send a whole head is cut off."""

import asyncio
from collections.abc import Callable

HEAD_S = 10.0  # from the connection, or from the last answer, to the end of the next head
MOST_OPEN = 500


class Deadlines:
    """The open connections; each has `head_s` seconds for a request's head, again and again. More
    than `most_open` at once are not let in. Belongs to one event loop.
    """

    def __init__(self, head_s: float = HEAD_S, most_open: int = MOST_OPEN) -> None:
        self._head_s, self._most_open = head_s, most_open
        self._timers: dict[asyncio.BaseTransport, asyncio.TimerHandle] = {}
        self._open = 0

    def guard(self, make_protocol: Callable[[], asyncio.Protocol]) -> Callable[[], "Guarded"]:
        """The same protocols with deadlines: what asyncio's `create_server` takes."""
        return lambda: Guarded(make_protocol(), self)

    def enter(self, transport: asyncio.Transport) -> bool:
        """A connection was made; False where there are too many."""
        if self._open >= self._most_open:
            return False
        self._open += 1
        self.start(transport)
        return True

    def leave(self, transport: asyncio.BaseTransport) -> None:
        """A connection that had entered is lost."""
        self._open -= 1
        self.stop(transport)

    def start(self, transport: asyncio.Transport) -> None:
        """From now on, the next head is waited for."""
        self.stop(transport)
        loop = asyncio.get_running_loop()
        self._timers[transport] = loop.call_later(self._head_s, transport.abort)

    def stop(self, transport: asyncio.BaseTransport) -> None:
        """A head is complete, or nothing is waited for any more."""
        if timer := self._timers.pop(transport, None):
            timer.cancel()


class Guarded(asyncio.Protocol):
    """Hands everything on to the protocol it was made for."""

    def __init__(self, inner: asyncio.Protocol, deadlines: Deadlines) -> None:
        self._inner, self._deadlines = inner, deadlines
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        if self._deadlines.enter(transport):
            self._transport = transport
            self._inner.connection_made(transport)
        else:
            transport.abort()

    def data_received(self, data: bytes) -> None:
        if self._transport:
            self._inner.data_received(data)

    def eof_received(self) -> bool | None:
        return self._inner.eof_received() if self._transport else None

    def pause_writing(self) -> None:
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        self._inner.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._transport:
            self._deadlines.leave(self._transport)
            self._inner.connection_lost(exc)

"""The receiver as a process: one per home, from its first line to a clean end."""

import asyncio
import re
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import structlog
from filelock import FileLock, Timeout

from connector.clock import RealClock
from connector.errors import BusyError, ConfigError
from connector.inbox import FILE_NAME, Inbox
from connector.webhook.reception import HEALTH, Place, Reception

if TYPE_CHECKING:
    from connector.webhook.listener import Listener

BUSY_S = 0.5  # a run may be writing the inbox; the vendor is answered within a second
_PATH = re.compile(r"(/[A-Za-z0-9._~-]+)+")


def serve(
    reception: Reception,
    place: Place,
    *,
    ready: Callable[[str], None],
    command: Sequence[str] = (),
) -> None:
    """Receive until SIGINT or SIGTERM; `ready` gets the URL once it listens; `command` is run after
    deliveries, if there is one. Call it from the main thread: signals are taken over meanwhile.

    ConfigError where it cannot listen there, BusyError where another receiver has this home.
    """
    if not _PATH.fullmatch(place.path) or place.path == HEALTH:
        raise ConfigError(
            f"--path {place.path!r} will not do: write letters, digits and ._~- such as /shortkit;"
            f" {HEALTH} is taken"
        )
    with _hold(place.home):
        inbox = Inbox(place.home / FILE_NAME, busy_s=BUSY_S)
        asyncio.run(_serve(_make_listener(reception, inbox), place, ready, command))


def _make_listener(reception: Reception, inbox: Inbox) -> "Listener":
    try:
        from connector.webhook.listener import Listener
    except ModuleNotFoundError as error:
        if error.name != "aiohttp":
            raise
        raise ConfigError(
            "the receiver needs aiohttp: pip install 'app-analytics-connector[webhook]'"
        ) from None
    return Listener(reception, inbox, RealClock())


@contextmanager
def _hold(home: Path) -> Iterator[None]:
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = FileLock(home / "webhook.lock", timeout=0, mode=0o600)
    try:
        lock.acquire()
    except Timeout:
        raise BusyError(
            f"another receiver is using the home folder {home}: stop it, or give this one a home of"
            " its own (--home)"
        ) from None
    try:
        yield
    finally:
        lock.release()


async def _serve(
    listener: "Listener", place: Place, ready: Callable[[str], None], command: Sequence[str]
) -> None:
    stopped, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    async with listener.listening(place, command) as url:
        ready(url)
        await stopped.wait()
        structlog.get_logger().info("the receiver ends; what is under way is finished")

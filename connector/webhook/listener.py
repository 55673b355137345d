"""The listener: the app on a socket, the thread that writes the inbox, and the worker."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field

from aiohttp import web

from connector.clock import Clock
from connector.errors import ConfigError
from connector.inbox import Inbox
from connector.webhook.committer import Committer
from connector.webhook.connections import Deadlines
from connector.webhook.receiver import Patience, Receiver
from connector.webhook.reception import Place, Reception
from connector.webhook.worker import Worker

SHUTDOWN_S = 5.0  # for requests that are under way when the receiver ends
LINGERING_S = 2.0  # for a refused body to run dry, so that its sender reads the answer


@dataclass(frozen=True, slots=True)
class Listener:
    """Receives into `inbox`, which it closes in the end."""

    reception: Reception
    inbox: Inbox
    clock: Clock
    patience: Patience = field(default_factory=Patience)

    @asynccontextmanager
    async def listening(self, place: Place, command: Sequence[str] = ()) -> AsyncIterator[str]:
        """The URL of `place` while it listens; on the way out, what is under way is answered. What
        an earlier receiver left in the inbox wakes the worker at once.
        """
        committer = Committer(self.inbox)
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self._close, committer)
            wake: Callable[[], None] = _wake_nobody
            if command:
                worker = Worker(command)
                task = asyncio.create_task(worker.work())
                stack.push_async_callback(_cancel, task)
                wake = worker.wake
                if self.inbox.pending():
                    wake()
            deadlines = Deadlines(self.patience.head_s)
            receiver = Receiver(
                self.reception, committer, self.clock, deadlines, wake, self.patience
            )
            yield await stack.enter_async_context(_open(receiver, place))

    async def _close(self, committer: Committer) -> None:
        if await asyncio.to_thread(committer.close):
            self.inbox.close()  # else the disk hangs, and closing would hang too


def _wake_nobody() -> None:
    """Without a worker: the next scheduled run looks into the inbox."""


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


@asynccontextmanager
async def _open(receiver: Receiver, place: Place) -> AsyncIterator[str]:
    """Listen; ConfigError where that place is taken or is not ours."""
    runner = web.AppRunner(
        receiver.make_app(place.path),
        access_log=None,  # with recipe D the secret stands in the URL
        auto_decompress=False,  # what is signed are the bytes that were sent
        keepalive_timeout=receiver.patience.head_s,
        lingering_time=LINGERING_S,
        shutdown_timeout=SHUTDOWN_S,
    )
    await runner.setup()
    assert runner.server is not None
    loop = asyncio.get_running_loop()
    try:
        server = await loop.create_server(
            receiver.deadlines.guard(runner.server), place.host, place.port
        )
    except OSError as error:
        await runner.cleanup()
        raise ConfigError(
            f"the receiver cannot listen on {place.host} port {place.port}:"
            f" {error.strerror or error}; choose another --host or --port"
        ) from None
    host, port = server.sockets[0].getsockname()[:2]
    try:
        yield f"http://{f'[{host}]' if ':' in host else host}:{port}{place.path}"
    finally:
        server.close()
        await runner.cleanup()

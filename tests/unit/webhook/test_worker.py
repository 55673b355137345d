"""The worker: one run at a time, once more for what came meanwhile, and no failure harms it."""

import asyncio
import sys
from collections.abc import AsyncIterator, MutableMapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import structlog

from connector.webhook.worker import Worker

WAIT_S = 60.0
# A run that says that it began, waits to be told its exit code, and says how it was interrupted.
RUN = """
import socket, sys
peer = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
try:
    peer.sendall(b"begun\\n")
    code = int(peer.makefile().readline())
except KeyboardInterrupt:
    peer.sendall(b"interrupted\\n")
    code = 130
sys.exit(code)
"""
STUBBORN = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)" + RUN


@dataclass(slots=True)
class Run:
    """One child as it is seen from here."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def end(self, code: int) -> None:
        """Let it end with this code, and wait until it is gone."""
        self.writer.write(f"{code}\n".encode())
        assert await self.reader.read() == b""


@dataclass(slots=True)
class Stage:
    """A worker and the runs it began."""

    worker: Worker
    task: asyncio.Task[None]
    begun: asyncio.Queue[Run]
    said: list[MutableMapping[str, Any]] = field(default_factory=list)

    async def next_run(self) -> Run:
        """The next run that begins."""
        return await asyncio.wait_for(self.begun.get(), WAIT_S)

    async def finish(self) -> None:
        """End the worker, as the receiver does."""
        self.task.cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.wait_for(self.task, WAIT_S)


@asynccontextmanager
async def staged(program: str = RUN, **settings: float) -> AsyncIterator[Stage]:
    begun: asyncio.Queue[Run] = asyncio.Queue()
    runs: list[Run] = []

    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert await reader.readline() == b"begun\n"
        runs.append(Run(reader, writer))
        begun.put_nowait(runs[-1])

    with structlog.testing.capture_logs() as said:
        async with await asyncio.start_server(greet, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            worker = Worker([sys.executable, "-c", program, str(port)], **settings)
            stage = Stage(worker, asyncio.create_task(worker.work()), begun, said)
            try:
                yield stage
            finally:
                await stage.finish()
                for run in runs:
                    run.writer.close()
                    await run.writer.wait_closed()


def test_deliveries_that_come_meanwhile_make_one_more_run() -> None:
    async def play() -> None:
        async with staged() as stage:
            stage.worker.wake()
            first = await stage.next_run()
            for _ in range(5):
                stage.worker.wake()
            assert stage.begun.empty()
            await first.end(0)
            second = await stage.next_run()
            await second.end(0)
            stage.worker.wake()
            await (await stage.next_run()).end(0)
            assert stage.begun.empty()

    asyncio.run(play())


def test_a_failed_run_is_named_and_the_next_delivery_makes_another() -> None:
    async def play() -> list[MutableMapping[str, Any]]:
        async with staged() as stage:
            for code in (3, 2, 99):
                stage.worker.wake()
                await (await stage.next_run()).end(code)
            stage.worker.wake()
            await (await stage.next_run()).end(0)
            stage.worker.wake()
            await stage.next_run()
            return list(stage.said)

    said = asyncio.run(play())
    failed = [(one["exit_code"], one["meaning"]) for one in said if "failed" in one["event"]]
    assert failed == [(3, "refused by the vendor"), (2, "configuration"), (99, "unexpected")]


def test_a_run_to_be_tried_later_is_tried_later() -> None:
    async def play() -> None:
        async with staged(again_s=0.05) as stage:
            stage.worker.wake()
            await (await stage.next_run()).end(4)
            await (await stage.next_run()).end(0)

    asyncio.run(play())


def test_a_run_that_cannot_be_started_is_told_of() -> None:
    async def play() -> list[MutableMapping[str, Any]]:
        is_told = asyncio.Event()

        def note(_logger: Any, _name: str, event: MutableMapping[str, Any]) -> Any:
            said.append(event)
            is_told.set()
            raise structlog.DropEvent

        said: list[MutableMapping[str, Any]] = []
        structlog.configure(processors=[note])
        try:
            worker = Worker(["/nowhere/to/be/found"])
            task = asyncio.create_task(worker.work())
            worker.wake()
            await asyncio.wait_for(is_told.wait(), WAIT_S)
            assert not task.done()
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        finally:
            structlog.reset_defaults()
        return said

    (said,) = asyncio.run(play())
    assert "cannot be started" in said["event"]


def test_a_run_under_way_is_asked_to_end_when_the_receiver_ends() -> None:
    async def play() -> bytes:
        async with staged() as stage:
            stage.worker.wake()
            run = await stage.next_run()
            await stage.finish()
            return await run.reader.read()

    assert asyncio.run(play()) == b"interrupted\n"


def test_a_run_that_does_not_end_is_stopped() -> None:
    async def play() -> tuple[bytes, list[str]]:
        async with staged(STUBBORN, stop_s=0.05) as stage:
            stage.worker.wake()
            run = await stage.next_run()
            await stage.finish()
            return await run.reader.read(), [one["event"] for one in stage.said]

    rest, said = asyncio.run(play())
    assert rest == b""
    assert "did not end in time" in said[-1]


def test_waking_after_the_end_is_harmless() -> None:
    async def play() -> Worker:
        return Worker([sys.executable, "-c", "raise SystemExit"])

    asyncio.run(play()).wake()

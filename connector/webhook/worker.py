"""The worker: `connector run shortkit` as a child process, one at a time, when something came."""

import asyncio
import signal
from collections.abc import Sequence
from contextlib import suppress

import structlog

AGAIN_S = 600.0  # after a run that says: try again later
STOP_S = 60.0  # for a run to end cleanly when the receiver ends
TRY_LATER = 4
MEANINGS = {
    2: "configuration",
    3: "refused by the vendor",
    TRY_LATER: "try again later",
    5: "model",
    6: "audit or reconciliation",
    7: "data lost",
    130: "interrupted",
}


class Worker:
    """Runs `command` after every wake-up; several while it is at work make one more run. A run that
    fails is told of and harms nothing; one that is to be tried later is, after `again_s` seconds.
    Belongs to the event loop it was made in.
    """

    def __init__(
        self, command: Sequence[str], *, again_s: float = AGAIN_S, stop_s: float = STOP_S
    ) -> None:
        self._command, self._again_s, self._stop_s = tuple(command), again_s, stop_s
        self._loop = asyncio.get_running_loop()
        self._wanted = asyncio.Event()
        self._log = structlog.get_logger()
        self._child: asyncio.subprocess.Process | None = None

    def wake(self) -> None:
        """Something came; from any thread, and after the end of the event loop too."""
        with suppress(RuntimeError):  # the loop is closed: the next receiver looks at the inbox
            self._loop.call_soon_threadsafe(self._wanted.set)

    async def work(self) -> None:
        """Run when woken, until cancelled; then the child is asked to end, and waited for."""
        try:
            while True:
                await self._wanted.wait()
                self._wanted.clear()
                if await self._run() == TRY_LATER:
                    self._loop.call_later(self._again_s, self._wanted.set)
        finally:
            await self._end()

    async def _run(self) -> int:
        """How the run ended; one that cannot be started is to be tried later, too."""
        try:
            self._child = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C is for the receiver, which hands it on once
            )
        except OSError as error:
            self._log.error("worker: the run cannot be started", problem=error.strerror)
            return TRY_LATER
        code = await self._child.wait()
        self._child = None
        if code:
            meaning = MEANINGS.get(code, "unexpected")
            self._log.warning("worker: the run failed", exit_code=code, meaning=meaning)
        else:
            self._log.info("worker: the run ended well")
        return code

    async def _end(self) -> None:
        child = self._child
        if child is None or child.returncode is not None:
            return
        with suppress(ProcessLookupError):
            child.send_signal(signal.SIGINT)
        try:
            await asyncio.wait_for(child.wait(), self._stop_s)
        except TimeoutError:
            self._log.warning("worker: the run did not end in time and is stopped")
            with suppress(ProcessLookupError):
                child.kill()
            await child.wait()

"""Processes to be killed, and the counting of what they do."""

import json
import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Hashable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

ROOT = Path(__file__).parents[2]
RUNNER = Path(__file__).with_name("runner.py")
POLL_S = 0.001


@dataclass(slots=True)
class Victim:
    """A process at work; `said` will tell how it ended."""

    pid: int
    said: IO[bytes]
    returncode: int | None = None

    def poll(self) -> int | None:
        """How it ended (negative: by which signal), or None while it runs."""
        if self.returncode is None and select.select([self.said], [], [], 0)[0]:
            self.returncode = int(self.said.readline())
        return self.returncode

    def end(self) -> None:
        """Kill -9, unless it has ended."""
        if self.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
            self.returncode = int(self.said.readline())


class Victims:
    """Runners, one at a time, forked from a process that has imported everything already.

    Close it when done.
    """

    def __init__(self, env: dict[str, str]) -> None:
        self._parent = subprocess.Popen(
            [sys.executable, str(RUNNER)],
            bufsize=0,  # what `select` says of the pipe must be true of what can be read
            env=env | {"PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )

    def take(self, order: dict[str, Any]) -> Victim:
        """A process that begins to sync now."""
        assert self._parent.stdin is not None
        assert self._parent.stdout is not None
        self._parent.stdin.write(json.dumps(order).encode() + b"\n")
        return Victim(int(self._parent.stdout.readline()), self._parent.stdout)

    def close(self) -> None:
        """End the parent of them all."""
        self._parent.kill()
        self._parent.communicate()


def watch(victim: Victim, look: Callable[[], Hashable], deadly: int) -> int:
    """Kill the process when what `look` sees has changed `deadly` times.

    Returns how often it had changed when the process was killed or had ended by itself.
    """
    waiting, seen, changes = threading.Event(), look(), 0
    try:
        while victim.poll() is None and changes < deadly:
            if (now := look()) != seen:
                seen, changes = now, changes + 1
            else:
                waiting.wait(POLL_S)
    finally:
        victim.end()
    return changes


def footprints(folder: Path) -> Hashable:
    """What a sync leaves on disk so far: every file in the folder, with its size."""
    found = []
    for place, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(place, name)  # noqa: PTH118 - a thousand times a second
            with suppress(FileNotFoundError):
                found.append((path, os.stat(path).st_size))  # noqa: PTH116 - as above
    return tuple(sorted(found))

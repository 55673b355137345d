"""Processes to be killed, and the counting of what they do."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Hashable
from contextlib import suppress
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
RUNNER = Path(__file__).with_name("runner.py")
POLL_S = 0.001


class Victims:
    """Runners that are warm already; each is used once. Close it when done."""

    def __init__(self, env: dict[str, str]) -> None:
        self._env = env | {"PYTHONPATH": str(ROOT)}
        self._warm = self._start()

    def take(self, order: dict[str, Any]) -> "subprocess.Popen[str]":
        """A process that begins to sync now; the next one warms up meanwhile."""
        victim, self._warm = self._warm, self._start()
        assert victim.stdout is not None
        assert victim.stdin is not None
        assert victim.stdout.readline() == "ready\n"
        victim.stdin.write(json.dumps(order) + "\n")
        victim.stdin.flush()
        return victim

    def close(self) -> None:
        """End the one that waits."""
        end(self._warm)

    def _start(self) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, str(RUNNER)],
            env=self._env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )


def end(victim: "subprocess.Popen[str]") -> None:
    """Kill -9, and every pipe closed."""
    victim.kill()
    victim.communicate()


def watch(victim: "subprocess.Popen[str]", look: Callable[[], Hashable], deadly: int) -> int:
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
        end(victim)
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

"""Whole processes, timed from outside: wall and CPU seconds, peak memory of the largest process."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median
from typing import Any


@dataclass(frozen=True, slots=True)
class Cost:
    """What one process took: seconds of wall and CPU, megabytes of memory at its peak."""

    wall_s: float
    cpu_s: float
    peak_mb: float
    output: str = ""


def run_process(command: Sequence[str], env: Mapping[str, str] | None = None) -> Cost:
    """Run a command to its end; raises RuntimeError with its errors when it fails."""
    started = time.monotonic()
    process = subprocess.Popen(
        command,
        env={**os.environ, **(env or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    wall_s = time.monotonic() - started
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}: {output[-2000:]}")
    return Cost(wall_s, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, output)


def run_python(code: str, *arguments: str, env: Mapping[str, str] | None = None) -> Cost:
    """Run a piece of Python in a process of its own."""
    return run_process([sys.executable, "-c", code, *arguments], env)


def middle(costs: Sequence[Cost]) -> Cost:
    """The median of each figure."""
    return Cost(
        median(cost.wall_s for cost in costs),
        median(cost.cpu_s for cost in costs),
        median(cost.peak_mb for cost in costs),
    )


def pair(one: Callable[[], Cost], other: Callable[[], Cost], runs: int) -> tuple[Cost, Cost, float]:
    """Medians of both, run in turn, and the median of their wall ratios pair by pair."""
    costs = [(one(), other()) for _ in range(runs)]
    ratio = median(a.wall_s / b.wall_s for a, b in costs)
    return middle([a for a, _ in costs]), middle([b for _, b in costs]), ratio


@contextmanager
def sandbox_process(code: str, *arguments: str) -> Iterator[dict[str, Any]]:
    """A sandbox in a process of its own; gives what it prints first."""
    command = [sys.executable, "-c", code, *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield json.loads(process.stdout.readline())
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()

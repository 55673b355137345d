"""Work that is done ahead of its use, by threads of its own."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

AHEAD = 3
THREADS = 2
T = TypeVar("T")
R = TypeVar("R")


def work_ahead(items: Iterable[T], work: Callable[[T], R]) -> Iterator[tuple[T, R]]:
    """Each item and what `work` makes of it, in order; the next ones are worked on meanwhile."""
    with ThreadPoolExecutor(THREADS, thread_name_prefix="decode") as pool:
        coming: deque[tuple[T, Future[R]]] = deque()
        for item in items:
            coming.append((item, pool.submit(work, item)))
            if len(coming) > AHEAD:
                first, made = coming.popleft()
                yield first, made.result()
        for first, made in coming:
            yield first, made.result()

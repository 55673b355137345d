"""The fetcher: units of all sources -> verified files, concurrently, in order of urgency.

It knows no dlt. Each lane (one queue of a vendor) has threads of its own, so that a lane that waits
holds nobody up. Files already on disk are handed out without a request. Downloads pause while more
than `backlog_bytes` of files wait to be loaded.
"""

import heapq
import sqlite3
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Sequence
from typing import Self

from connector.api import Api
from connector.clock import Clock
from connector.errors import ConnectorError, StillWaitingError, TooLargeError
from connector.journal import Journal, SpooledFile
from connector.lane import Lane
from connector.spool import Spool, size_of
from connector.units import NEVER, Failure, Unit, is_same_content

BACKLOG_BYTES = 2 << 30
COUNT_TRIES = 3  # a file with a wrong number of rows is fetched this often

Outcome = SpooledFile | Failure


class Fetcher:
    """Downloads units in the background; use as a context manager.

    `take` hands out outcomes; `retry` sends a file back whose content was wrong; `release` deletes
    a file that was loaded.
    """

    def __init__(
        self,
        journal: Journal,
        spool: Spool,
        clock: Clock,
        *,
        backlog_bytes: int = BACKLOG_BYTES,
        notify: Callable[[Outcome], None] = lambda _outcome: None,
    ) -> None:
        self._journal, self._spool, self._clock = journal, spool, clock
        self._backlog_bytes, self._notify = backlog_bytes, notify
        self._lock = threading.Lock()
        self._has_work = threading.Condition(self._lock)  # the threads wait on it
        self._has_news = threading.Condition(self._lock)  # `take` waits on it
        self._lanes: dict[tuple[str, str], Lane] = {}  # by source and queue
        self._ready_bytes: dict[str, int] = defaultdict(int)  # of files not handed out, by source
        self._done: deque[tuple[str, Outcome]] = deque()
        self._backlog: dict[object, int] = {}  # bytes by path of the files that wait to be loaded
        self._order = 0
        self.closing = threading.Event()
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def add_again(self, api: Api, file: SpooledFile) -> None:
        """Queue the unit of a file that turned out to hold another unit, which keeps the file."""
        self._journal.forget_files([file.path])
        self.add(api, [file.unit])

    def add(self, api: Api, units: Iterable[Unit]) -> None:
        """Queue units in their order, but what dies first goes first; files that are on disk
        already are ready.
        """
        on_disk = {file.unit.id: file for file in self._journal.files(api.source)}
        wanted = sorted(units, key=lambda unit: unit.expires_at or NEVER)
        with self._lock:
            for unit in wanted:
                file = on_disk.get(unit.id)
                if file and is_same_content(unit, file.unit) and file.path.exists():
                    self._put(file)
                else:
                    self._enqueue(api, unit, 1)
            self._wake_all()

    def _enqueue(self, api: Api, unit: Unit, attempt: int) -> None:
        """Put a unit at the end of its lane, which gets a thread for it if it may have more."""
        key = api.source, api.queue_of(unit)
        lane = self._lanes.setdefault(key, Lane(api))
        self._order += 1
        heapq.heappush(lane.waiting, (self._order, attempt, unit))
        self._start_threads(lane)

    def _wake_all(self) -> None:
        self._has_work.notify_all()
        self._has_news.notify_all()

    def _start_threads(self, lane: Lane) -> None:
        for _ in range(min(lane.api.parallel, len(lane.waiting)) - lane.threads):
            lane.threads += 1
            name = f"fetch-{lane.api.source}-{len(self._threads)}"
            thread = threading.Thread(target=self._work, args=(lane,), name=name, daemon=True)
            self._threads.append(thread)
            thread.start()

    def _work(self, lane: Lane) -> None:
        """One thread: the most urgent unit, again and again, until the fetcher closes."""
        while (task := self._next(lane)) is not None:
            _, attempt, unit = task
            outcome: Outcome | None = None
            try:
                outcome = self._download(lane.api, unit, attempt)
                lane.silent = 0
            except StillWaitingError:
                lane.pending.append(unit)
            except TooLargeError as error:
                outcome = self._split(lane, unit, error)
            except ConnectorError as error:
                outcome = lane.judge(unit, error)
            except BaseException as error:
                outcome = Failure(unit, f"unexpected {type(error).__name__}: {error}", 4)
                lane.stopped = ConnectorError(outcome.reason)
                raise
            finally:
                self._finish(lane, outcome)

    def _next(self, lane: Lane) -> tuple[int, int, Unit] | None:
        with self._lock:
            while not self.closing.is_set():
                has_room = sum(self._backlog.values()) < self._backlog_bytes or self._is_stuck()
                if has_room and lane.is_open:
                    lane.active += 1
                    return heapq.heappop(lane.waiting)
                self._has_work.wait()
            return None

    def _is_stuck(self) -> bool:
        """True when whoever takes files holds them all and waits for more."""
        return not self._done and not any(lane.active for lane in self._lanes.values())

    def _download(self, api: Api, unit: Unit, attempt: int) -> SpooledFile:
        try:
            self._spool.check_room(unit.declared_bytes or 0)
            unit, path = api.download(unit, self._spool)
            file = SpooledFile(unit, path, size_of(path), self._clock.now(), attempt)
            self._journal.add_file(file)
        except (OSError, sqlite3.Error) as error:
            raise ConnectorError(
                f"unit {unit.id} cannot be written to {self._spool.folder}: {error}. Downloads stop"
                " here; finished units are kept and the next run goes on."
            ) from error
        return file

    def _split(self, lane: Lane, unit: Unit, error: TooLargeError) -> Failure | None:
        """Queue the pieces of a unit that is too large for the vendor."""
        pieces = lane.api.split(unit)
        if not pieces:
            return Failure(unit, str(error), error.exit_code)
        with self._lock:
            for piece in pieces:
                self._enqueue(lane.api, piece, 1)
        return None

    def _finish(self, lane: Lane, outcome: Outcome | None) -> None:
        with self._lock:
            lane.active -= 1
            if outcome is not None:
                self._put(outcome)
            self._wake_all()
        if outcome is not None:
            self._notify(outcome)

    def _put(self, outcome: Outcome) -> None:
        """Make an outcome ready to be taken."""
        source = outcome.unit.source
        if isinstance(outcome, SpooledFile):
            self._backlog[outcome.path] = outcome.bytes
            self._ready_bytes[source] += outcome.bytes
        self._done.append((source, outcome))

    def take(
        self, *, max_bytes: int, max_units: int, linger_s: float = 0.5
    ) -> tuple[str, list[Outcome]] | None:
        """Outcomes of one source, at most `max_bytes` (but at least one) and `max_units`.

        Waits for the first one, then up to `linger_s` for more; None when all is handed out.
        """
        with self._lock:
            while not self._done:
                if self._is_idle() or self.closing.is_set():
                    return None
                self._has_news.wait()
            source = self._done[0][0]
            give_up = time.monotonic() + linger_s
            while not self._is_idle() and (left_s := give_up - time.monotonic()) > 0:
                is_full = self._ready_bytes[source] >= max_bytes
                if is_full or len(self._done) >= max_units:
                    break
                self._has_news.wait(left_s)
            return source, self._pick(source, max_bytes, max_units)

    def _is_idle(self) -> bool:
        """True when no lane has anything under way or can start anything."""
        return all(lane.is_idle for lane in self._lanes.values())

    def _pick(self, source: str, max_bytes: int, max_units: int) -> list[Outcome]:
        picked: list[Outcome] = []
        kept: deque[tuple[str, Outcome]] = deque()
        size = 0
        for name, outcome in self._done:
            weight = outcome.bytes if isinstance(outcome, SpooledFile) else 0
            fits = not picked or (size + weight <= max_bytes and len(picked) < max_units)
            if name == source and fits:
                picked.append(outcome)
                size += weight
            else:
                kept.append((name, outcome))
        self._done = kept
        self._ready_bytes[source] -= size
        return picked

    def retry(self, api: Api, file: SpooledFile, unit: Unit) -> bool:
        """Fetch a file again whose content was wrong; False when it had its three tries."""
        self.release([file])
        if file.attempts >= COUNT_TRIES:
            return False
        with self._lock:
            self._enqueue(api, unit, file.attempts + 1)
            self._wake_all()
        return True

    def release(self, files: Sequence[SpooledFile], *, keep: bool = False) -> None:
        """These files were loaded or given up: delete them, unless they are to be kept."""
        self._journal.forget_files(file.path for file in files)
        for file in files:
            if keep:
                self._spool.keep(file.unit.id, file.path)
            else:
                self._spool.remove(file.path)
        with self._lock:
            for file in files:
                self._backlog.pop(file.path, None)
            self._has_work.notify_all()

    def stop(self, source: str, error: ConnectorError) -> None:
        """Start no more downloads of this source."""
        with self._lock:
            for lane in self._lanes_of(source):
                lane.stopped = lane.stopped or error
            self._has_news.notify_all()

    def stops(self, source: str) -> list[ConnectorError]:
        """Why downloads of the source were stopped, an error a queue; none where they were not."""
        with self._lock:
            return [lane.stopped for lane in self._lanes_of(source) if lane.stopped is not None]

    def not_started(self, source: str) -> list[Unit]:
        """Units left for the next run: queued in a lane that was stopped, or still at the vendor."""
        with self._lock:
            lanes = self._lanes_of(source)
            pending = [unit for lane in lanes for unit in lane.pending]
            waiting = sorted(item for lane in lanes for item in lane.waiting)
        return pending + [unit for _, _, unit in waiting]

    def _lanes_of(self, source: str) -> list[Lane]:
        return [lane for (name, _), lane in self._lanes.items() if name == source]

    def close(self) -> None:
        """Let downloads under way end, and the threads with them."""
        with self._lock:
            self.closing.set()
            self._has_work.notify_all()
            self._has_news.notify_all()
        for thread in self._threads:
            thread.join()

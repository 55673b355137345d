"""One thread writes the inbox: what waits is committed in one transaction, and then answered."""

import threading
from collections import deque
from concurrent.futures import Future
from dataclasses import dataclass, field

from connector.inbox import Delivery, Inbox

MOST_WAITING = 1_000  # more are turned away at once
MOST_TOGETHER = 200


class OverloadedError(Exception):
    """So much waits for the disk already that another one would not be answered in time."""


@dataclass(frozen=True, slots=True)
class Task:
    """A delivery to be recorded (True if it is new), or, without one, a proof that the inbox can be
    written (how many deliveries are pending).
    """

    delivery: Delivery | None
    outcome: Future[int] = field(default_factory=Future)


class Committer:
    """The thread and what waits for it; close it when done, which writes what still waits."""

    def __init__(self, inbox: Inbox, *, most_waiting: int = MOST_WAITING) -> None:
        self._inbox, self._most_waiting = inbox, most_waiting
        self._waiting: deque[Task] = deque()
        self._changed = threading.Condition()
        self._is_closing = False
        self._thread = threading.Thread(target=self._work, name="inbox", daemon=True)
        self._thread.start()

    def put(self, delivery: Delivery) -> Future[int]:
        """True once it is durable, False where its export is known; fails with what SQLite raised.
        A cancelled one that was not begun is not written. OverloadedError where too much waits.
        """
        return self._add(Task(delivery))

    def prove(self) -> Future[int]:
        """How many deliveries are pending, once something could be written."""
        return self._add(Task(None))

    def close(self, wait_s: float = 10.0) -> bool:
        """Write what waits and end the thread; False where the disk takes longer than that."""
        with self._changed:
            self._is_closing = True
            self._changed.notify()
        self._thread.join(wait_s)
        return not self._thread.is_alive()

    def _add(self, task: Task) -> Future[int]:
        with self._changed:
            if self._is_closing or len(self._waiting) >= self._most_waiting:
                raise OverloadedError
            self._waiting.append(task)
            self._changed.notify()
        return task.outcome

    def _work(self) -> None:
        while tasks := self._take():
            self._settle([task for task in tasks if task.outcome.set_running_or_notify_cancel()])

    def _take(self) -> list[Task]:
        """What waits, as soon as something does; nothing when it is time to end."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._is_closing)
            number = min(len(self._waiting), MOST_TOGETHER)
            return [self._waiting.popleft() for _ in range(number)]

    def _settle(self, tasks: list[Task]) -> None:
        try:
            outcomes = self._write(tasks)
        except Exception as error:  # noqa: BLE001 - whoever waits is told, and the thread goes on
            for task in tasks:
                task.outcome.set_exception(error)
        else:
            for task, outcome in zip(tasks, outcomes, strict=True):
                task.outcome.set_result(outcome)

    def _write(self, tasks: list[Task]) -> list[int]:
        deliveries = [task.delivery for task in tasks if task.delivery is not None]
        added = iter(self._inbox.put(deliveries) if deliveries else ())
        proofs = [self._inbox.prove()] if len(deliveries) < len(tasks) else []
        return [proofs[0] if task.delivery is None else next(added) for task in tasks]

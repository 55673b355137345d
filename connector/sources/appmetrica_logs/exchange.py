"""One request for an export, and what its answer means."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from connector.errors import QueueFullError, RateLimitError, RequestError, TooLargeError
from connector.http import ApiClient, Response
from connector.jobs import Waiting
from connector.sources.appmetrica_logs.export import (
    SOURCE,
    is_queue_full,
    is_sentence,
    is_too_large,
    read_progress,
)
from connector.spool import Spool, read_head
from connector.waits import read_retry_after

_OK, _ACCEPTED = 200, 202


@dataclass(frozen=True, slots=True)
class Answer:
    """The verified file (`rows` is what the vendor says it has), or how far the vendor is."""

    path: Path | None = None
    rows: int | None = None
    waiting: Waiting | None = None


@dataclass(frozen=True, slots=True)
class Exchange:
    """Sends requests for exports. Raises QueueFullError and TooLargeError where a refusal means
    just that.
    """

    client: ApiClient
    spool: Spool

    def send(self, unit_id: str, url: str, kind: str, headers: dict[str, str]) -> Answer:
        """One request, not tried again. A sentence about the queue is no file, whatever its code."""
        with (
            _explain_refusals(unit_id),
            self.client.stream(
                url, kind=kind, accept=(_OK, _ACCEPTED), headers=headers
            ) as response,
        ):
            if response.status_code == _ACCEPTED:
                return _to_waiting(response.read(), response)
            path = self.spool.store(unit_id, response)
            head = read_head(path)
            if not is_sentence(head):
                return Answer(path, _read_rows(response))
            path.unlink()
            return _to_waiting(head, response)


@contextmanager
def _explain_refusals(unit_id: str) -> Iterator[None]:
    """What the texts of 400 and 429 mean here."""
    try:
        yield
    except RateLimitError as error:
        if not is_queue_full(str(error)):
            raise
        raise QueueFullError(
            str(error), source=SOURCE, url=error.url, retry_after_s=error.retry_after_s
        ) from error
    except RequestError as error:
        if not is_too_large(str(error)):
            raise
        raise TooLargeError(
            f"unit {unit_id}: {error}", source=SOURCE, status=error.status, url=error.url
        ) from error


def _to_waiting(body: bytes, response: Response) -> Answer:
    return Answer(waiting=Waiting(read_progress(body), read_retry_after(response)))


def _read_rows(response: Response) -> int | None:
    value = response.headers.get("Rows-Number", "").strip()
    return int(value) if value.isascii() and value.isdigit() else None

"""The queue of each application as the vendor shows it (since July 2026), and requests taken back.

Source page: appmetrica.yandex.com/docs/en/mobile-api/logs (get_active_queries, cancel).
"""

import threading
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from connector.errors import NetworkError, NotFoundError, ServerError
from connector.http import ApiClient
from connector.sources.appmetrica_logs.export import ENTITIES, FORMATS, PATH, Export

PLACES = 3  # of one application's queue
_IN_WORK = 0  # the status of a query that is queued or being prepared
_MALFORMED = (KeyError, TypeError, ValueError, AttributeError)


@dataclass(frozen=True, slots=True)
class ActiveQuery:
    """One query the vendor has queued or is working on. `progress` is 0..1."""

    request_id: str
    entity: int
    format: int
    query: str
    progress: float
    created_at: datetime | None

    def is_of(self, export: Export) -> bool:
        """True when it is this export that was asked for."""
        return (
            self.entity == ENTITIES[export.resource]
            and self.format == FORMATS.index(export.format)
            and export.is_query(self.query)
        )

    def is_as_of(self, moment: datetime) -> bool:
        """True when its file will have all that was there at `moment`."""
        return self.progress == 0 or (self.created_at is not None and self.created_at >= moment)


class Queue:
    """What the vendor tells of its queues. `is_asked` off: nobody asks, and nothing is known."""

    def __init__(self, client: ApiClient, *, is_asked: bool) -> None:
        self._client, self._is_asked = client, is_asked
        self._locks: dict[str, threading.Lock] = defaultdict(threading.Lock)

    def hold(self, application_id: str) -> threading.Lock:
        """Keeps others from asking for something between a look at the queue and a request."""
        return self._locks[application_id]

    def read(self, application_id: str) -> Sequence[ActiveQuery] | None:
        """The queries in work; None where the vendor does not tell."""
        if not self._is_asked:
            return None
        path = f"{PATH}/get_active_queries"
        try:
            answer = self._client.get_json(path, application_id=application_id)
            return [_parse(item) for item in answer if int(item["status"]) == _IN_WORK]
        except NotFoundError:
            self._is_asked = False  # the call is younger than this vendor
        except (ServerError, NetworkError, *_MALFORMED):
            pass  # a hint that cannot be had: the answers to the request itself decide
        return None

    def find(self, export: Export) -> ActiveQuery | None:
        """The query of just this export, if the vendor has it in work."""
        active = self.read(export.application_id) or ()
        return next((query for query in active if query.is_of(export)), None)

    def cancel(self, export: Export) -> bool:
        """Take the query back; False where it is not there (any more)."""
        query = self.find(export)
        if query is None:
            return False
        path = f"{PATH}/{query.request_id}/cancel"
        self._client.post_json(path, application_id=export.application_id)
        return True


def _parse(item: dict[str, Any]) -> ActiveQuery:
    return ActiveQuery(
        request_id=str(item["request_id"]),
        entity=int(item["entity"]),
        format=int(item["output_format"]),
        query=str(item.get("query", "")),
        progress=float(item.get("total_progress") or 0),
        created_at=_parse_moment(item.get("create_time")),
    )


def _parse_moment(text: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(str(text)).replace(tzinfo=UTC)
    except ValueError:
        return None

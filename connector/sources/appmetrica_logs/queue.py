"""The queue of each application as the vendor shows it (since July 2026), and requests taken back.

Source page: appmetrica.yandex.com/docs/en/mobile-api/logs (get_active_queries, cancel).
"""

import threading
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from connector.errors import NetworkError, NotFoundError, RequestError, ServerError
from connector.http import ApiClient
from connector.sources.appmetrica_logs.export import (
    FORMATS,
    PATH,
    RESOURCES,
    application_of,
    is_same_request,
)

PLACES = 3  # of one application's queue
_PROCESSED = 1  # the status of a query that is done, or being prepared: the pages do not say which
_MALFORMED = (KeyError, IndexError, TypeError, ValueError, AttributeError)


@dataclass(frozen=True, slots=True)
class ActiveQuery:
    """One query the vendor has queued or is working on. `progress` is 0..1; `resource` is "" where
    it is none that can be exported.
    """

    request_id: str
    resource: str
    format: str
    query: str
    progress: float
    created_at: datetime | None

    def is_of(self, url: str) -> bool:
        """True when it is this request that was sent."""
        return is_same_request(url, self.resource, self.format, self.query)

    def is_as_of(self, moment: datetime) -> bool:
        """True when its file will have all that was there at `moment`."""
        return self.progress == 0 or (self.created_at is not None and self.created_at >= moment)


class Queue:
    """What the vendor tells of its queues. `is_asked` off: nobody asks, and nothing is known."""

    def __init__(
        self, client: ApiClient, *, is_asked: bool, warn: Callable[[str], None] = lambda _text: None
    ) -> None:
        self._client, self._is_asked, self._warn = client, is_asked, warn
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
            return [_parse(item) for item in answer if _is_in_work(item)]
        except NotFoundError:
            self._is_asked = False  # the call is younger than this vendor
        except (RequestError, ServerError, NetworkError, *_MALFORMED) as error:
            # a hint that cannot be had: the answers to the requests themselves decide
            self._warn(f"the queue of application {application_id} cannot be seen: {error}")
        return None

    def find(self, url: str) -> ActiveQuery | None:
        """The query of just this request, if the vendor has it in work."""
        active = self.read(application_of(url)) or ()
        return next((query for query in active if query.is_of(url)), None)

    def cancel(self, application_id: str, request_id: str) -> str:
        """Take a query back; what the vendor says to it."""
        path = f"{PATH}/{request_id}/cancel"
        answer = self._client.post_json(path, application_id=application_id)
        return str(answer.get("message", "")) if isinstance(answer, dict) else ""

    def cancel_url(self, url: str) -> bool:
        """Take the query of a request back; False where it is not there (any more)."""
        query = self.find(url)
        if query is None:
            return False
        try:
            self.cancel(application_of(url), query.request_id)
        except NotFoundError:
            return False  # it was done in between
        return True


def _is_in_work(item: dict[str, Any]) -> bool:
    return int(item["status"]) != _PROCESSED or float(item.get("total_progress") or 0) < 1


def _parse(item: dict[str, Any]) -> ActiveQuery:
    return ActiveQuery(
        request_id=str(item["request_id"]),
        resource=RESOURCES.get(int(item["entity"]), ""),
        format=FORMATS[int(item["output_format"])],
        query=str(item.get("query", "")),
        progress=float(item.get("total_progress") or 0),
        created_at=_parse_moment(item.get("create_time")),
    )


def _parse_moment(text: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(str(text)).replace(tzinfo=UTC)
    except ValueError:
        return None

"""An export request of the Logs API and what its answers mean.

Source pages: appmetrica.yandex.com/docs/en/mobile-api/logs (request flow, endpoints, parameters).
The same request is the job: parameters go in one fixed order and one spelling, so that asking
again is polling.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, tzinfo
from urllib.parse import parse_qsl, quote, urlencode

SOURCE = "appmetrica_logs"
BASE_URL = "https://api.appmetrica.yandex.com"
PATH = "/logs/v1/export"
RESOURCES: Mapping[int, str] = {
    0: "clicks",
    1: "installations",
    2: "events",
    3: "postbacks",
    4: "errors",
    5: "crashes",
    6: "push_tokens",
    7: "sessions_starts",
    9: "deeplinks",
    10: "revenue_events",
    12: "profiles_v2",
    13: "ad_revenue_events",
    14: "ecommerce_events",
}
"""The resources by their codes in `get_active_queries`; others are none that can be exported."""

FORMATS = ("csv", "json")  # in the order of their codes there
_PROGRESS = re.compile(rb"Progress is (\d{1,3}(?:\.\d+)?)\s*%")
_SENTENCES = (b"Wait for result", b"Your query is added to the queue", b"Your query is moved to")
_TOO_LARGE = "use more parts"
_QUEUE_FULL = "already 3 enqueued"


@dataclass(frozen=True, slots=True)
class Export:
    """One export as it is asked for. `filters` are pairs of field and value; `dates` are the
    local times of its first and last second, "" where the resource takes none.
    """

    resource: str
    format: str
    application_id: str
    dates: tuple[str, str]
    date_dimension: str
    fields: tuple[str, ...]
    filters: tuple[tuple[str, str], ...] = ()
    parts: int = 1
    part: int = 0

    @property
    def url(self) -> str:
        """Path and query: the identity of the request."""
        given = {
            "application_id": self.application_id,
            "date_since": self.dates[0],
            "date_until": self.dates[1],
            "date_dimension": self.date_dimension,
            "fields": ",".join(self.fields),
        }
        pairs = [(key, value) for key, value in given.items() if value] + list(self.filters)
        if self.parts > 1:
            pairs += [("parts_count", str(self.parts)), ("part_number", str(self.part))]
        query = urlencode(pairs, quote_via=quote, safe=",")
        return f"{PATH}/{self.resource}.{self.format}?{query}"

    def in_parts(self, parts: int, part: int = 0) -> "Export":
        """The same export as one of so many parts."""
        return replace(self, parts=parts, part=part)


def is_same_request(url: str, resource: str, format_: str, query: str) -> bool:
    """True when a request's URL asks for this resource in this format with these parameters, in
    whatever order and spelling.
    """
    path, _, own = url.partition("?")
    said = query.partition("?")[2] or query
    return path == f"{PATH}/{resource}.{format_}" and sorted(
        parse_qsl(own, keep_blank_values=True)
    ) == sorted(parse_qsl(said, keep_blank_values=True))


def application_of(url: str) -> str:
    """The application a request is for."""
    return dict(parse_qsl(url.partition("?")[2])).get("application_id", "")


def name_dates(
    lower_at: datetime, upper_at: datetime, zone: tzinfo, *, is_inclusive: bool
) -> tuple[str, str]:
    """`date_since` and `date_until` of a half-open range: the vendor's end includes its second."""
    last_at = upper_at - timedelta(seconds=1) if is_inclusive else upper_at
    since, until = (
        moment.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S") for moment in (lower_at, last_at)
    )
    return since, until


def is_sentence(head: bytes) -> bool:
    """True when a body begins as the answers about the queue do."""
    return head.lstrip().startswith(_SENTENCES)


def read_progress(body: bytes) -> float | None:
    """0..1 of a "Progress is N%" body, or None."""
    found = _PROGRESS.search(body)
    return min(float(found[1]) / 100, 1.0) if found else None


def is_too_large(text: str) -> bool:
    """True when a refusal asks for more parts."""
    return _TOO_LARGE in text.lower()


def is_queue_full(text: str) -> bool:
    """True when a refusal says that the application's queue takes no more."""
    return _QUEUE_FULL in text.lower()


def find_refused(text: str, fields: Sequence[str]) -> list[str]:
    """The requested fields that a refusal names."""
    words = set(re.findall(r"[A-Za-z0-9_]+", text))
    return [name for name in fields if name in words]

"""One export as it is asked for, and what the vendor says of its state.

Source pages: tracker.my.com/docs/api/export-api/raw (create, get, cancel).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from string import punctuation, whitespace
from typing import Any, Literal
from urllib.parse import quote, urlencode

from connector.errors import ServerError
from connector.sources.mytracker.boxes import Box
from connector.sources.mytracker.calls import SOURCE
from connector.sources.mytracker.filters import LISTS, Filters

LONGEST_QUERY = 8_000  # bytes; a longer one goes into the body
_ENDINGS = f"{punctuation}{whitespace}…"  # of a status, which says nothing
_TOO_MANY = ("too many lines", "too much export data")
State = Literal["running", "done", "failed", "refused", "cancelled", "unknown"]
_STATES: Mapping[str, State] = {
    "in progress": "running",
    "success": "done",
    "error occurred": "failed",
    "user error occurred": "refused",
    "canceled by user": "cancelled",
    "cancelled by user": "cancelled",
}


@dataclass(frozen=True, slots=True)
class Export:
    """What is asked for. `has_margin`: with a second of availability more on both sides, because the
    vendor may leave its bounds out.
    """

    event: str
    selectors: tuple[str, ...]
    box: Box
    filters: Filters
    timezone: str
    event_floor: int
    has_inclusive_bounds: bool
    has_margin: bool = False

    def list_parameters(self, now: datetime) -> list[tuple[str, str]]:
        """The parameters of create.json, in one fixed order."""
        box, present = self.box, int(now.timestamp())
        wide = 0 if self.has_inclusive_bounds else 1  # the vendor leaves its bounds out
        event_from = self.event_floor if box.event_from is None else box.event_from - wide
        event_to = present if box.event_to is None else box.event_to - 1 + wide
        wide = 1 if self.has_margin else wide
        lower, upper = int(box.lower_at.timestamp()), int(box.upper_at.timestamp())
        return [
            ("event", self.event),
            ("selectors", ",".join(self.selectors)),
            ("tsFrom", str(max(event_from, 0))),
            ("tsTo", str(min(event_to, present))),
            ("availabilityTsFrom", str(max(lower - wide, 0))),
            ("availabilityTsTo", str(upper - 1 + wide)),
            ("timezone", self.timezone),
            *(pair for name, values in self.filters.items() for pair in _spell(name, self, values)),
        ]

    def values(self, name: str) -> tuple[str, ...]:
        """Those values of a filter that this export asks for."""
        return self.box.take(name, self.filters.get(name, ()))


def _spell(name: str, export: Export, values: Sequence[str]) -> list[tuple[str, str]]:
    """A filter as parameters: names of events may hold commas, so they come one by one."""
    if name not in LISTS:
        return [(name, value) for value in values]
    chosen = export.values(name)
    if name == "eventName":
        return [("eventName[]", value) for value in chosen]
    return [(name, ",".join(chosen))]


def encode(parameters: Sequence[tuple[str, str]]) -> str:
    """The parameters as a query or a body: RFC 3986, commas and zones as they are."""
    return urlencode(parameters, quote_via=quote, safe=",/")


@dataclass(frozen=True, slots=True)
class ExportState:
    """What get.json says. `status` is the vendor's word, `progress` 0..1; `links` are the parts with
    the moment (unix seconds) at which each dies, None where it is not told.
    """

    state: State
    status: str
    progress: float | None = None
    is_cancellable: bool = False
    links: tuple[tuple[str, int | None], ...] = ()
    message: str = ""

    @property
    def is_too_large(self) -> bool:
        """True when the vendor wants a smaller export."""
        return any(words in self.message.lower() for words in _TOO_MANY)


def read_state(data: Mapping[str, Any]) -> ExportState:
    """The state of an export; a status nobody knows is `unknown`. Raises ServerError where a file has
    no link.
    """
    status = str(data.get("status", ""))
    files = data.get("files")
    return ExportState(
        state=_STATES.get(status.rstrip(_ENDINGS).strip().lower(), "unknown"),
        status=status,
        progress=_read_share(data.get("progress")),
        is_cancellable=data.get("isCancellable") is True,
        links=tuple(_read_link(item) for item in files) if isinstance(files, list) else (),
        message=str(data.get("errorMessage") or ""),
    )


def _read_share(value: Any) -> float | None:
    try:
        return min(max(float(str(value).strip().rstrip("%")) / 100, 0.0), 1.0)
    except ValueError:
        return None


def _read_link(item: Any) -> tuple[str, int | None]:
    link = item.get("link") if isinstance(item, dict) else None
    if not link:
        raise ServerError(f"{SOURCE}: an export lists a file without a link", source=SOURCE)
    expires = str(item.get("timestampExpires", ""))
    return str(link), int(expires) if expires.isdecimal() else None

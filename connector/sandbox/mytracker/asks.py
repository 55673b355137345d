"""What a create request asks for: its parameters, checked as the vendor does.

Parameters: tracker.my.com/docs/api/export-api/raw/create. Refusals are details of a code 400; where
the vendor's text is not public it is this sandbox's.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TypeVar
from zoneinfo import ZoneInfo

from connector.sandbox.mytracker.dictionary import (
    AD_EVENTS,
    CUSTOM,
    MEDIATORS,
    PAYMENTS,
    ZONES,
    events,
    selectors_of,
)

T = TypeVar("T", int, date)
Pairs = Sequence[tuple[str, str]]
NO_RIGHT = "Export permissions required to export raw data from an account"

_MOST_VALUES = 1000
_BARRIER_S = 3 * 3600
_HITS = frozenset({"hits", "installs"})
_LISTS = ("idAccount", "idProject", "idAd", "idCampaign", "idCountry", "idPartner")
_APPS = ("idApp", "SDKKey")
_CHOICES: Mapping[str, tuple[tuple[str, ...], frozenset[str] | None]] = {
    "isVerified": (("0", "1"), PAYMENTS),
    "idPurchaseType": (("1", "2", "6"), PAYMENTS),
    "idAdMediator": (MEDIATORS, AD_EVENTS),
    "rooted": (("0", "1", "2"), None),
    "idSegment": ((), _HITS),
}
_TIMES = ("dateFrom", "dateTo", "tsFrom", "tsTo", "availabilityTsFrom", "availabilityTsTo")
_KNOWN = frozenset(
    (
        *("event", "selectors", "timezone", "eventName", "eventNameInvert"),
        *_LISTS,
        *_APPS,
        *_CHOICES,
        *_TIMES,
    )
)
_INDEXED = re.compile(r"\[\d*\]\Z")


class AskError(ValueError):
    """A request the vendor refuses with 400 and this detail."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """Seconds from `low` to `high` (unix); both belong to it where `is_inclusive`."""

    low: int
    high: int
    is_inclusive: bool = True

    def holds(self, moment: int) -> bool:
        """True for a moment within."""
        if self.is_inclusive:
            return self.low <= moment <= self.high
        return self.low < moment < self.high


@dataclass(frozen=True, slots=True)
class Ask:
    """One checked request. A row belongs to it where each of `times` holds its event time.

    `apps` and `keys` combine with OR, `filters` with AND; `hidden` are event names left out.
    """

    event: str
    selectors: tuple[str, ...]
    times: tuple[Bounds, ...]
    availability: Bounds | None
    zone: str
    apps: frozenset[str]
    keys: frozenset[str]
    filters: tuple[tuple[str, frozenset[str]], ...]
    hidden: frozenset[str]
    pairs: tuple[tuple[str, str], ...]

    @property
    def span(self) -> tuple[int, int]:
        """First and last second asked for: of availability, else of event time."""
        bounds = self.availability or self.times[0]
        return bounds.low, bounds.high

    @property
    def window(self) -> tuple[tuple[str, str], ...]:
        """What is asked for but for the bounds of event time, which follow the present."""
        return tuple(pair for pair in self.pairs if pair[0] not in _TIMES[:4])


@dataclass(frozen=True, slots=True)
class Reader:
    """How requests are read: the present moment (unix seconds), bounds, and who may see what.

    `made` are selectors by event that only made-up rows have.
    """

    now: float
    is_inclusive: bool
    apps: frozenset[str]
    keys: frozenset[str]
    made: Mapping[str, frozenset[str]]

    def read(self, pairs: Pairs) -> Ask:
        """The request of decoded parameters in their order; AskError says what is wrong with it."""
        values = _collect(pairs)
        event = _one(values, "event")
        if not event:
            raise AskError("Argument 'event' is expected but not set")
        if event not in events():
            raise AskError(
                "Argument 'event' must be in set of allowed tables. Allowed values are: "
                + ", ".join(events())
            )
        selectors = tuple(_many(values, "selectors"))
        if not selectors:
            raise AskError("Argument 'selectors' is expected but not set")
        known = {*selectors_of(event), *self.made.get(event, ())}
        if not set(selectors) <= known:
            raise AskError("Argument 'selectors' is invalid")
        zone = _one(values, "timezone") or "Europe/Moscow"
        if zone not in ZONES:
            raise AskError("Argument 'timezone' is invalid")
        times = self._read_times(values, zone)
        names, is_inverted = _read_names(values, event)
        apps, keys = (frozenset(_many(values, name)) for name in _APPS)
        if not (apps <= self.apps and keys <= self.keys):
            raise AskError(NO_RIGHT)
        return Ask(
            event=event,
            selectors=selectors,
            times=times,
            availability=self._read_availability(values),
            zone=zone,
            apps=apps,
            keys=keys,
            filters=(*_read_filters(values, event), *_as_filter(names, is_kept=not is_inverted)),
            hidden=names if is_inverted else frozenset(),
            pairs=tuple(pairs),
        )

    def _read_times(self, values: Mapping[str, Sequence[str]], zone: str) -> tuple[Bounds, ...]:
        found = []
        days = self._pair(values, "dateFrom", "dateTo", _read_day)
        if days is not None:
            today = datetime.fromtimestamp(self.now, ZoneInfo(zone)).date()
            if days[0] < date(1970, 1, 1) or days[1] > today:
                name = "dateTo" if days[1] > today else "dateFrom"
                raise AskError(f"Argument '{name}' is invalid")
            found.append(Bounds(_midnight(days[0], zone), _midnight(days[1], zone, 1) - 1))
        seconds = self._pair(values, "tsFrom", "tsTo", _read_second)
        if seconds is not None:
            if seconds[1] > self.now:
                raise AskError("Argument 'tsTo' is expected to be not more than current timestamp")
            found.append(Bounds(*seconds, self.is_inclusive))
        if not found:
            raise AskError("Argument 'dateFrom' is expected but not set")
        return tuple(found)

    def _read_availability(self, values: Mapping[str, Sequence[str]]) -> Bounds | None:
        seconds = self._pair(values, "availabilityTsFrom", "availabilityTsTo", _read_second)
        if seconds is None:
            return None
        if seconds[1] >= self.now - _BARRIER_S:
            raise AskError(
                "Argument 'availabilityTsTo' is expected to be less than current timestamp minus "
                "3 hours"
            )
        return Bounds(*seconds, self.is_inclusive)

    def _pair(
        self,
        values: Mapping[str, Sequence[str]],
        low: str,
        high: str,
        read: Callable[[str, str], T],
    ) -> tuple[T, T] | None:
        texts = _one(values, low), _one(values, high)
        if not any(texts):
            return None
        if not all(texts):
            raise AskError(f"Argument '{high if texts[0] else low}' is expected but not set")
        bounds = read(low, texts[0]), read(high, texts[1])
        if bounds[0] > bounds[1]:
            raise AskError(f"Argument '{low}' is expected to be not more than '{high}'")
        return bounds


def _collect(pairs: Pairs) -> dict[str, list[str]]:
    """Values by name; `name=a,b`, `name[]=a&name[]=b` and `name[0]=a` say the same."""
    values: dict[str, list[str]] = {}
    for spelled, value in pairs:
        name = _INDEXED.sub("", spelled)
        if name not in _KNOWN:
            raise AskError(f"Argument '{name}' is unknown")
        given = [value] if spelled != name else [text.strip() for text in value.split(",")]
        values.setdefault(name, []).extend(given)
    return values


def _one(values: Mapping[str, Sequence[str]], name: str) -> str:
    found = values.get(name, ("",))
    if len(found) > 1:
        raise AskError(f"Argument '{name}' is invalid")
    return found[0].strip()


def _many(values: Mapping[str, Sequence[str]], name: str) -> list[str]:
    found = [text for text in values.get(name, ()) if text]
    if len(found) >= _MOST_VALUES:
        raise AskError(f"Argument '{name}' set size expected to be below {_MOST_VALUES}")
    return found


def _read_filters(
    values: Mapping[str, Sequence[str]], event: str
) -> list[tuple[str, frozenset[str]]]:
    found = []
    for name in _LISTS:
        wanted = _many(values, name)
        if any(not text.isdecimal() for text in wanted):
            raise AskError(f"Argument '{name}' is invalid")
        found += _as_filter(frozenset(wanted), name)
    for name, (allowed, of_events) in _CHOICES.items():
        if text := _one(values, name):
            is_code = text in allowed if allowed else text.isdecimal()
            if not is_code or (of_events is not None and event not in of_events):
                raise AskError(f"Argument '{name}' is invalid")
            found.append((name, frozenset({text})))
    return found


def _read_names(values: Mapping[str, Sequence[str]], event: str) -> tuple[frozenset[str], bool]:
    names = frozenset(_many(values, "eventName"))
    invert = _one(values, "eventNameInvert")
    for name, given in (("eventName", bool(names)), ("eventNameInvert", bool(invert))):
        if given and event not in CUSTOM:
            raise AskError(f"Argument '{name}' is invalid")
    if invert not in {"", "0", "1"}:
        raise AskError("Argument 'eventNameInvert' is invalid")
    return names, invert == "1"


def _as_filter(
    wanted: frozenset[str], name: str = "eventName", *, is_kept: bool = True
) -> list[tuple[str, frozenset[str]]]:
    return [(name, wanted)] if wanted and is_kept else []


def _read_second(name: str, text: str) -> int:
    if not text.isdecimal():
        raise AskError(f"Argument '{name}' is invalid")
    return int(text)


def _read_day(name: str, text: str) -> date:
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC).date()
    except ValueError:
        raise AskError(f"Argument '{name}' is invalid") from None


def _midnight(day: date, zone: str, later_days: int = 0) -> int:
    moment = datetime.combine(day + timedelta(days=later_days), datetime.min.time())
    return int(moment.replace(tzinfo=ZoneInfo(zone)).timestamp())

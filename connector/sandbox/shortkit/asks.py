"""What a create request asks for, checked as the vendor's pages say."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from connector.sandbox.scenario import ShortKit
from connector.sandbox.shortkit.rows import DATA_TYPES, DAY_S

_KEYS = ("startDate", "endDate", "dataTypes", "format", "compression", "filters")
_FILTERS = {"contentIds": "contentId", "userIds": "userId", "eventTypes": "event"}
_EPOCH = date(1970, 1, 1)


class AskError(ValueError):
    """A request that is refused with 400, the code and the field it is about."""

    def __init__(self, code: str, message: str, at: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.at = at


@dataclass(frozen=True, slots=True)
class Ask:
    """One checked request. `first` and `last` are UTC days from 1970-01-01, both included.

    `end` is the day as it was sent. `filters` are pairs of a row's key and the values that pass.
    """

    first: int
    last: int
    end: int
    data_types: tuple[str, ...]
    form: Literal["jsonl", "csv"] = "jsonl"
    compression: Literal["gzip", "none"] = "gzip"
    filters: tuple[tuple[str, frozenset[str]], ...] = ()

    @property
    def span(self) -> tuple[int, int]:
        """First and last second asked for (unix)."""
        return self.first * DAY_S, (self.last + 1) * DAY_S - 1

    @property
    def suffix(self) -> str:
        """How the name of its file ends."""
        return f"{self.form}.gz" if self.compression == "gzip" else self.form


def read_ask(body: bytes, settings: ShortKit) -> Ask:
    """The request of a JSON body; AskError says what is wrong with it."""
    try:
        given = json.loads(body)
    except ValueError:
        given = None
    if not isinstance(given, dict):
        raise AskError("INVALID_REQUEST", "The body is no JSON object", "body")
    for name in given:
        if name not in _KEYS:
            raise AskError("INVALID_PARAMETER", f"{name} is unknown", name)
    first, last = (_read_day(given, name) for name in ("startDate", "endDate"))
    if last < first:
        raise AskError("VALIDATION_ERROR", "endDate is before startDate", "endDate")
    if last - first >= settings.max_days:
        raise AskError("VALIDATION_ERROR", f"Maximum range is {settings.max_days} days", "endDate")
    return Ask(
        first=first,
        last=last - (settings.end_date == "exclusive"),
        end=last,
        data_types=_read_types(given.get("dataTypes", ["events"])),
        form=_choose(given, "format", ("jsonl", "csv")),
        compression=_choose(given, "compression", ("gzip", "none")),
        filters=_read_filters(given.get("filters") or {}),
    )


def read_day(text: str) -> int:
    """A day counted from 1970-01-01; ValueError where the text is no ISO date."""
    if len(text) != 10:
        raise ValueError(f"{text!r} is no date")
    return (date.fromisoformat(text) - _EPOCH).days


def _read_day(given: Mapping[str, Any], name: str) -> int:
    if name not in given:
        raise AskError("MISSING_PARAMETER", f"{name} is required", name)
    try:
        return read_day(str(given[name]))
    except ValueError:
        raise AskError("VALIDATION_ERROR", f"{name} must be YYYY-MM-DD", name) from None


def _read_types(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not value or not set(map(str, value)) <= set(DATA_TYPES):
        text = f"dataTypes must be some of {', '.join(DATA_TYPES)}"
        raise AskError("INVALID_PARAMETER", text, "dataTypes")
    return tuple(name for name in DATA_TYPES if name in value)


def _choose(given: Mapping[str, Any], name: str, choices: tuple[str, ...]) -> Any:
    value = given.get(name, choices[0])
    if value not in choices:
        raise AskError("INVALID_PARAMETER", f"{name} must be {' or '.join(choices)}", name)
    return value


def _read_filters(value: object) -> tuple[tuple[str, frozenset[str]], ...]:
    if not isinstance(value, dict):
        raise AskError("INVALID_PARAMETER", "filters must be an object", "filters")
    found = []
    for name, wanted in value.items():
        if name not in _FILTERS or not isinstance(wanted, list):
            raise AskError("INVALID_PARAMETER", f"filters.{name} is invalid", f"filters.{name}")
        if wanted:
            found.append((_FILTERS[name], frozenset(map(str, wanted))))
    return tuple(found)

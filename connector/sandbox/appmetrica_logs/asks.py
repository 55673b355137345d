"""What a request asks for: the parameters of an export, checked as the vendor does.

Parameters: appmetrica.yandex.com/docs/en/mobile-api/logs/ref; refusals are texts with 400.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

from connector.sandbox.appmetrica_logs.resources import Resource

_OWN_NAMES = frozenset(
    {
        "application_id",
        "date_since",
        "date_until",
        "fields",
        "date_dimension",
        "limit",
        "use_utf8_bom",
        "skip_unavailable_shards",
        "version",
        "update_timestamp",
        "parts_count",
        "part_number",
    }
)
_MAX_AGE = re.compile(r"max-age=(\d+)\Z")


class AskError(ValueError):
    """A request the vendor refuses with 400 and this text."""


@dataclass(frozen=True, slots=True)
class Range:
    """Local times `yyyy-mm-dd hh:mm:ss`; `low` and `high` are the same in unix seconds, inclusive.

    Rows belong by their local text, so that an hour the clock repeats is never cut in two.
    """

    since: str
    until: str
    is_inclusive: bool
    low: int
    high: int

    def holds(self, text: str) -> bool:
        """True for a local time within the range."""
        return self.since <= text and (
            text <= self.until if self.is_inclusive else text < self.until
        )


@dataclass(frozen=True, slots=True)
class Ask:
    """One request of an export. `key` is its identity: path and query as sent, without the part.

    `query` is the query string of the key. `range` is None for snapshots.
    """

    app: int
    resource: Resource
    export_format: str
    key: str
    query: str
    fields: tuple[str, ...]
    range: Range | None
    is_by_receipt: bool
    limit: int | None
    has_bom: bool
    filters: tuple[tuple[str, str], ...]
    skips_shards: bool
    parts: int
    part: int

    @property
    def is_json(self) -> bool:
        """True where the path ends in `.json`."""
        return self.export_format == "json"

    @property
    def span(self) -> tuple[int, int] | None:
        """First and last second of the range, unix seconds; None for snapshots."""
        return (self.range.low, self.range.high) if self.range else None


@dataclass(frozen=True, slots=True)
class CacheRule:
    """What the header `Cache-Control` says: build anew, or take nothing older than `max_age_s`."""

    is_no_cache: bool = False
    max_age_s: int | None = None


def parse_cache_rule(header: str) -> CacheRule:
    """The rule of a header; words nobody documented say nothing."""
    words = [word.strip().lower() for word in header.split(",")]
    ages = [int(found[1]) for word in words if (found := _MAX_AGE.match(word))]
    return CacheRule("no-cache" in words, ages[0] if ages else None)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a request is read: the app with its zone, and whether `date_until` is inclusive."""

    app: int
    zone: str
    is_inclusive: bool = True


def parse_ask(path: str, query: str, resource: Resource, place: Place) -> Ask:
    """The request of a raw path and query string; AskError says what is wrong with it."""
    pairs = parse_qsl(query, keep_blank_values=True)
    values = dict(pairs)
    kept = "&".join(pair for pair in query.split("&") if not pair.startswith("part_number="))
    fields = tuple(name.strip() for name in values.get("fields", "").split(",") if name.strip())
    if not fields:
        raise AskError("Parameter fields is required")
    _check_names(resource, fields, [name for name, _ in pairs])
    parts = _read_number(values, "parts_count", 1, least=1)
    part = _read_number(values, "part_number", 0)
    if part >= parts:
        raise AskError(f"Parameter part_number must be less than parts_count, got {part}")
    dimension = values.get("date_dimension", "default")
    if dimension not in {"default", "receive"}:
        raise AskError(f"Invalid value of parameter date_dimension: {dimension}")
    return Ask(
        app=place.app,
        resource=resource,
        export_format=path.rpartition(".")[2],
        key=f"{path}?{kept}",
        query=kept,
        fields=fields,
        range=None if resource.is_snapshot else _read_range(values, place),
        is_by_receipt=dimension == "receive" and resource.has_dimension,
        limit=_read_number(values, "limit", 0, least=1) if "limit" in values else None,
        has_bom=_read_flag(values, "use_utf8_bom"),
        filters=tuple((name, value) for name, value in pairs if name not in _OWN_NAMES),
        skips_shards=_read_flag(values, "skip_unavailable_shards"),
        parts=parts,
        part=part,
    )


def _check_names(resource: Resource, fields: Sequence[str], names: Sequence[str]) -> None:
    known = resource.accepted_names()
    for name in fields:
        if name not in known:
            raise AskError(f"Unknown field: {name}")
    for name in names:
        if name not in known and name not in _OWN_NAMES:
            raise AskError(f"Unknown parameter: {name}")


def _read_number(values: dict[str, str], name: str, default: int, *, least: int = 0) -> int:
    text = values.get(name)
    if text is None:
        return default
    if not text.isdecimal() or int(text) < least:
        raise AskError(f"Invalid value of parameter {name}: {text}")
    return int(text)


def _read_flag(values: dict[str, str], name: str) -> bool:
    text = values.get(name, "false")
    if text not in {"true", "false", "1", "0"}:
        raise AskError(f"Invalid value of parameter {name}: {text}")
    return text in {"true", "1"}


def _read_range(values: dict[str, str], place: Place) -> Range:
    since = _read_moment(values, "date_since", " 00:00:00")
    until = _read_moment(values, "date_until", " 23:59:59")
    if since > until:
        raise AskError(f"date_since {since} is after date_until {until}")
    zone = ZoneInfo(place.zone)
    # In a repeated hour the range reaches from its first occurrence to its second.
    low = int(since.replace(tzinfo=zone, fold=0).astimezone(UTC).timestamp())
    high = int(until.replace(tzinfo=zone, fold=1).astimezone(UTC).timestamp())
    return Range(
        since=since.strftime("%Y-%m-%d %H:%M:%S"),
        until=until.strftime("%Y-%m-%d %H:%M:%S"),
        is_inclusive=place.is_inclusive,
        low=low,
        high=high if place.is_inclusive else high - 1,
    )


def _read_moment(values: dict[str, str], name: str, rest_of_day: str) -> datetime:
    text = values.get(name)
    if text is None:
        raise AskError(f"Parameter {name} is required")
    whole = text + rest_of_day if len(text) == 10 else text
    try:
        return datetime.strptime(whole, "%Y-%m-%d %H:%M:%S")  # noqa: DTZ007 - local, as sent
    except ValueError:
        raise AskError(f"Invalid value of parameter {name}: {text}") from None

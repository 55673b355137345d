"""The settings of the Logs API, checked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from connector.errors import ConfigError
from connector.fields import load_tables
from connector.jobs import Patience
from connector.settings import THROTTLE_CODES, Section
from connector.sources.appmetrica_logs.export import FORMATS, SOURCE
from connector.sources.appmetrica_logs.slices import Rules
from connector.spans import late_looks

OPEN_TABLE = "profiles_v2"  # takes the names of custom attributes beside its fields
PARAMETERS = {  # of a request: a filter by that name would change what is asked for
    "application_id",
    "date_since",
    "date_until",
    "date_dimension",
    "fields",
    "limit",
    "use_utf8_bom",
    "skip_unavailable_shards",
    "parts_count",
    "part_number",
}
MOST_PARTS = 64
SLOWEST_POLL = 6  # times the first pause


@dataclass(frozen=True, slots=True)
class LogsSettings:
    """What the section says; `fields` and `filters` by table. `date_zone` None is the app's own."""

    base_url: str
    token: str
    application_ids: tuple[str, ...]
    tables: tuple[str, ...]
    start: datetime | None
    date_dimension: str
    rules: Mapping[str, Rules]
    patience: Patience
    fields: Mapping[str, tuple[str, ...]]
    filters: Mapping[str, tuple[tuple[str, str], ...]]
    format: str
    drops_unknown_fields: bool
    dates_profiles: bool
    freshness: str
    asks_for_queue: bool
    max_parts: int
    checks_rows: bool
    is_end_inclusive: bool
    date_zone: ZoneInfo | None
    daily_request_cap: int
    retries: int
    timeout_s: float
    throttle_codes: tuple[int, ...]

    def __repr__(self) -> str:
        """Without the token."""
        return f"LogsSettings(base_url={self.base_url!r}, application_ids={self.application_ids})"


def read_settings(values: Mapping[str, Any]) -> LogsSettings:
    """The settings; raises ConfigError naming the first one that is wrong."""
    section = Section(SOURCE, values)
    tables = _read_tables(section)
    poll_s = section.number("poll_seconds", 0.01, 3600)
    return LogsSettings(
        base_url=section.text("base_url"),
        token=section.text("token"),
        application_ids=section.numeric_ids("application_ids"),
        tables=tables,
        start=section.moment("start"),
        date_dimension=section.choice("date_dimension", "receive", "default"),
        rules=_read_rules(section, tables),
        patience=Patience(
            first_s=poll_s,
            most_s=SLOWEST_POLL * poll_s,
            queue_full_s=SLOWEST_POLL * poll_s,
            deadline=timedelta(hours=section.number("deadline_hours", 0.01, 24)),
        ),
        fields={table: _read_fields(section, table) for table in tables},
        filters=_read_filters(section),
        format=section.choice("format", *FORMATS),
        drops_unknown_fields=section.flag("drop_unknown_fields"),
        dates_profiles=section.flag("profiles_dates"),
        freshness=section.choice("freshness", "no_cache_once", "max_age", "none"),
        asks_for_queue=section.choice("use_active_queries", "auto", "off") == "auto",
        max_parts=int(section.number("max_parts", 1, MOST_PARTS)),
        checks_rows=section.flag("check_rows_number"),
        is_end_inclusive=section.choice("date_until", "inclusive", "exclusive") == "inclusive",
        date_zone=_read_zone(section),
        daily_request_cap=int(section.number("daily_request_cap", 1, 1e6)),
        retries=int(section.number("retries", 0, 20)),
        timeout_s=section.number("timeout_seconds", 1, 3600),
        throttle_codes=tuple(
            int(code) for code in section.numeric_ids("throttle_codes", THROTTLE_CODES)
        ),
    )


def _read_tables(section: Section) -> tuple[str, ...]:
    known, names = tuple(load_tables(SOURCE)), section.names("tables")
    _check_known(section, "tables", names, known)
    return tuple(name for name in known if name in names) if names else known


def _read_rules(section: Section, tables: Sequence[str]) -> dict[str, Rules]:
    hours = section.number("slice_hours", 1, 24 * 31)
    if hours % 1 or (hours % 24 and 24 % hours):
        raise ConfigError(
            f"sources.{SOURCE}.slice_hours is {hours:g}: slices begin at local midnights, so it must"
            " divide a day (1, 2, 3, 4, 6, 8, 12, 24) or be whole days (48, 72, ...)."
        )
    late = late_looks(section.number("late_days", 0, 90))
    back = section.number("lookback_days", 0, 90)
    lookback = (timedelta(days=back),) if back else ()
    is_late = section.choice("date_dimension", "receive", "default") == "default"
    return {
        table: Rules(
            slice_hours=int(hours),
            settle=timedelta(minutes=section.number("settle_minutes", 0, 7 * 24 * 60)),
            close=timedelta(hours=section.number("close_after_hours", 0, 14 * 24)),
            later=late if is_late or table == "postbacks" else lookback,
        )
        for table in tables
    }


def _read_fields(section: Section, table: str) -> tuple[str, ...]:
    """The fields to ask for; all known ones where the setting does not name the table."""
    known = tuple(load_tables(SOURCE)[table].by_name)
    chosen = section.mapping("fields")
    _check_known(section, "fields", chosen, load_tables(SOURCE))
    names = Section(SOURCE, {"fields": chosen.get(table)}).names("fields")
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ConfigError(
            f"sources.{SOURCE}.fields names {', '.join(twice)} of {table} twice: the vendor would"
            " send the column twice. Name each field once."
        )
    if table != OPEN_TABLE:
        _check_known(section, f"fields.{table}", names, known)
    return names or known


def _read_filters(section: Section) -> dict[str, tuple[tuple[str, str], ...]]:
    """Pairs of field and value by table."""
    given = section.mapping("filters")
    _check_known(section, "filters", given, load_tables(SOURCE))
    filters = {}
    for table, wanted in given.items():
        values = Section(SOURCE, {f"filters.{table}": wanted}).mapping(f"filters.{table}")
        if table != OPEN_TABLE:
            _check_known(section, f"filters.{table}", values, load_tables(SOURCE)[table].by_name)
        if taken := sorted(PARAMETERS & set(values)):
            raise ConfigError(
                f"sources.{SOURCE}.filters.{table} names {', '.join(taken)}, which the request uses"
                " itself: such a filter cannot be sent. Take it out."
            )
        filters[table] = tuple((name, str(value)) for name, value in sorted(values.items()))
    return filters


def _check_known(
    section: Section, key: str, names: Sequence[str] | Mapping[str, Any], known: Any
) -> None:
    if unknown := [name for name in names if name not in known]:
        raise ConfigError(
            f"sources.{section.source}.{key} names {', '.join(unknown)}, which the Logs API does not"
            f" have. Known: {', '.join(known)}. Set it in .dlt/config.toml under"
            f" [sources.{section.source}]."
        )


def _read_zone(section: Section) -> ZoneInfo | None:
    name = section.text("date_zone")
    try:
        return None if name == "app" else ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise ConfigError(
            f"sources.{SOURCE}.date_zone is {name!r}: it must be app, or an IANA zone such as"
            " Europe/Moscow. Set it in .dlt/config.toml."
        ) from None

"""ShortKit data export: events of a video feed, their playback quality, ads, as day-ranged jobs.

Source: the vendor's guide to the data export, February 2026, withdrawn since.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import dlt
from dlt.common.typing import TSecretStrValue
from dlt.sources import DltSource

from connector.api import ApiContext
from connector.decode import DayRows, Kind, Nested, Options
from connector.fields import Table
from connector.live import live_source
from connector.settings import Section
from connector.sources.shortkit.api import ShortkitApi
from connector.sources.shortkit.shortkit_settings import BASE_URL, SOURCE, read_settings
from connector.sources.shortkit.units import read_units

DATA = "data"
_KINDS: Mapping[str, Kind] = {
    "integer": "number",
    "bigint": "number",
    "double": "number",
    "boolean": "boolean",
    "json": "json",
}
QUALITY_EVENTS = ("rebuffer", "qualityChange", "error")  # of a job for events and quality


@dlt.source(name=SOURCE, section=SOURCE, max_table_nesting=0)
def shortkit(  # noqa: PLR0917 - a source's signature is its configuration
    base_url: str = BASE_URL,
    token: TSecretStrValue = dlt.secrets.value,
    application_id: str = SOURCE,
    data_types: Any = None,
    format: str = "jsonl",  # noqa: A002 - the name is public
    compression: str = "gzip",
    filters: Any = None,
    start: Any = None,
    lookback_days: int = 2,
    settle_hour: float = 2.0,
    zone: str = "UTC",
    end_date: str = "inclusive",
    window_clock: str = "event",
    retry_failed_seconds: float = 600.0,
    poll_seconds: float = 5.0,
    deadline_hours: float = 6.0,
    max_days: int = 30,
    retention_days: int = 90,
    max_jobs: int = 3,
    daily_jobs: int = 20,
    reserve_jobs: int = 2,
    runs_per_day: int = 1,
    least_share: float = 0.95,
    download_hosts: Any = None,
    units: Any = None,
    event_name_field: str = "event",
    job_id_field: str = "jobId",
    paths: Any = None,
    scheduled_data_types: Any = None,
    webhook_secret: Any = None,
    signature: str = "A",
    webhook_tolerance_seconds: float = 300.0,
    retries: int = 5,
    timeout_seconds: float = 60.0,
    empty_text: str = "null",
) -> DltSource:
    """The export of a short-video feed, one resource per data type; the README tells of every key."""
    settings = dict(locals())
    return live_source(lambda context: make_api(settings, context), make_options(settings))


def make_api(settings: Mapping[str, Any], context: ApiContext) -> ShortkitApi:
    """The API of these settings; raises ConfigError naming the first one that is wrong."""
    checked = read_settings(settings)
    tables = make_tables(settings)
    return ShortkitApi(checked, {name: tables[name] for name in checked.data_types}, context)


def make_options(settings: Mapping[str, Any]) -> Options:
    """How the files of these settings are read."""
    section = Section(SOURCE, settings)
    return Options(
        json_layout="lines",
        keep_empty=section.choice("empty_text", "null", "keep") == "keep",
        day_rows=DayRows(
            tables=dict.fromkeys(QUALITY_EVENTS, "quality"),
            trusts_window=section.choice("window_clock", "event", "received") == "received",
            least_share=section.number("least_share", 0, 1),
        ),
        nested=_describe_data(make_tables(settings)),
    )


def _describe_data(tables: Mapping[str, Table]) -> Nested:
    """The object `data` of a row, by the field tables of all data types."""
    fields = next(iter(tables.values())).fields
    spellings = {field.name: {field.name, *field.aliases} for field in fields}
    del spellings[DATA]
    members = [item for table in tables.values() for item in table.payloads]
    shared = {item.name for item in members} & set().union(*spellings.values())
    return Nested(
        field=DATA,
        kinds={
            name: _KINDS.get(item.type, "text")
            for item in members
            for name in (item.name, *(alias for alias, _ in item.aliases))
        },
        own=frozenset().union(*spellings.values()),
        numbers=frozenset(field.name for field in fields if field.type == "double"),
        members_of={
            name: frozenset(item.event for item in members if item.name == name)
            - frozenset(QUALITY_EVENTS)
            for name in shared
        },
        event=(fields[0].name, *fields[0].aliases),
    )


def make_tables(settings: Mapping[str, Any]) -> Mapping[str, Table]:
    """The tables, with the units and the name of the event that the settings say the vendor uses."""
    name = str(settings.get("event_name_field") or "event")
    tables = read_units(settings)
    return {key: _rename_event(table, name) for key, table in tables.items()}


def _rename_event(table: Table, name: str) -> Table:
    """The table whose event is told under `name` first; the other spellings are taken, too."""
    known = table.by_name["event"]
    if name == known.name:
        return table
    others = tuple(alias for alias in (known.name, *known.aliases) if alias != name)
    renamed = replace(known, name=name, aliases=others)
    return replace(
        table, fields=tuple(renamed if field is known else field for field in table.fields)
    )

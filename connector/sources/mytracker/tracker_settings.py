"""The settings of MyTracker, checked."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from connector.errors import ConfigError
from connector.fields import Table
from connector.jobs import Patience
from connector.settings import Section
from connector.sources.mytracker.calls import SOURCE
from connector.sources.mytracker.filters import Filters, read_filters, read_zone
from connector.sources.mytracker.selectors import choose_tables, find_unknown
from connector.sources.mytracker.windows import Rules
from connector.spans import late_looks

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FILE_HOSTS = ("tracker.my.com", "rawdata.hb.bizmrg.com")  # seen in links; they may change
CREATIONS = 5
AGAIN_S = 30.0  # before a failed export is asked for again; doubles
SLOWEST_POLL = 2  # times the first pause
QUEUE_FULL_S = 60.0
SWEEP_DAYS = 30  # how far back the rare sweep looks
HOURLY_MOST = 1_000  # the vendor's own limit


@dataclass(frozen=True, slots=True)
class TrackerSettings:
    """What the section says. `tables` by raw name; `rules` and `filters` by raw name, too."""

    base_url: str
    api_user_id: str
    secret_key: str
    tables: Mapping[str, Table]
    unknown_selectors: tuple[tuple[str, str], ...]
    filters: Mapping[str, Filters]
    timezone: str
    start: datetime | None
    event_floor: int
    rules: Mapping[str, Rules]
    patience: Patience
    max_jobs: int
    has_inclusive_bounds: bool
    cut_by_insert: str
    create_form: str
    file_hosts: tuple[str, ...]
    sign_downloads: str
    counts_downloads: bool
    hourly_request_cap: int
    retries: int
    timeout_s: float

    def name_app(self, table: str) -> str:
        """The app that all rows of a table are of; "" where there may be several."""
        filters = self.filters[table]
        apps = filters.get("idApp", ())
        return apps[0] if len(apps) == 1 and not filters.get("SDKKey") else ""

    def __repr__(self) -> str:
        """Without the key."""
        return f"TrackerSettings(base_url={self.base_url!r}, tables={list(self.tables)})"


def read_settings(values: Mapping[str, Any]) -> TrackerSettings:
    """The settings; raises ConfigError naming the first one that is wrong."""
    section = Section(SOURCE, values)
    tables = choose_tables(section)
    events = [table.endpoint for table in tables.values()]
    filters = read_filters(section, events)
    poll_s = section.number("poll_seconds", 0.01, 3600)
    return TrackerSettings(
        base_url=section.text("base_url"),
        api_user_id=_read_user(section),
        secret_key=section.text("secret_key"),
        tables=tables,
        unknown_selectors=tuple(find_unknown(section)),
        filters={name: filters[table.endpoint] for name, table in tables.items()},
        timezone=read_zone(section),
        start=_read_start(section),
        event_floor=int(section.number("event_floor", 0, 1e10)),
        rules={name: _read_rules(section, table.endpoint) for name, table in tables.items()},
        patience=Patience(
            first_s=poll_s,
            most_s=SLOWEST_POLL * poll_s,
            queue_full_s=min(QUEUE_FULL_S, 4 * poll_s),
            deadline=timedelta(hours=section.number("deadline_hours", 0.001, 24)),
            stuck=timedelta(hours=24),
            creations=CREATIONS,
            again_s=min(AGAIN_S, 2 * poll_s),
        ),
        max_jobs=int(section.number("max_jobs", 1, 20)),
        has_inclusive_bounds=section.choice("bounds", "inclusive", "exclusive") == "inclusive",
        cut_by_insert=section.choice("cut_by_tsinsert", "auto", "never"),
        create_form=section.choice("create_form", "query", "body"),
        file_hosts=section.names("file_hosts") or FILE_HOSTS,
        sign_downloads=section.choice("sign_downloads", "auto", "always", "never"),
        counts_downloads=section.flag("count_downloads"),
        hourly_request_cap=int(section.number("hourly_request_cap", 1, HOURLY_MOST)),
        retries=int(section.number("retries", 0, 20)),
        timeout_s=section.number("timeout_seconds", 1, 3600),
    )


def _read_user(section: Section) -> str:
    user = section.text("api_user_id")
    if not user.isascii() or not user.isdigit():
        raise ConfigError(
            f"sources.{SOURCE}.api_user_id is no number: it is the API User ID of the profile page,"
            f" not its name. Set it in .dlt/secrets.toml under [sources.{SOURCE}], or as"
            f" SOURCES__{SOURCE.upper()}__API_USER_ID in the environment."
        )
    return user


def _read_start(section: Section) -> datetime | None:
    start = section.moment("start")
    if start is not None and start < EPOCH:
        raise ConfigError(
            f"sources.{SOURCE}.start is {start:%Y-%m-%d}: the vendor takes no time before 1970-01-01."
            " Set it in .dlt/config.toml."
        )
    return start


def _read_rules(section: Section, event: str) -> Rules:
    """When an interval of this event is asked for, and asked for again."""
    sweep = section.number("future_sweep_days", 0, SWEEP_DAYS)
    if 0 < sweep < 1:
        raise ConfigError(
            f"sources.{SOURCE}.future_sweep_days is {sweep:g}: days are read again as a whole, so it is 0"
            " (never) or at least 1. Set it in .dlt/config.toml."
        )
    sweeps = range(1, int(SWEEP_DAYS // sweep) + 1) if sweep else ()
    looks = {timedelta(days=sweep * number) for number in sweeps}
    if event.lower().endswith("payments"):
        looks |= set(late_looks(section.number("payments_reload_days", 0, 90)))
    if event == "installs":
        looks |= set(late_looks(section.number("installs_reload_days", 0, 90)))
    return Rules(
        step=timedelta(hours=section.number("slice_hours", 1 / 60, 24)), later=tuple(sorted(looks))
    )

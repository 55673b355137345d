"""The settings of ShortKit, checked: the profile of an API whose pages the vendor has withdrawn."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import ceil
from types import MappingProxyType
from typing import Any, NoReturn
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from connector.errors import ConfigError
from connector.jobs import Patience
from connector.settings import Section

SOURCE = "shortkit"
BASE_URL = "https://api.shortkit.dev/v1"
DATA_TYPES = ("events", "quality", "ads")
DOWNLOAD_HOSTS = ("exports.shortkit.dev",)
PATHS: Mapping[str, str] = MappingProxyType(
    {
        "create": "/analytics/export",
        "status": "/analytics/export/{job}",
        "list": "/analytics/exports",
        "cancel": "/analytics/export/{job}",
        "person_export": "/users/{user}/export",
        "person_poll": "/users/{user}/export/{job}",
        "person_erase": "/users/{user}",
    }
)
FILTERS: Mapping[str, str] = MappingProxyType(
    {"content_ids": "contentIds", "user_ids": "userIds", "event_types": "eventTypes"}
)
SLOWEST_POLL = 6  # times the first pause: 5 s grow to the vendor's 30
JITTER = 0.1
QUEUE_FULL_POLLS = 2  # first pauses while the vendor takes no more jobs
CREATIONS = 2  # a failed job is asked for once more, then its days in two halves
_HOURS = 24


@dataclass(frozen=True, slots=True)
class Group:
    """Data types that one job asks for; `tables` in the order of the field table."""

    tables: tuple[str, ...]

    @property
    def name(self) -> str:
        """The group in the id of a unit."""
        return "+".join(self.tables)


@dataclass(frozen=True, slots=True)
class ShortkitSettings:
    """What the section says. `start` aware UTC; `filters` in the vendor's spelling;
    `names_hosts`: the user named `download_hosts`, which may then be anywhere.
    """

    base_url: str
    token: str
    application_id: str
    groups: tuple[Group, ...]
    scheduled: Group
    format: str
    compression: str
    start: datetime | None
    lookback_days: int
    settle: timedelta
    zone: ZoneInfo
    is_end_inclusive: bool
    windows_by_event: bool
    max_days: int
    retention_days: int
    max_jobs: int
    daily_jobs: int
    reserve_jobs: int
    runs_per_day: int
    least_share: float
    filters: Mapping[str, tuple[str, ...]]
    paths: Mapping[str, str]
    job_id_field: str
    download_hosts: tuple[str, ...]
    names_hosts: bool
    patience: Patience
    retries: int
    timeout_s: float

    @property
    def data_types(self) -> tuple[str, ...]:
        """The tables to load, in the order of the field table."""
        chosen = {table for group in self.groups for table in group.tables}
        return tuple(table for table in DATA_TYPES if table in chosen)

    @property
    def jobs_per_run(self) -> int:
        """Jobs of a run that finds nothing missing: the newest day and the look-back, by group."""
        return len(self.groups) * ceil((self.lookback_days + 1) / self.max_days)

    def path(self, name: str, **values: str) -> str:
        """One of the vendor's paths, its places filled in."""
        return self.paths[name].format(**values)

    def __repr__(self) -> str:
        """Without the token."""
        return f"ShortkitSettings(base_url={self.base_url!r}, groups={self.groups})"


def read_settings(values: Mapping[str, Any]) -> ShortkitSettings:
    """The settings; raises ConfigError naming the first one that is wrong."""
    section = Section(SOURCE, values)
    by_event = section.choice("window_clock", "event", "received") == "event"
    settings = ShortkitSettings(
        base_url=section.text("base_url").rstrip("/"),
        token=section.text("token"),
        application_id=section.text("application_id"),
        groups=_group(_read_types(section, "data_types") or DATA_TYPES),
        scheduled=_read_scheduled(section),
        format=section.choice("format", "jsonl", "csv"),
        compression=section.choice("compression", "gzip", "none"),
        start=section.moment("start"),
        lookback_days=int(section.number("lookback_days", 0, 30)),
        settle=timedelta(hours=section.number("settle_hour", 0, 47)),
        zone=_read_zone(section),
        is_end_inclusive=section.choice("end_date", "inclusive", "exclusive") == "inclusive",
        windows_by_event=by_event,
        max_days=int(section.number("max_days", 1, 366)) if by_event else 1,
        retention_days=int(section.number("retention_days", 1, 3660)),
        max_jobs=int(section.number("max_jobs", 1, 20)),
        daily_jobs=int(section.number("daily_jobs", 1, 10_000)),
        reserve_jobs=int(section.number("reserve_jobs", 0, 10_000)),
        runs_per_day=int(section.number("runs_per_day", 1, 1440)),
        least_share=section.number("least_share", 0, 1),
        filters=_read_filters(section),
        paths=_read_paths(section),
        job_id_field=section.text("job_id_field"),
        download_hosts=section.names("download_hosts") or DOWNLOAD_HOSTS,
        names_hosts=bool(section.names("download_hosts")),
        patience=_read_patience(section),
        retries=int(section.number("retries", 0, 20)),
        timeout_s=section.number("timeout_seconds", 1, 3600),
    )
    _check_quota(settings)
    return settings


def _read_types(section: Section, key: str) -> tuple[str, ...]:
    names = section.names(key)
    for name in names:
        if name not in DATA_TYPES:
            _refuse(key, f"names {name!r}; there is: {', '.join(DATA_TYPES)}")
    return tuple(name for name in DATA_TYPES if name in names)


def _group(types: tuple[str, ...]) -> tuple[Group, ...]:
    """`ads` is always asked for by itself: `impression` and `completion` are names of both ads and
    videos, and no documented field tells them apart.
    """
    together = tuple(name for name in types if name != "ads")
    return tuple(Group(names) for names in (together, ("ads",) if "ads" in types else ()) if names)


def _read_scheduled(section: Section) -> Group:
    groups = _group(_read_types(section, "scheduled_data_types") or ("events", "quality"))
    if len(groups) > 1:
        _refuse(
            "scheduled_data_types",
            "has ads beside other types: their rows cannot be told apart in one file. Let the schedule"
            " export events and quality; ads come by jobs of their own",
        )
    return groups[0]


def _read_zone(section: Section) -> ZoneInfo:
    name = section.text("zone")
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        _refuse("zone", f"is {name!r}, which is no IANA zone")


def _read_filters(section: Section) -> Mapping[str, tuple[str, ...]]:
    given = section.mapping("filters")
    for name in given:
        if name not in FILTERS:
            _refuse("filters", f"has {name!r}; there is: {', '.join(FILTERS)}")
    lists = Section(f"{SOURCE}.filters", given)
    return {FILTERS[name]: lists.names(name) for name in given if lists.names(name)}


def _read_paths(section: Section) -> Mapping[str, str]:
    given = section.mapping("paths")
    for name, path in given.items():
        if name not in PATHS:
            _refuse("paths", f"has {name!r}; there is: {', '.join(PATHS)}")
        try:
            str(path).format(job="", user="")
        except (KeyError, IndexError, ValueError):
            _refuse("paths", f"has {path!r}: its places are {{job}} and {{user}}")
    return {**PATHS, **{name: str(path) for name, path in given.items()}}


def _read_patience(section: Section) -> Patience:
    poll_s = section.number("poll_seconds", 0.01, 3600)
    deadline = timedelta(hours=section.number("deadline_hours", 0.001, 48))
    return Patience(
        first_s=poll_s,
        most_s=SLOWEST_POLL * poll_s,
        queue_full_s=QUEUE_FULL_POLLS * poll_s,
        deadline=deadline,
        stuck=deadline,  # its progress may stand, and go back
        creations=CREATIONS,
        again_s=section.number("retry_failed_seconds", 0, 86_400),
        jitter=JITTER,
    )


def _check_quota(settings: ShortkitSettings) -> None:
    """Raise ConfigError where the runs of a day would ask for more jobs than the vendor takes."""
    each, runs = settings.jobs_per_run, settings.runs_per_day
    room = settings.daily_jobs - settings.reserve_jobs
    if each * runs <= room:
        return
    days = settings.lookback_days + 1
    _refuse(
        "runs_per_day",
        f"is {runs}: each run asks for {len(settings.groups)} groups x {each // len(settings.groups)}"
        f" windows of the {days} newest days = {each} jobs, {runs} runs make {each * runs} a day, and"
        f" the vendor takes {settings.daily_jobs}, of which {settings.reserve_jobs} are kept for"
        f" retries. {max(room // each, 0)} runs a day fit",
    )


def _refuse(key: str, problem: str) -> NoReturn:
    raise ConfigError(
        f"sources.{SOURCE}.{key} {problem}. Set it in .dlt/config.toml under [sources.{SOURCE}], or"
        f" as SOURCES__{SOURCE.upper()}__{key.upper()} in the environment."
    )


def to_day(moment: datetime, zone: ZoneInfo) -> datetime:
    """The midnight, in UTC, at which the day of `moment` begins in `zone`."""
    local = moment.astimezone(zone)
    return local.replace(hour=0, minute=0, second=0, microsecond=0).astimezone(UTC)

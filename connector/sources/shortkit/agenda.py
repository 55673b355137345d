"""Which days are asked for, and in which windows: as few jobs as the vendor's limits allow.

A day is asked for once it is over and settled, and with it the days before it, whose rows may have
come late. What dies first goes first. Nothing is asked of the vendor here.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from connector.day_units import list_days, midnight
from connector.sources.shortkit.shortkit_settings import SOURCE, Group, ShortkitSettings
from connector.units import LoadedUnit, Scope, Unit

AXIS = "event_day"
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Window:
    """Days from `first` to `last`, both of them in it; none where it ends before it begins."""

    first: date
    last: date

    @property
    def days(self) -> list[date]:
        """Each of them."""
        return [self.first + number * _DAY for number in range(len(self))]

    def __len__(self) -> int:
        return max(0, (self.last - self.first).days + 1)

    @property
    def name(self) -> str:
        """The window in the id of a unit."""
        return f"{self.first.isoformat()}..{self.last.isoformat()}"


@dataclass(frozen=True, slots=True)
class Calendar:
    """The days there are at one moment: `oldest` still has its rows, `newest` is settled."""

    oldest: date
    newest: date
    today: date

    def clip(self, first: date, last: date) -> list[date]:
        """The days from `first` to `last` that can be asked for."""
        return Window(max(first, self.oldest), min(last, self.newest)).days


def find_calendar(settings: ShortkitSettings, now: datetime) -> Calendar:
    """The days at this moment: never today, and yesterday once it is settled."""
    today = now.astimezone(settings.zone).date()
    settled = (now - settings.settle).astimezone(settings.zone).date()
    return Calendar(today - settings.retention_days * _DAY, settled - _DAY, today)


@dataclass(frozen=True, slots=True)
class Need:
    """The days of a group that are wanted: those nobody loaded, and those to be loaded again."""

    missing: frozenset[date]
    again: frozenset[date]


def find_need(
    group: Group,
    loaded: Mapping[str, LoadedUnit],
    calendar: Calendar,
    settings: ShortkitSettings,
    scope: Scope,
) -> Need:
    """What of a group's days is to be asked for.

    Live loading begins at `start`, or with the oldest day there is; a range that somebody asks for
    (`scope.is_reload`) is loaded again, but for the oldest day: the vendor is deleting that one.
    """
    first = calendar.oldest if scope.is_reload else find_start(settings, calendar.oldest)
    days = [day for day in calendar.clip(first, calendar.newest) if _touches(day, settings, scope)]
    missing = {
        day for day in days if any(name_day(table, day) not in loaded for table in group.tables)
    }
    marked = {
        day
        for day in days
        if any(loaded[name].is_to_reload for name in _names(group, day) if name in loaded)
    }
    recent = set(calendar.clip(calendar.newest - settings.lookback_days * _DAY, calendar.newest))
    wanted = set(days) if scope.is_reload else (recent & set(days)) | marked
    return Need(frozenset(missing), frozenset(wanted - missing - {calendar.oldest}))


def find_start(settings: ShortkitSettings, otherwise: date) -> date:
    """The first day of live loading."""
    return settings.start.astimezone(settings.zone).date() if settings.start else otherwise


def find_lost(
    table: str, loaded: Mapping[str, LoadedUnit], calendar: Calendar, since: date
) -> list[date]:
    """Days since the first that is loaded, and `since`, that nobody loaded and the vendor has deleted."""
    prefix = f"{table}/"
    held = {
        date.fromisoformat(name.removeprefix(prefix)) for name in loaded if name.startswith(prefix)
    }
    first = max(min(held, default=calendar.oldest), since)
    return [day for day in Window(first, calendar.oldest - _DAY).days if day not in held]


def _touches(day: date, settings: ShortkitSettings, scope: Scope) -> bool:
    return scope.touches(midnight(day, settings.zone), midnight(day + _DAY, settings.zone))


def _names(group: Group, day: date) -> list[str]:
    return [name_day(table, day) for table in group.tables]


def name_day(table: str, day: date) -> str:
    """The id of what is loaded of a table's day."""
    return f"{table}/{day.isoformat()}"


def is_past_edge(unit: Unit, settings: ShortkitSettings, now: datetime) -> bool:
    """True for days of which the vendor may refuse the first, because it is deleting that one."""
    window = window_of(unit)
    return len(window) > 1 and window.first <= find_calendar(settings, now).oldest


def cut_windows(days: Iterable[date], widest: int) -> list[Window]:
    """The days in windows of at most `widest` days, the oldest first."""
    windows: list[Window] = []
    for day in sorted(days):
        last = windows[-1] if windows else None
        if last and day == last.last + _DAY and len(last) < widest:
            windows[-1] = Window(last.first, day)
        else:
            windows.append(Window(day, day))
    return windows


def to_unit(group: Group, window: Window, settings: ShortkitSettings, remote_id: str = "") -> Unit:
    """The unit that one job is asked for. It dies, day by day, with its oldest one."""
    lower_at = midnight(window.first, settings.zone)
    return Unit(
        id=f"{group.name}/{window.name}",
        source=SOURCE,
        table=group.tables[0],
        application_id=settings.application_id,
        axis=AXIS,
        lower_at=lower_at,
        upper_at=midnight(window.last + _DAY, settings.zone),
        remote_id=remote_id,
        expires_at=midnight(window.first + (settings.retention_days + 1) * _DAY, settings.zone),
        feeds=group.tables,
        zone=settings.zone.key,
    )


def parse_unit(unit_id: str) -> tuple[Group, Window]:
    """The group and window of a job's unit; ValueError where the id names none."""
    group, _, days = unit_id.partition("/")
    first, _, last = days.partition("..")
    window = Window(date.fromisoformat(first), date.fromisoformat(last))
    if window.last < window.first:
        raise ValueError(f"{unit_id!r} ends before it begins")
    return Group(tuple(group.split("+"))), window


def window_of(unit: Unit) -> Window:
    """The days a unit asks for."""
    days = list_days(unit)
    return Window(days[0], days[-1])


def halve(window: Window) -> list[Window]:
    """The window in two; none where it is one day."""
    if len(window) == 1:
        return []
    middle = window.first + (len(window) // 2) * _DAY
    return [Window(window.first, middle - _DAY), Window(middle, window.last)]


def keep_asked(
    group: Group, need: Need, asked: Sequence[tuple[Group, Window, bool]]
) -> list[Window]:
    """The windows a former run has asked for that are still of use: they bring a day that is
    missing, or one to be loaded again and were asked for today (the flag). None of them overlap.
    """
    kept: list[Window] = []
    for other, window, is_fresh in asked:
        days = set(window.days)
        is_useful = bool(days & need.missing) or (is_fresh and bool(days & need.again))
        is_free = all(days.isdisjoint(one.days) for one in kept)
        if other == group and is_useful and is_free:
            kept.append(window)
    return kept


NO_UNIT = Unit(
    id="",
    source=SOURCE,
    table="",
    application_id="",
    axis=AXIS,
    lower_at=datetime.min.replace(tzinfo=UTC),
    upper_at=datetime.min.replace(tzinfo=UTC),
    remote_id="",
)
"""For calls that are about no unit."""

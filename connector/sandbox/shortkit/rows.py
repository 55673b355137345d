"""Rows of the video feed by UTC day: what the first app's people watch, under this vendor's names.

Rows are made when a day is first asked for, from dice of each visit's own, and forgotten again.
"""

from collections import OrderedDict, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from connector.sandbox.population.people import Device
from connector.sandbox.population.records import Record, Session
from connector.sandbox.population.videos import OVERRUN_S, Moment, VideoType, watch
from connector.sandbox.world import World

DAY_S = 86_400
DATA_TYPES: tuple[VideoType, ...] = ("events", "quality", "ads")
_SALT = 0x5407_4B17
_CACHED_DAYS = 10
_AHEAD_S = 300
_DISCARD_S = DAY_S
_LATE_IN, _LATE_S = 20, 23 * 3600
"""One visit in so many is stored by the SDK, and sent up to so many seconds later."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Values = dict[str, Any]


@dataclass(frozen=True, slots=True)
class VideoRow:
    """One row. `stamp` is its timestamp, `received_at` when the vendor got it (unix seconds).

    Made-up rows have `is_made`: they are there at any time, and a `stamp` of None where theirs
    cannot be read. `rank` orders rows of one second, `dice` is the row's own number in every run.
    """

    data_type: VideoType
    user_id: str
    stamp: int | None
    received_at: float
    rank: tuple[int, int]
    values: Values
    is_made: bool = False

    @property
    def day(self) -> int | None:
        """The UTC day of its timestamp, counted from 1970-01-01."""
        return None if self.stamp is None else self.stamp // DAY_S

    @property
    def dice(self) -> int:
        """A number that is the row's own in every run."""
        return (self.rank[0] >> 7) + self.rank[1] * 7919

    @property
    def known_at(self) -> float:
        """When the vendor had it; a made-up row was there when it happened."""
        return float(self.stamp or 0) if self.is_made else self.received_at


@dataclass(frozen=True, slots=True)
class Visit:
    """One visit to the feed, before its rows are made. `shift_s` is what the clock is off by."""

    session: Session
    user_id: str
    device_id: str
    device_type: str
    country: str | None
    seed: int
    shift_s: int

    def rows(self) -> Iterator[VideoRow]:
        """The rows the vendor keeps: none that came over 24 hours after they happened."""
        rng = Random(self.seed)
        delay_s = self.session.upload_delay_s
        if self.session.id // 8 % _LATE_IN == 0:
            delay_s += self.session.id // 1024 % _LATE_S
        number = 0
        for moment in watch(rng, self.session):
            stamp = int(moment.at) + self.shift_s
            received_at = max(moment.at, float(self.session.end_at)) + delay_s
            if received_at - stamp > _DISCARD_S:
                continue
            row = VideoRow(
                data_type=moment.data_type,
                user_id=self.user_id,
                stamp=stamp,
                received_at=received_at,
                rank=(self.session.id, number),
                values=self._write(moment, stamp),
            )
            number += 1
            yield row
            if rng.random() < 0.002:
                yield row  # sent again by the SDK; nothing tells it from the first

    def _write(self, moment: Moment, stamp: int) -> Values:
        values: Values = {"event": moment.event}
        if moment.content_id:
            values["contentId"] = moment.content_id
        values["userId"] = self.user_id
        values["timestamp"] = write_stamp(stamp)
        values["sessionId"] = f"ses_{self.session.id:016x}"
        values["deviceType"] = self.device_type
        values["deviceId"] = self.device_id
        if self.country is not None:
            values["country"] = self.country or None
        if moment.position_s is not None:
            values["currentTime"] = moment.position_s
        values["data"] = moment.data
        return values


class Viewings:
    """The visits of one scenario's people. Callers hold `world.lock`."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._app = world.scenario.apps[0].id if world.scenario.apps else 0
        self._share = world.scenario.shortkit.viewers
        self._taken = 0
        self._days: dict[int, list[Visit]] = defaultdict(list)
        self._users: dict[str, list[Visit]] = defaultdict(list)
        self._cache: OrderedDict[int, tuple[int, list[VideoRow]]] = OrderedDict()

    def take(self) -> None:
        """File what the population has done since the last time."""
        self._world.live()
        records = self._world.records.get(self._app, [])
        for record in records[self._taken :]:
            if record.kind == "session_start" and self._is_visit(record):
                self._file(record)
        self._taken = len(records)

    def day(self, day: int) -> list[VideoRow]:
        """The rows of a UTC day (counted from 1970-01-01) by time, whenever they come."""
        visits = self._days.get(day, [])
        known = self._cache.get(day)
        if known is None or known[0] != len(visits):
            rows = [row for visit in visits for row in visit.rows() if row.day == day]
            rows.sort(key=lambda row: (row.stamp, row.rank))
            known = self._cache[day] = (len(visits), rows)
        self._cache.move_to_end(day)
        if len(self._cache) > _CACHED_DAYS:
            self._cache.popitem(last=False)
        return known[1]

    def days(self) -> list[int]:
        """The days with visits, oldest first."""
        return sorted(self._days)

    def count_visits(self, first: int, last: int) -> int:
        """How many visits there are from one day to another, both included."""
        return sum(len(self._days.get(day, ())) for day in range(first, last + 1))

    def visits_of(self, user_id: str) -> list[Visit]:
        """The visits of a user, known by now or not."""
        return self._users.get(user_id, [])

    def _is_visit(self, record: Record) -> bool:
        session = record.session
        number = (record.device.id ^ _SALT) * 2_654_435_761 >> 16
        is_viewer = number % 10_000 < self._share * 10_000
        return session is not None and session.is_foreground and is_viewer

    def _file(self, record: Record) -> None:
        device, session = record.device, record.session
        assert session is not None
        seed = (self._world.scenario.seed << 65) ^ session.id ^ _SALT
        is_web = bool(device.profile_id) and session.id % 8 == 0
        visit = Visit(
            session=session,
            user_id=device.profile_id or device_id_of(device),
            device_id=device_id_of(device, is_web=is_web),
            device_type="web" if is_web else device.platform,
            country=_write_country(device),
            seed=seed,
            shift_s=_shift(device),
        )
        self._users[visit.user_id].append(visit)
        first = (session.start_at + visit.shift_s) // DAY_S
        last = (session.end_at + visit.shift_s + OVERRUN_S) // DAY_S
        for day in range(first, last + 1):
            self._days[day].append(visit)


def device_id_of(device: Device, *, is_web: bool = False) -> str:
    """This vendor's id of a device, or of the browser its owner uses too."""
    number = (device.id ^ _SALT) * 0x9E37_79B9_7F4A_7C15 % (1 << 64)
    return f"{'web' if is_web else 'dev'}_{number:016x}"


def write_stamp(moment: float) -> str:
    """Unix seconds as ISO 8601 with Z, whole seconds."""
    return (_EPOCH + timedelta(seconds=int(moment))).strftime("%Y-%m-%dT%H:%M:%SZ")


def write_day(day: int) -> str:
    """A day counted from 1970-01-01 as an ISO date."""
    return (_EPOCH + timedelta(days=day)).date().isoformat()


def _shift(device: Device) -> int:
    """What timestamps are off by: the server adjusts those too far ahead, and broken clocks."""
    return device.clock_shift_s if -DAY_S < device.clock_shift_s <= _AHEAD_S else 0


def _write_country(device: Device) -> str | None:
    """ISO code; "" stands for null, None for no such key."""
    odd = device.id % 50
    return None if odd == 0 else "" if odd == 1 else device.place.iso

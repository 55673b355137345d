"""Makes exports: which rows of the population or made-up ones a job gets, and the truth of both."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from connector.sandbox.faults import Fault
from connector.sandbox.shortkit.asks import Ask
from connector.sandbox.shortkit.building import Build, Part, build_export
from connector.sandbox.shortkit.files import pack
from connector.sandbox.shortkit.injection import MadeExport, make_export
from connector.sandbox.shortkit.rows import DAY_S, Values, VideoRow, Viewings, write_stamp
from connector.sandbox.world import World

_GZIP = b"\x1f\x8b"
_REACH_DAYS = 3


class Maker:
    """The rows of one scenario. Callers hold `world.lock`; days count from 1970-01-01."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.settings = world.scenario.shortkit
        self.viewings = Viewings(world)
        self.made: list[MadeExport] = []
        self._erased: dict[str, list[float]] = {}

    def inject(self, declared: Mapping[str, Any]) -> None:
        """Put a made-up export in place; ConfigError names what is wrong with it."""
        self.made.insert(0, make_export(declared))

    def build(
        self, ask: Ask, as_of: float, faults: Sequence[Fault], facts: Sequence[Fault], began: float
    ) -> Build:
        """The files of a job begun and made at these moments (unix seconds)."""
        made = [export for export in self.made if export.meets(ask)]
        if made and made[0].rows is None:
            return _build_whole(ask, made[0])
        known = began if any(fault.kind == "video_erasure_lag" for fault in faults) else as_of
        ask = _stretch(ask, faults)
        rows = self.select(ask, as_of, facts, erased_by=known)
        return build_export(ask, [row.values for row in rows], faults, self.settings)

    def estimate(self, ask: Ask) -> int:
        """A guess at how many rows an export will have."""
        self.viewings.take()
        return 150 * self.viewings.count_visits(ask.first, ask.last)

    def select(
        self, ask: Ask, as_of: float, facts: Sequence[Fault], *, erased_by: float | None = None
    ) -> list[VideoRow]:
        """The rows an export gets that is made at a moment (unix seconds), by time."""
        edge = self.oldest_day(as_of)
        rows = [
            row
            for row in self.within(ask.first, ask.last, ask.data_types, facts)
            if (row.is_made or row.received_at <= as_of)
            and (row.day is None or row.day >= edge)
            and not self.is_erased(row, as_of if erased_by is None else erased_by)
            and passes(ask, row.values)
        ]
        rows.sort(key=lambda row: (row.stamp or 0, row.rank))
        return rows

    def within(
        self, first: int, last: int, data_types: Sequence[str], facts: Sequence[Fault]
    ) -> Iterator[VideoRow]:
        """Every row of these days there will ever be, erased ones included."""
        self.viewings.take()
        by_receipt = self.settings.window_clock == "received"
        reach = _REACH_DAYS if facts or by_receipt else 0
        made = [export for export in self.made if export.rows is not None]
        for day in range(first - reach, last + 1 + reach):
            for row in bend_rows(self.viewings.day(day), facts):
                own = int(row.received_at) // DAY_S if by_receipt else row.day
                if (
                    own is not None
                    and first <= own <= last
                    and row.data_type in data_types
                    and not any(export.replaces(row.data_type, own) for export in self.made)
                ):
                    yield row
        for export in made:
            if export.data_type in data_types:
                newer = self.made[: self.made.index(export)]
                for row in export.rows_within(first, last):
                    if not any(n.replaces(row.data_type, row.day or 0) for n in newer):
                        yield row

    def oldest_day(self, now: float) -> int:
        """The first day whose rows are kept at a moment (unix seconds)."""
        kept = self.settings.retention_days
        return int(now) // DAY_S - kept if kept else -(1 << 40)

    def erase(self, user_id: str, at: float) -> None:
        """What is known of a user by a moment is no more; what comes later is kept again."""
        self._erased.setdefault(user_id, []).append(at)

    def is_erased(self, row: VideoRow, as_of: float) -> bool:
        """True where an erasure by `as_of` came after the row."""
        moments = self._erased.get(row.user_id)
        return bool(moments) and any(row.known_at <= at <= as_of for at in moments or ())

    def rows_of(self, user_id: str, as_of: float, facts: Sequence[Fault]) -> list[VideoRow]:
        """What is kept of one user at a moment (unix seconds)."""
        self.viewings.take()
        rows = [row for visit in self.viewings.visits_of(user_id) for row in visit.rows()]
        rows = list(bend_rows(rows, facts))
        made = (row for export in self.made for row in export.rows or ())
        rows += [row for row in made if row.user_id == user_id]
        edge = self.oldest_day(as_of)
        return [
            row
            for row in rows
            if (row.is_made or row.received_at <= as_of)
            and (row.day is None or row.day >= edge)
            and not self.is_erased(row, as_of)
        ]


def passes(ask: Ask, values: Values) -> bool:
    """True where the filters of an export keep a row."""
    return all(str(values.get(name, "")) in wanted for name, wanted in ask.filters)


def bend_rows(rows: Iterable[VideoRow], facts: Sequence[Fault]) -> Iterator[VideoRow]:
    """The rows as the faults of rows leave them: late, from the future, of nobody."""
    if not facts:
        yield from rows
        return
    for row in rows:
        bent = row
        for fault in facts:
            if row.dice % max(1, int(fault.params["every"])) or (
                fault.data_type not in {None, row.data_type}
            ):
                continue
            bent = _bend(bent, fault)
        yield bent


def _bend(row: VideoRow, fault: Fault) -> VideoRow:
    if fault.kind == "video_anonymous":
        values = row.values | {"userId": "anonymous"}
        return replace(row, user_id="anonymous", values=values)
    later_s = int(float(fault.params["hours"]) * 3600)
    if fault.kind == "video_late":
        return replace(row, received_at=row.received_at + later_s)
    stamp = int(row.received_at) + later_s
    return replace(row, stamp=stamp, values=row.values | {"timestamp": write_stamp(stamp)})


def _stretch(ask: Ask, faults: Sequence[Fault]) -> Ask:
    """The days and types of an export as faults widen or narrow them."""
    for fault in faults:
        if fault.kind == "video_outside":
            days = int(fault.params["days"])
            ask = replace(ask, first=ask.first - days, last=ask.last + days)
        elif fault.kind == "video_end_exclusive":
            ask = replace(ask, last=ask.end - 1)
        elif fault.kind == "video_mixed":
            ask = replace(ask, data_types=("events", "quality", "ads"))
    return ask


def _build_whole(ask: Ask, made: MadeExport) -> Build:
    """A made-up body: gzip bytes and files as they are, all else packed where that was asked."""
    name = f"data.{ask.suffix}"
    if made.path is not None:
        return Build((Part(name, path=made.path),), 1, made.row_count)
    is_packed = ask.compression == "gzip" and made.body[:2] != _GZIP
    body = pack(made.body, 1) if is_packed else made.body
    return Build((Part(name, body),), 1, made.row_count)

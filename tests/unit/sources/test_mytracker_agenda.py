"""What is due: every second of availability once, whatever was lost, split or read again."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.errors import ConfigError
from connector.sources.mytracker.agenda import FILTERED, Agenda, parse_unit
from connector.sources.mytracker.boxes import Box, find_missing
from connector.sources.mytracker.windows import DELAY, LEAST, end_of_day, find_barrier
from connector.units import RELOAD, LoadedUnit, Scope, Unit
from tests.unit.sources.test_mytracker_settings import make_settings

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
START = datetime(2026, 3, 9, 17, 20, 5, tzinfo=UTC)
MIDNIGHT = datetime(2026, 3, 10, tzinfo=UTC)
TABLE = "custom_events"
NOTHING_ELSE = Scope()
VALUES = [str(number) for number in range(2500)]


@cache
def box_of(unit_id: str) -> Box:
    return parse_unit(unit_id)


def make_agenda(step_s: int | None = None, **changes: Any) -> Agenda:
    selectors = {"customEvents": ["idApp", "tsEvent", "tsInsert"]}
    settings = make_settings(**{"events": "customEvents", "selectors": selectors} | changes)
    return Agenda(settings, settings.tables[TABLE], step_s)


@dataclass
class World:
    """A ledger and the exports under way, and what is done with the units of each plan."""

    start: datetime = START
    agenda: Agenda = field(default_factory=make_agenda)
    loaded: dict[str, LoadedUnit] = field(default_factory=dict)
    asked: set[str] = field(default_factory=set)

    def plan(self, now: datetime, scope: Scope = NOTHING_ELSE) -> list[Unit]:
        """The units of one run; no two of them bring the same row, nor one that stays loaded."""
        due, again = self.agenda.find_units(
            list(self.loaded.values()), sorted(self.asked), self.start, now, scope
        )
        units = [*due, *again]
        assert len({unit.id for unit in units}) == len(units)
        assert_apart(box_of(unit.id) for unit in units)
        by_day = self.group()
        for unit in units:
            box = box_of(unit.id)
            near = by_day[end_of_day(box.upper_at)]
            under = {known for known in near if box_of(known).overlaps(box)}
            assert under <= {unit.id, *unit.replaces}
            assert set(unit.replaces) <= under - {unit.id}
            assert unit.vendor_updated_at is not None
            assert unit.vendor_updated_at <= now
        assert not any(unit.replaces for unit in due)
        return units

    def group(self) -> dict[datetime, list[str]]:
        """The loaded units of each day."""
        by_day: dict[datetime, list[str]] = defaultdict(list)
        for known in self.loaded:
            by_day[end_of_day(box_of(known).upper_at)].append(known)
        return by_day

    def load(self, unit: Unit) -> None:
        """Put the unit in the ledger, as the engine does."""
        assert unit.id not in unit.replaces
        for old in unit.replaces:
            self.loaded.pop(old, None)
        self.loaded[unit.id] = LoadedUnit.of(unit)
        self.asked.discard(unit.id)

    def load_all(self, now: datetime, scope: Scope = NOTHING_ELSE) -> list[Unit]:
        units = self.plan(now, scope)
        for unit in units:
            self.load(unit)
        return units

    def run(self, now: datetime, random: Random, odds: Sequence[int]) -> None:
        """A run in which some units are loaded, some lost, some not ready and some too large."""
        waiting = [(unit, 0) for unit in self.plan(now)]
        while waiting:
            unit, depth = waiting.pop(0)
            (action,) = random.choices(["load", "lose", "ask", "split"], odds)
            if action == "split" and depth < 5:
                self.asked.discard(unit.id)
                pieces = self.agenda.split(unit, now)
                assert_cut(unit, pieces)
                waiting += [(piece, depth + 1) for piece in pieces]
            elif action == "load":
                self.load(unit)
            elif action == "ask":
                self.asked.add(unit.id)
        assert_apart(box_of(known) for known in self.loaded)

    def trouble(self, random: Random) -> None:
        """Some units are wanted once more; some are gone, because a load was killed."""
        for name in random.sample(sorted(self.loaded), len(self.loaded) // 20):
            unit = self.loaded[name]
            self.loaded[name] = replace(unit, schema_id=f"{RELOAD}{unit.schema_id}")
        for name in random.sample(sorted(self.loaded), len(self.loaded) // 20):
            del self.loaded[name]

    def settle(self, now: datetime) -> None:
        """Runs without trouble until nothing is left to do."""
        for _ in range(4):
            if not self.load_all(now):
                return
        assert self.plan(now) == []

    def assert_complete(self, now: datetime) -> None:
        """All is held up to the barrier, but for a short rest, and nothing is out of date."""
        barrier = find_barrier(now)
        by_day = self.group()
        lower = self.start
        while lower < barrier:
            upper = min(end_of_day(lower + timedelta(seconds=1)), barrier)
            held = [box_of(known) for known in by_day[end_of_day(upper)]]
            for rest in find_missing(Box(lower, upper), held):
                is_short = rest.upper_at == barrier and barrier - rest.lower_at < LEAST
                assert is_short or not self._has_values(rest), rest
            lower = upper
        for unit in self.loaded.values():
            look = self.agenda.rules.last_look(unit.upper_at, now)
            assert unit.vendor_updated_at is not None
            assert unit.vendor_updated_at >= look
            assert not unit.is_to_reload

    def _has_values(self, box: Box) -> bool:
        return all(box.take(name, self.agenda.filters[name]) for name, _, _ in box.shares)


def assert_apart(boxes: Iterable[Box]) -> None:
    """No row is in two of these boxes."""
    by_day: dict[datetime, list[Box]] = defaultdict(list)
    for box in boxes:
        assert end_of_day(box.upper_at) - DAY <= box.lower_at < box.upper_at
        near = by_day[end_of_day(box.upper_at)]
        assert [other for other in near if other.overlaps(box)] == [], box
        near.append(box)


def assert_cut(unit: Unit, pieces: Sequence[Unit]) -> None:
    """The pieces are the unit together, and take over what it would have taken over."""
    box, parts = box_of(unit.id), [box_of(piece.id) for piece in pieces]
    assert len(pieces) != 1
    assert_apart(parts)
    for piece, part in zip(pieces, parts, strict=True):
        assert list(find_missing(part, [box])) == []
        assert unit.vendor_updated_at is not None
        assert piece.vendor_updated_at is not None
        assert piece.upper_at + DELAY <= piece.vendor_updated_at <= unit.vendor_updated_at
        assert set(piece.replaces) <= {unit.id, *unit.replaces}
        for old in unit.replaces:
            assert (old in piece.replaces) == (box_of(old).overlaps(part) and old != piece.id)


@settings(max_examples=15)
@given(
    runs=st.lists(
        st.tuples(
            st.integers(0, 220),  # hours since the run before
            st.sampled_from([(1, 0, 0, 0), (5, 1, 1, 0), (3, 1, 1, 2), (1, 1, 1, 3), (0, 1, 1, 1)]),
            st.sampled_from([None, None, 12_000]),
            st.sampled_from([0, 0, 0, 1500, 2500]),
        ),
        min_size=1,
        max_size=4,
    ),
    slice_hours=st.sampled_from([24, 12, 700 / 61]),
    seed=st.integers(0, 10**6),
)
def test_after_any_history_every_second_is_held_once(
    runs: list[tuple[int, tuple[int, ...], int | None, int]], slice_hours: float, seed: int
) -> None:
    world, now, random = World(), START + 4 * HOUR, Random(seed)
    for hours, odds, step_s, count in runs:
        now += timedelta(hours=hours, seconds=random.randint(0, 3600))
        filters = {"idCountry": VALUES[:count]} if count else None
        world.agenda = make_agenda(step_s, slice_hours=slice_hours, filters=filters)
        world.run(now, random, odds)
        world.trouble(random)
    world.settle(now)
    world.assert_complete(now)
    world.settle(now + 9 * DAY)
    world.assert_complete(now + 9 * DAY)


@given(st.lists(st.integers(0, 3 * 86_400), min_size=1, max_size=6), st.sampled_from([1, 4, 24]))
def test_nothing_is_due_twice(waits_s: list[int], slice_hours: float) -> None:
    world = World(agenda=make_agenda(slice_hours=slice_hours))
    now = START
    for wait_s in waits_s:
        now += timedelta(seconds=wait_s)
        world.load_all(now)
        assert world.plan(now) == []
        world.assert_complete(now)


def hours_of(units: Iterable[Unit], day: datetime = MIDNIGHT) -> list[tuple[float, float]]:
    """Where the units begin and end, in hours of a day."""
    return [((unit.lower_at - day) / HOUR, (unit.upper_at - day) / HOUR) for unit in units]


def test_first_run_takes_what_there_is_and_later_ones_leave_a_short_rest() -> None:
    world = World(start=MIDNIGHT)
    now = MIDNIGHT + DELAY + timedelta(minutes=70)
    assert hours_of(world.load_all(now)) == [(0, 1), (1, 70 / 60)]
    assert hours_of(world.plan(now + timedelta(minutes=14))) == []
    assert hours_of(world.plan(now + timedelta(minutes=15))) == [(70 / 60, 85 / 60)]


def test_parts_of_a_second_move_no_bound() -> None:
    world = World(start=MIDNIGHT + timedelta(seconds=1, microseconds=5))
    world.agenda = make_agenda(slice_hours=100 / 61)
    units = world.load_all(MIDNIGHT + DAY + timedelta(microseconds=7))
    assert all(unit.lower_at.microsecond == unit.upper_at.microsecond == 0 for unit in units)
    assert units[0].lower_at == MIDNIGHT + timedelta(seconds=1)
    until = Scope(MIDNIGHT - HOUR, MIDNIGHT + timedelta(seconds=30, microseconds=9))
    world.load_all(MIDNIGHT + DAY, until)
    assert world.plan(MIDNIGHT + DAY, until) == []


@pytest.mark.parametrize(("step_s", "step"), [(None, HOUR), (1800, HOUR / 2), (1, HOUR / 60)])
def test_intervals_are_as_long_as_what_was_not_too_large(step_s: int, step: timedelta) -> None:
    world = World(MIDNIGHT, make_agenda(step_s))
    units = world.plan(MIDNIGHT + 2 * HOUR + DELAY)
    assert {unit.upper_at - unit.lower_at for unit in units} == {step}


def test_a_week_later_a_day_is_read_again_as_one_unit() -> None:
    world = World(start=MIDNIGHT)
    world.load_all(MIDNIGHT + 2 * DAY + DELAY)
    due_at = MIDNIGHT + 8 * DAY + DELAY
    old = {name for name, unit in world.loaded.items() if unit.upper_at <= MIDNIGHT + DAY}
    again = [unit for unit in world.load_all(due_at) if unit.replaces]
    assert hours_of(again) == [(0, 24)]
    assert set(again[0].replaces) == old
    assert len(old) == 24
    assert again[0].vendor_updated_at == due_at
    assert again[0].id in world.loaded
    assert not old & set(world.loaded)
    (once_more,) = [u for u in world.plan(due_at + 7 * DAY) if u.lower_at == MIDNIGHT]
    assert (once_more.id, once_more.replaces) == (again[0].id, ())


def test_a_day_is_read_again_around_what_is_under_way() -> None:
    world, now = World(start=MIDNIGHT), MIDNIGHT + DAY + DELAY
    *first, last = world.plan(now)
    for unit in first:
        world.load(unit)
    world.asked.add(last.id)
    later = MIDNIGHT + 8 * DAY + DELAY
    units = world.load_all(later)
    assert last.id in {unit.id for unit in units}
    assert hours_of(unit for unit in units if unit.replaces) == [(0, 23)]
    assert world.plan(later) == []
    (again,) = [u for u in world.plan(later + 7 * DAY) if u.lower_at == MIDNIGHT]
    assert last.id in again.replaces


def test_a_day_that_is_asked_for_again_stays_as_it_was_asked_for() -> None:
    world = World(start=MIDNIGHT)
    world.load_all(MIDNIGHT + DAY + DELAY)
    later = MIDNIGHT + 8 * DAY + DELAY
    (day,) = [unit for unit in world.plan(later) if unit.replaces]
    early, late = world.agenda.split(day, later)
    world.asked = {early.id}
    units = [unit for unit in world.plan(later) if unit.lower_at < MIDNIGHT + DAY]
    assert {(unit.id, len(unit.replaces)) for unit in units} == {(early.id, 12), (late.id, 12)}
    world.asked = {day.id}
    assert day in world.plan(later)


def test_hours_that_nobody_loads_do_not_hold_up_their_day() -> None:
    world, now = World(start=MIDNIGHT), MIDNIGHT + DAY + DELAY
    for unit in world.plan(now):
        if unit.lower_at != MIDNIGHT + 5 * HOUR:
            world.load(unit)
    units = world.plan(MIDNIGHT + 8 * DAY + DELAY)
    assert hours_of(unit for unit in units if unit.replaces) == [(0, 5), (6, 24)]
    assert (5, 6) in hours_of(units)


def test_pieces_that_were_lost_are_due_and_what_is_there_is_not() -> None:
    world, now = World(start=MIDNIGHT), MIDNIGHT + HOUR + DELAY
    (unit,) = world.plan(now)
    pieces = [unit]
    while len(pieces) < 8:  # down to a minute, then by event time
        pieces = [*world.agenda.split(pieces[0], now), *pieces[1:]]
    while box_of(pieces[0].id).event_to is None:
        pieces = [*world.agenda.split(pieces[0], now), *pieces[1:]]
    lost, *others = pieces
    for piece in others:
        world.load(replace(piece, replaces=()))
    (due,) = world.plan(now)
    assert (due.id, due.replaces) == (lost.id, ())


def test_a_piece_that_is_under_way_is_asked_for_as_it_is() -> None:
    world, now = World(start=MIDNIGHT), MIDNIGHT + HOUR + DELAY
    (unit,) = world.plan(now)
    early, late = world.agenda.split(unit, now)
    world.asked = {unit.id}
    assert [item.id for item in world.plan(now)] == [unit.id]
    world.asked = {early.id, unit.id}
    assert {item.id for item in world.plan(now)} == {early.id, late.id}
    world.load(replace(early, replaces=()))
    world.asked = {unit.id}
    assert [item.id for item in world.plan(now)] == [late.id]


def test_a_long_list_becomes_units_whose_values_are_disjoint_and_complete() -> None:
    agenda = make_agenda(filters={"idCountry": VALUES, "eventName": [f"e, {n}" for n in VALUES]})
    world, now = World(MIDNIGHT, agenda), MIDNIGHT + HOUR + DELAY
    units = world.plan(now)
    exports = [agenda.to_export(unit, is_trusted=False) for unit in units]
    for name in ("idCountry", "eventName"):
        assert {len(export.values(name)) for export in exports} <= set(range(1, 1000))
    asked = [
        (country, event)
        for export in exports
        for country in export.values("idCountry")[:3]
        for event in export.values("eventName")
    ]
    assert len(set(asked)) == len(asked)
    values = {name: {v for e in exports for v in e.values(name)} for name in agenda.filters}
    assert {name: len(found) for name, found in values.items()} == dict.fromkeys(values, 2500)
    for unit in units[1:]:
        world.load(unit)
    assert [unit.id for unit in world.plan(now)] == [units[0].id]


@pytest.mark.parametrize("count", [1, 998, 999])
def test_a_short_list_goes_into_one_export(count: int) -> None:
    agenda = make_agenda(id_apps=VALUES[1 : count + 1])
    (unit,) = World(MIDNIGHT, agenda).plan(MIDNIGHT + HOUR + DELAY)
    assert box_of(unit.id).is_whole
    assert unit.schema_id == agenda.to_unit(box_of(unit.id), MIDNIGHT).schema_id


def test_a_day_of_shares_is_read_again_share_by_share() -> None:
    world = World(MIDNIGHT, make_agenda(slice_hours=12, filters={"idCountry": VALUES}))
    world.load_all(MIDNIGHT + DAY + DELAY)
    days = [unit for unit in world.load_all(MIDNIGHT + 8 * DAY + DELAY) if unit.replaces]
    shares = {box_of(unit.id).shares for unit in days}
    assert len(shares) == len(days) >= 3
    for unit in days:
        assert {box_of(old).shares for old in unit.replaces} == {box_of(unit.id).shares}
    second = [u for u in world.load_all(MIDNIGHT + 15 * DAY + DELAY) if u.lower_at == MIDNIGHT]
    assert {unit.id for unit in second} == {unit.id for unit in days}
    assert {unit.replaces for unit in second} == {()}


def test_what_somebody_wants_once_more_is_loaded_as_it_is() -> None:
    world, now = World(start=MIDNIGHT), MIDNIGHT + 4 * HOUR + DELAY
    first, second, *_ = world.load_all(now)
    marked = replace(world.loaded[first.id], schema_id=f"{RELOAD}{first.schema_id}")
    world.loaded[first.id] = marked
    assert [unit.id for unit in world.plan(now)] == [first.id]
    scope = Scope(MIDNIGHT + 1.5 * HOUR, MIDNIGHT + 2 * HOUR, is_reload=True)
    assert {unit.id for unit in world.plan(now, scope)} == {first.id, second.id}
    (day,) = [u for u in world.plan(MIDNIGHT + 9 * DAY) if u.lower_at == MIDNIGHT]
    assert first.id in day.replaces


def test_a_backfill_goes_up_to_its_end_and_reads_no_day_again() -> None:
    world, now = World(start=MIDNIGHT), MIDNIGHT + 20 * DAY
    scope = Scope(MIDNIGHT - DAY, MIDNIGHT + timedelta(minutes=5))
    world.load_all(MIDNIGHT + 2 * HOUR + DELAY)
    units = world.plan(now, scope)
    assert hours_of(units) == [(hour, hour + 1) for hour in range(-24, 0)]
    assert not any(unit.replaces for unit in units)


def test_pieces_of_a_day_are_cut_where_its_hours_are_and_take_over_only_these() -> None:
    world = World(start=MIDNIGHT)
    world.load_all(MIDNIGHT + DAY + DELAY)
    now = MIDNIGHT + 8 * DAY + DELAY
    (day,) = [unit for unit in world.plan(now) if unit.replaces]
    pieces = [day]
    while pieces[0].upper_at > MIDNIGHT + HOUR:
        pieces[:1] = world.agenda.split(pieces[0], now)
    assert hours_of(pieces) == [(0, 1), (1, 3), (3, 6), (6, 12), (12, 24)]
    first = pieces[0]
    assert first.id in day.replaces
    assert first.id not in first.replaces
    for piece in pieces:
        world.load(piece)
    assert all(unit.lower_at >= MIDNIGHT + DAY for unit in world.plan(now))


def test_splitting_goes_on_with_event_time_and_values_down_to_nothing() -> None:
    agenda = make_agenda(id_apps="1,2", filters={"idCountry": "188,200"})
    now = MIDNIGHT + DAY
    unit = agenda.to_unit(Box(MIDNIGHT, MIDNIGHT + timedelta(minutes=1), 5, 6), now)
    by_app = agenda.split(unit, now)
    assert [box_of(piece.id).shares[0][0] for piece in by_app] == ["idApp", "idApp"]
    by_country = [piece for one in by_app for piece in agenda.split(one, now)]
    asked = [agenda.to_export(piece, is_trusted=False) for piece in by_country]
    pairs = {(export.values("idApp"), export.values("idCountry")) for export in asked}
    assert pairs == {((app,), (country,)) for app in "12" for country in ("188", "200")}
    assert [agenda.split(piece, now) for piece in by_country] == [[]] * 4


def test_apps_named_in_two_ways_are_never_split() -> None:
    """The vendor gives rows of either: the pieces would overlap."""
    agenda = make_agenda(id_apps="1,2", sdk_keys="3,4")
    unit = agenda.to_unit(Box(MIDNIGHT, MIDNIGHT + timedelta(minutes=1), 5, 6), MIDNIGHT)
    assert agenda.split(unit, MIDNIGHT + DAY) == []


def test_event_time_is_not_split_before_the_floor() -> None:
    floor = int(MIDNIGHT.timestamp()) - 3600
    agenda, now = make_agenda(event_floor=floor), MIDNIGHT + DAY
    pieces = [agenda.to_unit(Box(MIDNIGHT, MIDNIGHT + timedelta(minutes=1)), now)]
    for _ in range(20):
        pieces = [piece for one in pieces[:1] for piece in agenda.split(one, now)] or pieces
    exports = [agenda.to_export(piece, is_trusted=False) for piece in pieces]
    for export in exports:
        given = dict(export.list_parameters(now))
        assert floor <= int(given["tsFrom"]) <= int(given["tsTo"])


def test_unit_says_what_is_in_it() -> None:
    agenda = make_agenda(id_apps="7", selectors={"customEvents": ["idApp", "tsInsert"]})
    unit = agenda.to_unit(Box(MIDNIGHT, MIDNIGHT + HOUR), MIDNIGHT + DAY)
    assert unit.id == "custom_events/20260310T000000Z-20260310T010000Z"
    assert (unit.application_id, unit.axis, unit.remote_id) == ("7", "availability", "")
    assert unit.field_names == ("idApp", "tsInsert")
    assert (unit.declared_rows, unit.vendor_updated_at) == (None, MIDNIGHT + DAY)


def test_content_is_named_by_selectors_and_filters() -> None:
    def name(**changes: Any) -> str:
        return make_agenda(**changes).to_unit(Box(MIDNIGHT, MIDNIGHT + HOUR), MIDNIGHT).schema_id

    plain, apps, narrow = name(), name(id_apps="7"), name(filters={"idCountry": "188"})
    selected = name(selectors={"customEvents": ["idApp"]})
    assert len({plain, apps, narrow, selected}) == 4
    assert [text.startswith(FILTERED) for text in (plain, apps, narrow)] == [False, False, True]
    assert name() == plain


@pytest.mark.parametrize("changes", [{}, {"filters": {"idCountry": "7"}}])
def test_share_of_values_that_are_set_no_more_is_refused(changes: dict[str, Any]) -> None:
    agenda = make_agenda(filters={"idCountry": VALUES})
    units = World(MIDNIGHT, agenda).plan(MIDNIGHT + HOUR + DELAY)
    other = make_agenda(**changes)
    empty = [unit for unit in units if not box_of(unit.id).take("idCountry", ["7"])]
    with pytest.raises(ConfigError, match="connector backfill mytracker --table custom_events"):
        other.to_export(empty[0], is_trusted=False)


@pytest.mark.parametrize(
    ("changes", "is_trusted", "has_margin"),
    [
        ({}, False, True),
        ({}, True, False),
        ({"cut_by_tsinsert": "never"}, False, False),
        ({"selectors": {"customEvents": ["idApp", "tsEvent"]}}, False, False),
    ],
)
def test_a_margin_is_asked_for_where_it_can_be_cut_off(
    changes: dict[str, Any], is_trusted: bool, has_margin: bool
) -> None:
    agenda = make_agenda(**changes)
    unit = agenda.to_unit(Box(MIDNIGHT, MIDNIGHT + HOUR), MIDNIGHT)
    assert agenda.to_export(unit, is_trusted=is_trusted).has_margin == has_margin

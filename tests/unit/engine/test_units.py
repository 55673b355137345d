"""Units: order of urgency, settling, change, splitting, what a quota cannot reach."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.units import (
    LoadedUnit,
    Plan,
    Unit,
    changed_units,
    is_settled,
    order_by_urgency,
    split_unit,
    units_at_risk,
)

START = datetime(2026, 3, 1, tzinfo=UTC)
SETTLE = timedelta(minutes=10)
UNIT = Unit("u", "vendor", "event", "1", "window", START, START + timedelta(minutes=5), "r")
TIMES = st.datetimes(datetime(1971, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - the zone is the strategy's
COUNTS = st.none() | st.integers(0, 2**40)
UNITS = st.builds(
    Unit,
    id=st.text(),
    source=st.text(),
    table=st.text(),
    application_id=st.text(),
    axis=st.text(),
    lower_at=TIMES,
    upper_at=TIMES,
    remote_id=st.text(),
    declared_rows=COUNTS,
    declared_bytes=COUNTS,
    schema_id=st.text(),
    vendor_updated_at=st.none() | TIMES,
    expires_at=st.none() | TIMES,
    field_names=st.lists(st.text()).map(tuple),
)


def named(name: str, *, expires_h: float | None = None, lower_h: float = 0) -> Unit:
    expires_at = None if expires_h is None else START + timedelta(hours=expires_h)
    return replace(UNIT, id=name, expires_at=expires_at, lower_at=START + timedelta(hours=lower_h))


def test_what_dies_first_goes_first_then_the_oldest_then_by_name() -> None:
    units = [
        named("never-b"),
        named("late", expires_h=9),
        named("never-old", lower_h=-1),
        named("soon-new", expires_h=1, lower_h=1),
        named("never-a"),
        named("soon-old", expires_h=1),
    ]
    expected = ["soon-old", "soon-new", "late", "never-old", "never-a", "never-b"]
    assert [unit.id for unit in order_by_urgency(units)] == expected
    assert [unit.id for unit in order_by_urgency(reversed(units))] == expected


@pytest.mark.parametrize(
    ("updated_s", "now_s", "settled"),
    [
        (None, 899, False),
        (None, 900, True),
        (0, 899, False),
        (0, 900, True),
        (400, 999, False),
        (400, 1000, True),
    ],
)
def test_unit_is_settled_once_its_end_and_its_last_change_are_old_enough(
    updated_s: int | None, now_s: int, *, settled: bool
) -> None:
    updated = None if updated_s is None else START + timedelta(seconds=updated_s)
    unit = replace(UNIT, vendor_updated_at=updated)
    assert is_settled(unit, START + timedelta(seconds=now_s), SETTLE) is settled


@pytest.mark.parametrize(
    "change",
    [
        {"vendor_updated_at": START + timedelta(seconds=1)},
        {"vendor_updated_at": None},
        {"declared_rows": 4},
        {"schema_id": "8"},
    ],
)
def test_unit_is_changed_by_each_thing_the_vendor_says_of_it(change: dict[str, object]) -> None:
    unit = replace(UNIT, vendor_updated_at=START, declared_rows=3, schema_id="7")
    loaded = {unit.id: LoadedUnit.of(unit)}
    assert changed_units([unit], loaded) == []
    newer = replace(unit, **change)  # type: ignore[arg-type]
    assert changed_units([newer], loaded) == [newer]


def test_unit_is_not_changed_by_its_size_on_the_wire_or_its_expiry() -> None:
    newer = replace(UNIT, declared_bytes=9, expires_at=START)
    assert changed_units([newer], {UNIT.id: LoadedUnit.of(UNIT)}) == []


def test_row_count_that_was_not_announced_says_nothing() -> None:
    asked = replace(UNIT, declared_rows=None)
    assert changed_units([asked], {UNIT.id: LoadedUnit.of(replace(UNIT, declared_rows=7))}) == []


def test_unit_never_loaded_is_due() -> None:
    assert changed_units([UNIT], {}) == [UNIT]


@given(TIMES, st.integers(1, 10_000_000), st.integers(1, 50))
def test_parts_are_exactly_the_unit(lower_at: datetime, length_s: int, parts: int) -> None:
    unit = replace(UNIT, lower_at=lower_at, upper_at=lower_at + timedelta(seconds=length_s))
    if length_s < parts:
        with pytest.raises(ValueError, match="cannot be cut"):
            split_unit(unit, parts)
        return
    pieces = split_unit(unit, parts)
    assert len(pieces) == parts
    assert (pieces[0].lower_at, pieces[-1].upper_at) == (unit.lower_at, unit.upper_at)
    for one, other in pairwise(pieces):
        assert one.upper_at == other.lower_at
    for piece in pieces:
        assert piece.lower_at < piece.upper_at
        assert (piece.lower_at - lower_at).microseconds == 0
        assert (piece.declared_rows, piece.declared_bytes) == (None, None)
    assert len({piece.id for piece in pieces}) == parts


def test_parts_of_parts_have_names_of_their_own() -> None:
    ids = [part.id for half in split_unit(UNIT) for part in split_unit(half)]
    assert ids == ["u.0.0", "u.0.1", "u.1.0", "u.1.1"]


@given(UNITS)
def test_unit_is_the_same_after_the_journal(unit: Unit) -> None:
    again = Unit.from_json(unit.to_json())
    assert again == unit
    assert again.revision == unit.revision


def make_plan(expiries_h: list[float | None], quota: int | None) -> Plan:
    units = [named(str(place), expires_h=hours) for place, hours in enumerate(expiries_h)]
    return Plan("vendor", order_by_urgency(units), [], frozenset(), len(units), quota)


@pytest.mark.parametrize(
    ("expiries_h", "quota", "used", "lost"),
    [
        ([1, 2, 3], None, 10**9, []),
        # at 18:00 two requests are left today; the quota renews in six hours
        ([1, 2, 3, 7], 10, 8, ["2"]),
        ([1, 2, 6, 7], 10, 8, ["2"]),  # dies at the very moment the quota renews
        ([1, 2, 6.1, 7], 10, 8, []),
        # nothing is left today: one tomorrow, one the day after
        ([7, 29], 1, 1, ["1"]),
        ([7, 31], 1, 1, []),
        ([7, 31], 1, 99, []),
        # two a day from tomorrow on: places 0 and 1 tomorrow, 2 and 3 in 30 h, 4 in 54 h
        ([10, 11, 29, 31, 53], 2, 2, ["2", "4"]),
        ([None, None, None], 1, 1, []),
    ],
)
def test_units_the_quota_reaches_too_late_are_certain_to_be_lost(
    expiries_h: list[float | None], quota: int | None, used: int, lost: list[str]
) -> None:
    now = START.replace(hour=18)
    plan = make_plan([None if h is None else h + 18 for h in expiries_h], quota)
    assert [unit.id for unit in units_at_risk(plan, used, now)] == lost

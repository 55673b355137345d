"""What a run asks for: as few jobs as can be, nothing that was asked for or delivered already."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.clock import SimulatedClock
from connector.context import ApiContext
from connector.day_units import list_day_units
from connector.inbox import Delivery, Inbox
from connector.journal import Journal, SpooledFile
from connector.sources.shortkit.agenda import Window, to_unit, window_of
from connector.sources.shortkit.job import JOB_KIND
from connector.sources.shortkit.planner import SCHEDULED, Planner, name_size
from connector.sources.shortkit.shortkit_settings import SOURCE, Group
from connector.units import LoadedUnit, Plan, Scope, Unit
from tests.unit.sources.test_shortkit_settings import ADS, VIDEOS, make_settings

DAY = timedelta(days=1)
NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
NEWEST = date(2026, 3, 9)
OLDEST = date(2025, 12, 10)
LIVE = Scope()


def back(days: int) -> date:
    return NEWEST - days * DAY


def window(first: int, last: int = 0) -> Window:
    """From so many days before the newest to so many before it."""
    return Window(back(first), back(last))


@dataclass
class Desk:
    """A journal, an inbox and a ledger, and plans made of them."""

    now: datetime = NOW
    changes: dict[str, Any] = field(default_factory=dict)
    loaded: dict[str, LoadedUnit] = field(default_factory=dict)
    journal: Journal = field(default_factory=Journal)
    inbox: Inbox = field(default_factory=Inbox)
    warnings: list[str] = field(default_factory=list)

    def plan(self, scope: Scope = LIVE) -> Plan:
        context = ApiContext(
            self.journal, SimulatedClock(self.now), warn=self.warnings.append, inbox=self.inbox
        )
        return Planner(make_settings(**self.changes), context).plan(self.loaded, self.now, scope)

    def due(self, scope: Scope = LIVE) -> list[str]:
        return [unit.id for unit in self.plan(scope).due]

    def windows(self, scope: Scope = LIVE) -> list[tuple[Group, Window]]:
        return [(Group(unit.feeds), window_of(unit)) for unit in self.plan(scope).due]

    def load(self, *groups: Group, days: Iterable[date]) -> None:
        """Put the days of these groups in the ledger."""
        for group in groups:
            for day in days:
                for one in list_day_units(make_unit(group, Window(day, day))):
                    self.loaded[one.id] = LoadedUnit.of(one, 5)

    def load_all(self, but: Iterable[date] = ()) -> None:
        days = set(Window(OLDEST, NEWEST).days) - set(but)
        self.load(VIDEOS, ADS, days=sorted(days))

    def ask(self, unit: Unit, at: datetime | None = None) -> None:
        self.journal.add_job(unit, "exp_1", at or self.now)

    def keep(self, unit: Unit, at: datetime | None = None) -> None:
        """A verified file of the unit waits on disk."""
        self.journal.add_file(SpooledFile(unit, Path("file"), 1, at or self.now, 1))

    def use(self, jobs: int) -> None:
        for _ in range(jobs):
            self.journal.count_request(SOURCE, JOB_KIND, self.now)

    def deliver(
        self, export_id: str, first: date, last: date, hours: float = 0, url: str = "https://x/1"
    ) -> None:
        at = self.now + timedelta(hours=hours)
        self.inbox.put([Delivery(export_id, f"d{export_id}", first, last, url, None, at)])

    def pending(self) -> list[str]:
        return [delivery.export_id for delivery in self.inbox.pending()]


def make_unit(group: Group, days: Window) -> Unit:
    return to_unit(group, days, make_settings())


def test_ninety_days_are_six_jobs() -> None:
    plan = Desk().plan()
    assert plan.requests == len(plan.due) == 6
    assert (plan.quota_per_day, plan.requests_daily) == (20, 2)
    assert {len(window_of(unit)) for unit in plan.due} == {30}
    for group in (VIDEOS, ADS):
        days = [day for unit in plan.due if unit.feeds == group.tables for day in list_of(unit)]
        assert days == Window(OLDEST, NEWEST).days
    assert [unit.lower_at for unit in plan.due] == sorted(unit.lower_at for unit in plan.due)
    assert not any(unit.remote_id or unit.schema_id or unit.declared_rows for unit in plan.due)


def list_of(unit: Unit) -> list[date]:
    return window_of(unit).days


def test_a_calm_day_is_two_jobs() -> None:
    desk = Desk()
    desk.load_all()
    assert desk.windows() == [(VIDEOS, window(2)), (ADS, window(2))]
    desk.loaded.clear()
    desk.load_all(but=[NEWEST])
    assert desk.windows() == [(VIDEOS, window(2)), (ADS, window(2))]
    assert desk.warnings == []


def test_what_is_missing_goes_first() -> None:
    desk = Desk()
    desk.load_all(but=[back(50)])
    assert desk.windows() == [
        (VIDEOS, window(50, 50)),
        (ADS, window(50, 50)),
        (VIDEOS, window(2)),
        (ADS, window(2)),
    ]


def test_the_plan_lists_what_the_vendor_still_has() -> None:
    listed = Desk().plan().listed
    assert listed is not None
    assert len(listed) == 3 * 91
    assert {"events/2025-12-10", "quality/2026-03-10", "ads/2026-03-09"} <= listed
    assert "events/2025-12-09" not in listed


def test_a_size_that_worked_is_remembered_for_a_week() -> None:
    desk = Desk()
    desk.journal.remember_size(name_size(VIDEOS, NOW), 8)
    sizes = [(group, len(found)) for group, found in desk.windows()]
    assert sizes.count((VIDEOS, 8)) == 11
    assert sizes.count((VIDEOS, 2)) == 1
    assert sizes.count((ADS, 30)) == 3
    desk.now += timedelta(days=7)
    assert {len(found) for group, found in desk.windows() if group == VIDEOS} == {30}
    desk.changes = {"max_days": 5}
    assert max(len(found) for _, found in desk.windows()) == 5


@pytest.mark.parametrize("how", ["asked", "on disk"])
def test_windows_of_a_former_run_are_taken_up_as_they_are(how: str) -> None:
    desk = Desk()
    desk.load_all(but=[back(10), back(11)])
    asked = make_unit(VIDEOS, window(12, 10))
    (desk.ask if how == "asked" else desk.keep)(asked, NOW - 5 * DAY)
    plan = desk.plan()
    assert plan.due[0].id == asked.id
    windows = [(Group(unit.feeds), window_of(unit)) for unit in plan.due]
    assert windows == [
        (VIDEOS, window(12, 10)),
        (ADS, window(11, 10)),
        (VIDEOS, window(2)),
        (ADS, window(2)),
    ]
    assert plan.requests == 3


def test_a_look_back_asked_for_today_is_taken_up_and_one_of_yesterday_is_not() -> None:
    desk = Desk()
    desk.load_all()
    asked = make_unit(VIDEOS, window(1))
    desk.ask(asked, NOW - timedelta(hours=11))
    assert desk.windows() == [(VIDEOS, window(2, 2)), (ADS, window(2)), (VIDEOS, window(1))]
    desk.journal.forget_job(asked.id)
    desk.ask(asked, NOW - timedelta(hours=13))
    assert desk.windows() == [(VIDEOS, window(2)), (ADS, window(2))]


def test_windows_that_are_asked_for_and_no_longer_wanted_are_left_alone() -> None:
    desk = Desk()
    desk.load_all()
    desk.ask(make_unit(VIDEOS, window(60, 50)))
    assert desk.windows() == [(VIDEOS, window(2)), (ADS, window(2))]


def test_the_look_back_is_cut_by_the_jobs_of_the_day_and_what_is_missing_is_not() -> None:
    desk = Desk()
    desk.load_all(but=[back(50)])
    desk.use(15)  # of 18
    assert desk.windows() == [(VIDEOS, window(50, 50)), (ADS, window(50, 50)), (VIDEOS, window(2))]
    assert desk.warnings == [
        "1 windows of the look-back are left to tomorrow: 15 of the 20 jobs of this UTC day are used"
    ]
    desk.use(5)
    assert desk.windows() == [(VIDEOS, window(50, 50)), (ADS, window(50, 50))]
    desk.now += timedelta(hours=12)  # another day
    assert len(desk.windows()) == 4


@pytest.mark.parametrize("how", ["asked", "on disk"])
def test_what_costs_no_job_is_never_cut(how: str) -> None:
    desk = Desk()
    desk.load_all()
    desk.use(18)
    unit = make_unit(ADS, window(2))
    (desk.ask if how == "asked" else desk.keep)(unit)
    plan = desk.plan()
    assert [one.id for one in plan.due] == [unit.id]
    assert plan.requests == 0
    assert "1 windows of the look-back" in desk.warnings[0]


def test_a_delivery_stands_for_its_days() -> None:
    desk = Desk()
    desk.load_all(but=[NEWEST])
    desk.deliver("s1", NEWEST, NEWEST)
    plan = desk.plan()
    (given,) = (unit for unit in plan.due if unit.schema_id)
    assert (given.id, given.remote_id, given.schema_id, given.vendor_updated_at) == (
        make_unit(VIDEOS, window(0)).id,
        "s1",
        SCHEDULED,
        NOW,
    )
    windows = [(Group(unit.feeds), window_of(unit)) for unit in plan.due]
    assert windows == [(ADS, window(2)), (VIDEOS, window(0)), (VIDEOS, window(2, 1))]
    assert plan.requests == 2
    assert desk.pending() == ["s1"]


def test_a_delivery_is_of_the_types_the_schedule_has() -> None:
    desk = Desk(changes={"scheduled_data_types": "ads"})
    desk.load_all(but=[NEWEST])
    desk.deliver("s1", back(2), NEWEST)
    windows = desk.windows()
    assert sorted(windows, key=str) == sorted([(ADS, window(2)), (VIDEOS, window(2))], key=str)
    assert desk.plan().requests == 1


@pytest.mark.parametrize(
    ("changes", "first", "last", "said"),
    [
        ({"data_types": "ads"}, NEWEST, NEWEST, "events+quality is not loaded"),
        ({"data_types": "events"}, NEWEST, NEWEST, "events+quality is not loaded"),
        ({}, NEWEST, back(1), "is passed over"),
        ({}, NEWEST, date(2026, 3, 11), "lie in the future, or are too many"),
        ({}, date(2025, 12, 1), NEWEST, "lie in the future, or are too many"),
    ],
)
def test_deliveries_that_are_of_no_use_are_passed_over(
    changes: dict[str, Any], first: date, last: date, said: str
) -> None:
    desk = Desk(changes=changes)
    desk.deliver("s1", first, last)
    assert not any(unit.schema_id for unit in desk.plan().due)
    assert desk.pending() == []
    assert said in desk.warnings[0]
    assert "s1" in desk.warnings[0]


def test_deliveries_never_share_a_day_and_the_newest_counts() -> None:
    desk = Desk()
    desk.load_all(but=[NEWEST, back(8)])
    desk.deliver("week", back(6), NEWEST, hours=-3)
    desk.deliver("day", NEWEST, NEWEST, hours=-1)
    desk.deliver("again", NEWEST, NEWEST, hours=-2)
    desk.deliver("other", back(8), back(8), hours=-9)
    scheduled = [unit.remote_id for unit in desk.plan().due if unit.schema_id]
    assert sorted(scheduled) == ["day", "other"]
    assert sorted(desk.pending()) == ["day", "other"]
    assert [text.split(" is passed over: ")[1] for text in desk.warnings] == [
        "a newer one has days of it"
    ] * 2


def test_a_delivery_of_days_that_are_loaded_is_superseded() -> None:
    desk = Desk()
    desk.load_all()
    desk.deliver("late", back(1), NEWEST)
    assert [unit.remote_id for unit in desk.plan().due if unit.schema_id] == []
    assert (desk.pending(), desk.warnings) == ([], [])


def test_of_deliveries_of_one_moment_the_last_counts() -> None:
    desk = Desk()
    desk.deliver("first", NEWEST, NEWEST)
    desk.deliver("last", NEWEST, NEWEST)
    assert [unit.remote_id for unit in desk.plan().due if unit.schema_id] == ["last"]


def test_a_window_asked_for_that_shares_days_with_a_delivery_gives_way() -> None:
    desk = Desk()
    desk.load_all(but=[NEWEST, back(1)])
    desk.ask(make_unit(VIDEOS, window(1)))
    desk.deliver("s1", NEWEST, NEWEST)
    windows = [found for group, found in desk.windows() if group == VIDEOS]
    assert sorted(windows, key=str) == [window(2, 1), window(0)]


def test_a_range_asked_for_is_loaded_again_behind_the_start() -> None:
    desk = Desk(changes={"start": "2026-03-01"})
    desk.load(VIDEOS, ADS, days=Window(date(2026, 3, 1), NEWEST).days)
    scope = Scope(
        datetime(2026, 2, 1, tzinfo=UTC), datetime(2026, 3, 5, tzinfo=UTC), is_reload=True
    )
    windows = [found for group, found in desk.windows(scope) if group == ADS]
    assert [day for found in windows for day in found.days] == Window(
        date(2026, 2, 1), date(2026, 3, 4)
    ).days


def test_days_that_died_unloaded_are_expected_once_so_that_their_loss_is_told() -> None:
    desk = Desk(changes={"data_types": "ads"})
    desk.load(ADS, days=[OLDEST - 4 * DAY, OLDEST - 2 * DAY])
    plan = desk.plan()
    seen = {unit.id for unit in desk.journal.seen(SOURCE)}
    assert seen == {f"ads/{OLDEST - days * DAY}" for days in (3, 1)}
    assert plan.listed is not None
    assert seen.isdisjoint(plan.listed)
    desk.journal.forget_seen(seen)
    desk.plan()
    assert desk.journal.seen(SOURCE) == []


def test_days_before_the_start_are_nobodys_loss() -> None:
    desk = Desk(changes={"data_types": "ads", "start": (OLDEST - DAY).isoformat()})
    desk.load(ADS, days=[OLDEST - 4 * DAY])
    desk.plan()
    assert [unit.id for unit in desk.journal.seen(SOURCE)] == [f"ads/{OLDEST - DAY}"]


DAYS = st.integers(0, 89)
SPANS = st.tuples(DAYS, st.integers(0, 12)).map(lambda pair: (min(89, sum(pair)), pair[0]))


@given(
    st.sets(DAYS),
    st.lists(st.tuples(SPANS, st.sampled_from([VIDEOS, ADS]), st.integers(0, 40)), max_size=4),
    st.lists(SPANS, max_size=4),
    st.integers(0, 20),
    st.sampled_from([1, 7, 30]),
)
def test_no_day_is_asked_for_twice_and_none_that_is_missing_is_left_out(
    lacking: set[int],
    asked: list[tuple[tuple[int, int], Group, int]],
    delivered: list[tuple[int, int]],
    used: int,
    max_days: int,
) -> None:
    desk = Desk(changes={"max_days": max_days, "daily_jobs": 200})
    desk.load_all(but={back(day) for day in lacking})
    desk.use(used)
    for (first, last), group, hours in asked:
        desk.ask(make_unit(group, window(first, last)), NOW - timedelta(hours=hours))
    for number, (first, last) in enumerate(delivered):
        desk.deliver(f"s{number}", back(first), back(last), hours=-number)
    plan = desk.plan()
    for group in (VIDEOS, ADS):
        units = [unit for unit in plan.due if unit.feeds == group.tables]
        days = [day for unit in units for day in list_of(unit)]
        assert len(days) == len(set(days))
        assert {back(day) for day in lacking} <= set(days)
        known = {make_unit(group, window(*span)).id for span, _, _ in asked}
        assert all(
            len(list_of(unit)) <= max_days or unit.schema_id or unit.id in known for unit in units
        )
    assert len({unit.id for unit in plan.due}) == len(plan.due)

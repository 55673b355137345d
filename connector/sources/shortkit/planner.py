"""What a run asks ShortKit for: windows of days, exports that came by themselves, the look-back.

Nothing is asked of the vendor here; the journal says how many jobs of the day are used.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

from connector.context import ApiContext
from connector.day_units import list_day_units
from connector.inbox import Delivery
from connector.sources.shortkit.agenda import (
    Calendar,
    Need,
    Window,
    cut_windows,
    find_calendar,
    find_lost,
    find_need,
    find_start,
    keep_asked,
    name_day,
    parse_unit,
    to_unit,
    window_of,
)
from connector.sources.shortkit.job import JOB_KIND
from connector.sources.shortkit.shortkit_settings import SOURCE, Group, ShortkitSettings
from connector.units import LoadedUnit, Plan, Scope, Unit

SCHEDULED = "scheduled"  # schema id of a unit whose file the vendor announced by itself


def name_size(group: Group, now: datetime) -> str:
    """Under which name the journal keeps how many days a job may have: for a week, then a full
    window is tried again.
    """
    return f"{SOURCE}/{group.name}/days/{now:%G-%V}"


@dataclass(frozen=True, slots=True)
class Planner:
    """Plans the jobs of one secret key."""

    settings: ShortkitSettings
    context: ApiContext

    def plan(self, loaded: Mapping[str, LoadedUnit], now: datetime, scope: Scope = Scope()) -> Plan:
        """Windows of days that nobody loaded, and the newest days once more. Nothing is asked of the
        vendor for it. The look-back goes only as far as the day's jobs do.
        """
        calendar = find_calendar(self.settings, now)
        self._note_lost(loaded, calendar, now)
        units = self._list_delivered(loaded, calendar)
        taken = {unit.id for unit in units}
        again: list[Unit] = []
        for group in self.settings.groups:
            need = find_need(group, loaded, calendar, self.settings, scope)
            given = [window_of(unit) for unit in units if unit.feeds == group.tables]
            new, old = self._cut(group, need, given, now)
            units += [unit for unit in new if unit.id not in taken]
            again += [unit for unit in old if unit.id not in taken]
        wanted = sorted(units, key=lambda unit: unit.lower_at) + self._afford(units, again, now)
        return Plan(
            source=SOURCE,
            due=wanted,
            growing=[],
            listed=self._list_alive(calendar),
            requests=sum(self._costs_job(unit) for unit in wanted),
            quota_per_day=self.settings.daily_jobs,
            requests_daily=self.settings.jobs_per_run * self.settings.runs_per_day,
        )

    def _cut(
        self, group: Group, need: Need, given: Sequence[Window], now: datetime
    ) -> tuple[list[Unit], list[Unit]]:
        """Units for the days of a group: those with a missing day, and those of the look-back."""
        kept = [*given, *keep_asked(group, need, self._list_asked(given, now))]
        done = {day for window in kept for day in window.days}
        days = (need.missing | need.again) - done
        widest = self.context.journal.size(name_size(group, now)) or self.settings.max_days
        windows = kept[len(given) :] + cut_windows(days, min(widest, self.settings.max_days))
        units = [(window, to_unit(group, window, self.settings)) for window in windows]
        new = [unit for window, unit in units if need.missing & set(window.days)]
        return new, [unit for _, unit in units if unit not in new]

    def _list_asked(
        self, given: Sequence[Window], now: datetime
    ) -> list[tuple[Group, Window, bool]]:
        """What a former run asked for or has on disk, and whether that was today; what the vendor
        delivers by itself is left out.
        """
        journal, today = self.context.journal, now.astimezone(UTC).date()
        asked = [
            (unit_id, known[1])
            for unit_id in journal.jobs(SOURCE)
            if (known := journal.job(unit_id))
        ]
        asked += [(file.unit.id, file.fetched_at) for file in journal.files(SOURCE)]
        found = []
        for unit_id, at in asked:
            with suppress(ValueError):
                group, window = parse_unit(unit_id)
                if all(set(window.days).isdisjoint(other.days) for other in given):
                    found.append((group, window, at.astimezone(UTC).date() == today))
        return found

    def _afford(self, new: Sequence[Unit], again: Sequence[Unit], now: datetime) -> list[Unit]:
        """As many of the units that are loaded already as the jobs of this day are enough for, and
        those that have been asked for. Jobs are kept for yesterday as long as it is not settled, so
        that who runs every quarter of an hour has some left for it.
        """
        used = self.context.journal.requests_used(SOURCE, now).get(JOB_KIND, 0)
        left = self.settings.daily_jobs - self.settings.reserve_jobs - used
        calendar = find_calendar(self.settings, now)
        is_settled = calendar.newest == calendar.today - timedelta(days=1)
        kept = 0 if is_settled else len(self.settings.groups)
        room = max(0, left - kept - sum(map(self._costs_job, new)))
        ordered = sorted(again, key=lambda unit: unit.lower_at)
        costly = [unit for unit in ordered if self._costs_job(unit)]
        if len(costly) > room:
            self._tell_once(
                f"{len(costly) - room} windows of the look-back are left to tomorrow: {used} of the"
                f" {self.settings.daily_jobs} jobs of this UTC day are used",
                now,
            )
        return [unit for unit in ordered if unit not in costly[room:]]

    def _tell_once(self, text: str, now: datetime) -> None:
        """Warn of something that every run of this day would find."""
        scope, today = f"{SOURCE}/told", now.toordinal()
        if self.context.journal.size(scope) != today:
            self.context.warn(text)
            self.context.journal.remember_size(scope, today)

    def _costs_job(self, unit: Unit) -> bool:
        """True where the unit's file is not on disk and has yet to be asked for."""
        journal = self.context.journal
        is_asked = journal.job(unit.id) is not None
        is_there = any(file.unit.id == unit.id for file in journal.files(SOURCE))
        return unit.schema_id != SCHEDULED and not is_asked and not is_there

    def _list_delivered(self, loaded: Mapping[str, LoadedUnit], calendar: Calendar) -> list[Unit]:
        """The exports that the vendor announced, or that a former run downloaded, as units: those with
        a day nobody loaded, and none with a day of a newer one, which knows more of it.
        """
        units = [
            file.unit
            for file in self.context.journal.files(SOURCE)
            if file.unit.schema_id == SCHEDULED and self._is_missing(window_of(file.unit), loaded)
        ]
        taken = {day for unit in units for day in window_of(unit).days}
        newest_first = reversed(self.context.inbox.pending())
        for delivery in sorted(newest_first, key=lambda one: one.received_at, reverse=True):
            window = Window(delivery.start_on, delivery.end_on)
            if problem := self._judge(window, calendar):
                self._drop(delivery, problem)
                continue
            is_free = taken.isdisjoint(window.days)
            taken |= set(window.days)
            if not self._is_missing(window, loaded):
                self.context.inbox.finish([delivery.export_id])  # what is loaded may be newer
            elif not is_free:
                self._drop(delivery, "a newer one has days of it")
            else:
                unit = to_unit(self.settings.scheduled, window, self.settings, delivery.export_id)
                at = delivery.received_at
                units.append(replace(unit, schema_id=SCHEDULED, vendor_updated_at=at))
        return units

    def _judge(self, window: Window, calendar: Calendar) -> str:
        """Why the export of these days is of no use; "" where it is."""
        if self.settings.scheduled not in self.settings.groups or window.last < window.first:
            return f"{self.settings.scheduled.name} is not loaded"
        if window.last > calendar.today or len(window) > self.settings.retention_days:
            return "its days lie in the future, or are too many"
        return ""

    def _is_missing(self, window: Window, loaded: Mapping[str, LoadedUnit]) -> bool:
        """True where a day of the scheduled group is not loaded, or is to be loaded again."""
        known = [
            loaded.get(name_day(table, day))
            for table in self.settings.scheduled.tables
            for day in window.days
        ]
        return any(unit is None or unit.is_to_reload for unit in known)

    def _drop(self, delivery: Delivery, reason: str) -> None:
        self.context.warn(f"the scheduled export {delivery.export_id} is passed over: {reason}")
        self.context.inbox.finish([delivery.export_id])

    def _note_lost(
        self, loaded: Mapping[str, LoadedUnit], calendar: Calendar, now: datetime
    ) -> None:
        """Expect the days that died while nobody ran the connector, so that their loss is reported;
        once, which the journal remembers by the last day that was looked at.
        """
        journal = self.context.journal
        for group in self.settings.groups:
            for table in group.tables:
                scope = f"{SOURCE}/{table}/looked"
                seen = date.fromordinal(journal.size(scope) or 1)
                start = find_start(self.settings, date.min)
                lost = find_lost(table, loaded, calendar, max(seen + timedelta(days=1), start))
                units = [to_unit(Group((table,)), Window(day, day), self.settings) for day in lost]
                expected = [one for unit in units for one in list_day_units(unit)]
                journal.note_seen(SOURCE, expected, now)
                journal.remember_size(scope, (calendar.oldest - timedelta(days=1)).toordinal())

    def _list_alive(self, calendar: Calendar) -> frozenset[str]:
        """The days whose rows the vendor still has, by their ids in the ledger."""
        days = Window(calendar.oldest, calendar.today).days
        return frozenset(name_day(table, day) for table in self.settings.data_types for day in days)

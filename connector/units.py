"""The unit of work: the smallest thing that is asked for, downloaded, decoded and replaced whole.

    planned -> requested (remote id) -> ready -> spooled (file verified) -> loaded (load id)
                     |-> split (too large) / failed / expired

Every state a unit leaves the flow in is recorded with its name; none is silent.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from connector.errors import ApiError

NEVER = datetime.max.replace(tzinfo=UTC)
_TIMES = ("lower_at", "upper_at", "vendor_updated_at", "expires_at")
_TUPLES = ("field_names", "replaces", "feeds")


@dataclass(frozen=True, slots=True)
class Unit:
    """One unit of work.

    `id` is stable across runs and machines. `lower_at` and `upper_at` are half-open aware UTC
    bounds on `axis`, the time the vendor indexes by. `declared_rows` and `declared_bytes` are what
    the vendor says the file holds (None: not said). `revision` changes when the vendor changed the
    unit after it was written. `field_names` are the columns the vendor announced, in its order
    (empty: not announced). `expires_at` is when the vendor deletes the file. `replaces` are ids of
    other units whose rows this one brings again: loading it takes theirs away. `cut_by` is the field
    by which rows of the seconds next to the bounds, asked for in case the vendor leaves its bounds
    out, are left to the neighbouring units ("": nothing is cut). `feeds` are the tables its rows
    are of where its file is loaded as one unit a table and a day of `zone`, see
    `connector.day_units` (empty: it is loaded as it is).
    """

    id: str
    source: str
    table: str
    application_id: str
    axis: str
    lower_at: datetime
    upper_at: datetime
    remote_id: str
    declared_rows: int | None = None
    declared_bytes: int | None = None
    schema_id: str = ""
    vendor_updated_at: datetime | None = None
    expires_at: datetime | None = None
    field_names: tuple[str, ...] = ()
    replaces: tuple[str, ...] = ()
    cut_by: str = ""
    feeds: tuple[str, ...] = ()
    zone: str = "UTC"

    @property
    def revision(self) -> str:
        """What the vendor says of the unit's content; the unit is fetched again when it moves."""
        updated = self.vendor_updated_at.isoformat() if self.vendor_updated_at else ""
        return f"{updated}/{self.declared_rows}/{self.schema_id}"

    def to_json(self) -> str:
        """The unit as JSON text, for the journal."""
        values = {name: getattr(self, name) for name in self.__slots__}
        for key in _TIMES:
            values[key] = values[key].isoformat() if values[key] else None
        return json.dumps(values)

    @classmethod
    def from_json(cls, text: str) -> "Unit":
        """The unit that `to_json` wrote."""
        values: dict[str, Any] = json.loads(text)
        for key in _TIMES:
            values[key] = datetime.fromisoformat(values[key]) if values[key] else None
        for key in _TUPLES:
            values[key] = tuple(values.get(key, ()))
        return cls(**values)


RELOAD = "reload:"  # before the schema id of a ledger row: the unit is to be loaded once more
MERGED = (
    "merged:"  # before the id of the unit that has its rows now, as the schema id of a ledger row
)


@dataclass(frozen=True, slots=True)
class LoadedUnit:
    """What the ledger holds of a unit that was loaded: enough to see whether it changed since."""

    id: str
    table: str
    application_id: str
    axis: str
    lower_at: datetime
    upper_at: datetime
    declared_rows: int | None = None
    schema_id: str = ""
    vendor_updated_at: datetime | None = None
    loaded_rows: int | None = None
    remote_id: str = ""

    @classmethod
    def of(cls, unit: Unit, loaded_rows: int | None = None) -> "LoadedUnit":
        """The unit as the ledger will hold it."""
        return cls(
            id=unit.id,
            table=unit.table,
            application_id=unit.application_id,
            axis=unit.axis,
            lower_at=unit.lower_at,
            upper_at=unit.upper_at,
            declared_rows=unit.declared_rows,
            schema_id=unit.schema_id,
            vendor_updated_at=unit.vendor_updated_at,
            loaded_rows=loaded_rows,
            remote_id=unit.remote_id,
        )

    def to_expected(self, source: str) -> Unit:
        """The unit as one that the vendor is expected to list, so that its loss would be reported."""
        return Unit(
            id=self.id,
            source=source,
            table=self.table,
            application_id=self.application_id,
            axis="",
            lower_at=self.lower_at,
            upper_at=self.upper_at,
            remote_id="",
        )

    @property
    def is_to_reload(self) -> bool:
        """True where somebody asked for it to be loaded once more."""
        return self.schema_id.startswith(RELOAD)


def is_same_content(wanted: Unit, held: Unit | LoadedUnit) -> bool:
    """True when `held` has what `wanted` asks for: nothing the vendor says of it has moved.

    A row count that was not announced beforehand says nothing.
    """
    return (
        wanted.vendor_updated_at == held.vendor_updated_at
        and wanted.schema_id == held.schema_id
        and wanted.declared_rows in (None, held.declared_rows)
    )


@dataclass(frozen=True, slots=True)
class Failure:
    """A unit that could not be had this time, and why; `exit_code` as in `connector.errors`."""

    unit: Unit
    reason: str
    exit_code: int


def order_by_urgency(units: Iterable[Unit]) -> list[Unit]:
    """What dies first goes first; then the oldest; then by name so that the order is stable."""
    return sorted(units, key=lambda unit: (unit.expires_at or NEVER, unit.lower_at, unit.id))


def is_settled(unit: Unit, now: datetime, settle: timedelta) -> bool:
    """True when nothing has been added to the unit for `settle`: neither its end nor its last
    change by the vendor lies closer to `now`.
    """
    last = max(unit.upper_at, unit.vendor_updated_at or unit.upper_at)
    return last + settle <= now


def changed_units(units: Iterable[Unit], loaded: Mapping[str, LoadedUnit]) -> list[Unit]:
    """The units that were never loaded, or that the vendor changed since they were."""
    return [
        unit
        for unit in units
        if unit.id not in loaded or not is_same_content(unit, loaded[unit.id])
    ]


@dataclass(frozen=True, slots=True)
class Scope:
    """The part of a source's past to look at: half-open aware UTC bounds on the units' own axis,
    None where it is open. `is_reload`: what it holds is loaded again.
    """

    since: datetime | None = None
    until: datetime | None = None
    is_reload: bool = False

    def touches(self, lower_at: datetime, upper_at: datetime) -> bool:
        """True when some of the half-open range lies in the scope."""
        return (self.since is None or upper_at > self.since) and (
            self.until is None or lower_at < self.until
        )


def split_unit(unit: Unit, parts: int = 2) -> list[Unit]:
    """Cut a unit into `parts` of equal length on its own axis; their union is exactly the unit.

    Bounds fall on whole seconds. Raises ValueError when the unit is shorter than `parts` seconds.
    """
    length_s = int((unit.upper_at - unit.lower_at).total_seconds())
    if length_s < parts:
        raise ValueError(f"unit {unit.id} is {length_s} s long and cannot be cut into {parts}")
    edges = [unit.lower_at + timedelta(seconds=length_s * i // parts) for i in range(parts)]
    edges.append(unit.upper_at)
    return [
        replace(
            unit,
            id=f"{unit.id}.{index}",
            lower_at=edges[index],
            upper_at=edges[index + 1],
            declared_rows=None,
            declared_bytes=None,
        )
        for index in range(parts)
    ]


@dataclass(frozen=True, slots=True)
class Plan:
    """What a vendor has, against what is loaded.

    `due` units are to be fetched, most urgent first; `growing` ones are not settled yet. `listed`
    holds the id of every unit the vendor lists (None: it keeps history, nothing vanishes).
    `requests` is what fetching `due` costs of the quota of `quota_per_day` (None: no daily quota),
    of which at most `quota_per_hour` go out in an hour (None: no such limit); `requests_daily` is
    what a day costs once history is loaded. `refusals` are applications that
    could not be planned, with the reason.
    """

    source: str
    due: list[Unit]
    growing: list[Unit]
    listed: frozenset[str] | None
    requests: int
    quota_per_day: int | None = None
    requests_daily: int | None = None
    quota_per_hour: int | None = None
    refusals: Mapping[str, ApiError] = field(default_factory=dict)


def units_at_risk(plan: Plan, used_today: int, now: datetime) -> list[Unit]:
    """Units of the plan that expire before the daily quota reaches them: certain to be lost."""
    if plan.quota_per_day is None:
        return []
    midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    left_today = max(0, plan.quota_per_day - used_today)
    lost = []
    for place, unit in enumerate(plan.due):
        days_off = 0 if place < left_today else 1 + (place - left_today) // plan.quota_per_day
        reached_at = midnight + timedelta(days=days_off) if days_off else now
        if days_off and unit.expires_at and unit.expires_at <= reached_at:
            lost.append(unit)
    return lost

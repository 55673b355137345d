"""Makes exports: the rows of the population or made-up ones, into parts; and the truth of both."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from connector.errors import ConfigError
from connector.sandbox.appmetrica_stream.content import CELL_FAULTS, Content
from connector.sandbox.faults import Fault
from connector.sandbox.mytracker.asks import Ask
from connector.sandbox.mytracker.building import (
    Build,
    Cutter,
    make_content,
    name_parts,
)
from connector.sandbox.mytracker.cells import TrackCells
from connector.sandbox.mytracker.device_cells import Cells
from connector.sandbox.mytracker.dictionary import field_types, tracker_app_id
from connector.sandbox.mytracker.injection import MadeExport, make_export
from connector.sandbox.mytracker.rows import AppRows
from connector.sandbox.mytracker.selecting import AppData, fill_cells, plan_cells
from connector.sandbox.world import World

_CONTENT_KINDS = frozenset({*CELL_FAULTS, "file_shape", "schema_change"})


class Maker:
    """The data of all apps this vendor's user may see. Callers hold `world.lock`."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.settings = world.scenario.mytracker
        self.made: list[MadeExport] = []
        self.apps = {
            app.id: AppData(tracker_app_id(app.id), AppRows(self.settings), TrackCells(app))
            for app in world.scenario.apps
            if app.access != "none"
        }
        self._taken = dict.fromkeys(self.apps, 0)

    def take(self) -> None:
        """File what the population has done since the last time; nobody needs it before."""
        self.world.live()
        for app_id, data in self.apps.items():
            records = self.world.records[app_id]
            for record in records[self._taken[app_id] :]:
                data.rows.take(record)
            self._taken[app_id] = len(records)

    def inject(self, declared: Mapping[str, Any]) -> MadeExport:
        """Put a made-up export in place; ConfigError names what is wrong with it."""
        export = make_export(declared)
        self.made.insert(0, export)
        return export

    def made_selectors(self) -> dict[str, frozenset[str]]:
        """Selectors by event that made-up rows have."""
        found: dict[str, frozenset[str]] = {}
        for export in self.made:
            names = frozenset(name for cells in export.rows or () for name in cells)
            found[export.event] = found.get(export.event, frozenset()) | names
        return found

    def build(
        self, number: str, ask: Ask, as_of: float, faults: Sequence[Fault], bends: Sequence[Fault]
    ) -> Build:
        """The export `number` as it is made at a moment (unix seconds)."""
        made = [export for export in self.made if export.meets(ask)]
        whole = next((export for export in made if export.rows is None), None)
        if whole is not None and made[0] is whole:
            names = name_parts(number, ask.event, len(whole.parts))
            return Build(names, len(names), whole.parts.__getitem__)
        chosen = self._select(ask, as_of, bends, [e for e in made if e.rows is not None])
        size = max(1, self.settings.rows_per_part)
        names = name_parts(number, ask.event, max(1, -(-len(chosen) // size)))
        own = [f for f in faults if f.stage != "window" or f.kind in _CONTENT_KINDS]

        def make() -> Content:
            plan = plan_cells(ask.selectors, field_types(ask.event))
            rows = [fill_cells(cells(), plan) for cells in chosen]
            return make_content(ask, rows, own, self.settings.shape)

        return Build(names, len(chosen), Cutter(make, len(names), size, own).cut)

    def change_verification(self, transaction: str, *, is_verified: bool, how: str) -> int:
        """Change `isVerified` of a payment now; how many rows that changed."""
        if how not in {"in_place", "reemitted"}:
            raise ConfigError(f"verification: how = {how!r} is neither in_place nor reemitted")
        self.take()
        now = int(self.world.clock.timestamp())
        state = ((now, "1" if is_verified else "0"),)
        changed = sum(
            data.rows.change_payment(transaction, state, now, is_again=how == "reemitted")
            for data in self.apps.values()
        )
        if not changed:
            raise ConfigError(f"verification: no payment has the transaction {transaction!r}")
        return changed

    def _select(
        self, ask: Ask, as_of: float, bends: Sequence[Fault], made: Sequence[MadeExport]
    ) -> list[Callable[[], Cells]]:
        """What makes the cells of each row of an export, oldest availability first."""
        self.take()
        found = [
            (row, data)
            for data in self.apps.values()
            if data.is_asked(ask)
            for row in data.select(ask, as_of, bends)
            if not any(export.replaces(row.available_at) for export in made)
        ]
        found.sort(key=lambda item: (item[0].available_at, item[1].id_app, item[0].rank))
        makers: list[Callable[[], Cells]] = [
            partial(data.cells.cells, ask.event, row, ask.zone, as_of) for row, data in found
        ]
        for export in made:
            makers += [partial(dict, cells) for cells in export.select(ask)]
        return makers

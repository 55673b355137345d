"""What came of one file: typed rows, rejects, and what was counted of each unit it is loaded as."""

from dataclasses import dataclass, field
from datetime import datetime

from connector.decode.day_rows import Tally
from connector.decode.parts import FileFormat
from connector.decode.spill import Spill
from connector.units import Unit


@dataclass(slots=True)
class Decoded:
    """One file, typed. `tallies` count what it has of each unit it is loaded as: one, or one a table
    and day. `rows` are loadable records, `rejected_rows` unreadable ones, `cut_rows` those left to the
    units beside it, `rejected_cells` cells that became NULL or text. `data` are the rows of the unit's
    table, `others` those of the other tables it feeds. Close it when its batches were taken.
    """

    unit: Unit
    format: FileFormat
    data: Spill
    quarantine: Spill
    tallies: list[Tally]
    others: dict[str, Spill] = field(default_factory=dict)
    cut_rows: int = 0
    rejected_cells: int = 0
    drift: set[str] = field(default_factory=set)
    missing: set[str] = field(default_factory=set)

    @property
    def rows(self) -> int:
        """Records that can be loaded."""
        return sum(tally.rows for tally in self.tallies)

    @property
    def rejected_rows(self) -> int:
        """Records that cannot be read."""
        return sum(tally.rejected_rows for tally in self.tallies)

    @property
    def file_rows(self) -> int:
        """Records of the file, readable or not."""
        return sum(tally.file_rows for tally in self.tallies)

    @property
    def min_event_at(self) -> datetime | None:
        """The first event time."""
        return min((t.min_event_at for t in self.tallies if t.min_event_at), default=None)

    @property
    def max_event_at(self) -> datetime | None:
        """The last event time."""
        return max((t.max_event_at for t in self.tallies if t.max_event_at), default=None)

    @property
    def event_days(self) -> set[str]:
        """The UTC days of the event times."""
        return set().union(*(tally.event_days for tally in self.tallies))

    def rows_of(self, table: str) -> Spill:
        """The typed rows of one of the tables."""
        return self.others.get(table, self.data)

    def close(self) -> None:
        """Drop the batches."""
        for spill in (self.data, self.quarantine, *self.others.values()):
            spill.close()

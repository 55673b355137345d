"""What a run did, as the command line prints it and as JSON (contract of `run` and `sync`)."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from connector.errors import EXIT_OK, worst_exit_code

if TYPE_CHECKING:
    from connector.decode import Decoded, Tally


@dataclass(frozen=True, slots=True)
class ProgressEvent:
    """Something happened: `units` with `bytes` on disk or `rows` in the warehouse."""

    kind: Literal["planned", "fetched", "loaded", "failed", "waiting", "note"]
    source: str
    units: int = 0
    bytes: int = 0
    rows: int = 0
    text: str = ""


Progress = Callable[[ProgressEvent], None]


@dataclass(slots=True)
class SourceReport:
    """One source's part of a run. `cursors` are ISO 8601 by table, `drift` are columns by table
    that the field table does not know, `errors` say what went wrong, by name.
    """

    units_loaded: int = 0
    units_failed: int = 0
    units_pending: int = 0
    rows_loaded: int = 0
    rows_quarantined: int = 0
    cells_quarantined: int = 0
    bytes: int = 0
    seconds: float = 0.0
    cursors: dict[str, str] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    drift: dict[str, list[str]] = field(default_factory=dict)
    exit_codes: list[int] = field(default_factory=list)

    def count_unit(self, tally: "Tally") -> None:
        """Count what was loaded of one unit."""
        self.rows_loaded += tally.rows
        self.rows_quarantined += tally.rejected_rows

    def count_file(self, decoded: "Decoded", size: int) -> None:
        """Count a loaded file of so many bytes, and what it had that its table could not take."""
        self.units_loaded += 1
        self.bytes += size
        self.cells_quarantined += decoded.rejected_cells
        if decoded.drift:
            known = self.drift.setdefault(decoded.unit.table, [])
            known.extend(sorted(decoded.drift - set(known)))

    def fail(self, text: str, exit_code: int) -> None:
        """Note an error and what it makes the run end with."""
        self.errors.append(text)
        self.exit_codes.append(exit_code)

    @property
    def exit_code(self) -> int:
        """The worst outcome of this source."""
        return worst_exit_code(self.exit_codes)

    def to_json(self) -> dict[str, Any]:
        """The object under `sources` of the contract."""
        values = asdict(self)
        values.pop("exit_codes")
        return values | {"seconds": round(self.seconds, 3)}


@dataclass(slots=True)
class RunReport:
    """A whole run; `models` is the models' part as JSON, empty where only loading was asked for."""

    sources: dict[str, SourceReport] = field(default_factory=dict)
    models: dict[str, Any] = field(default_factory=dict)
    seconds: float = 0.0
    other_codes: list[int] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        """The worst outcome of all."""
        codes = [report.exit_code for report in self.sources.values()]
        return worst_exit_code([*codes, *self.other_codes])

    def to_json(self) -> dict[str, Any]:
        """The JSON object of the contract."""
        return {
            "ok": self.exit_code == EXIT_OK,
            "exit_code": self.exit_code,
            "sources": {name: report.to_json() for name, report in self.sources.items()},
            "models": self.models,
            "seconds": round(self.seconds, 3),
        }

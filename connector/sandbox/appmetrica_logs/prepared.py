"""A prepared file: made at a moment, downloadable for a while, in parts that belong together."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from connector.sandbox.appmetrica_logs.asks import Ask, CacheRule
from connector.sandbox.appmetrica_logs.injection import MadeExport
from connector.sandbox.appmetrica_logs.making import encode_part
from connector.sandbox.appmetrica_stream.content import Content
from connector.sandbox.faults import Fault

_UNCLAIMED_S = 3600.0


@dataclass(frozen=True, slots=True)
class Part:
    """One part as it is sent; `rows` is None where only its author knows.

    `is_declared`: the number was made up with the export, and is sent in any scenario.
    """

    export_format: str
    body: bytes
    rows: int | None
    path: Path | None = None
    is_declared: bool = False


@dataclass(slots=True)
class LogFile:
    """One build of an export. `made_at` is unix seconds; content is made when first asked for."""

    ask: Ask
    made_at: float
    is_no_cache: bool
    faults: Sequence[Fault]
    make: Callable[[], Content]
    made: Sequence[MadeExport] = ()
    shift: int = 0
    downloads: int = 0
    _content: Content | None = None
    _parts: dict[int, Part] = field(default_factory=dict)

    def is_alive(self, now: float, life_s: float) -> bool:
        """False once it is too old, or gone by a fault."""
        for fault in self.faults:
            if fault.kind == "file_expired" and self.downloads >= int(fault.params["downloads"]):
                return False
        return now - self.made_at < life_s

    def answers(self, rule: CacheRule, now: float) -> bool:
        """True where a request under this rule gets the file instead of a new one.

        Clients that say `no-cache` at every poll get what they waited for: once, within the hour.
        """
        age_s = now - self.made_at
        if rule.is_no_cache:
            return self.is_no_cache and not self.downloads and age_s < _UNCLAIMED_S
        return rule.max_age_s is None or age_s <= rule.max_age_s

    def fault(self, kind: str) -> Fault | None:
        """The fault of a kind that goes with this build."""
        return next((fault for fault in self.faults if fault.kind == kind), None)

    def part(self, ask: Ask) -> Part:
        """The part a request asks for."""
        known = self._parts.get(ask.part)
        if known is None:
            known = self._parts[ask.part] = self._make_part(ask)
        return known

    def _make_part(self, ask: Ask) -> Part:
        whole = next((export for export in self.made if export.rows is None), None)
        declared = next((e.rows_number for e in self.made if e.rows_number is not None), None)
        is_declared = declared is not None
        if whole is not None and not ask.part:
            return Part(ask.export_format, whole.body, declared, whole.path, is_declared)
        if self._content is None:
            self._content = self.make()
        content = self._content
        body, rows = encode_part(content, ask.parts, ask.part)
        if len(self._parts) + 1 >= ask.parts:
            self._content = None  # the bytes are enough from now on
        rows = rows if declared is None else declared
        return Part(content.schema.export_format, body, rows, None, is_declared)

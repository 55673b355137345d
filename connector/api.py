"""What the engine needs of a vendor's API; every source's `api.py` provides it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Protocol

from connector.spool import Spool
from connector.units import LoadedUnit, Plan, Unit


class Api(Protocol):
    """How the fetcher asks a vendor."""

    @property
    def source(self) -> str:
        """The source's name."""
        ...

    @property
    def parallel(self) -> int:
        """How many downloads may run at once."""
        ...

    def download(self, unit: Unit, spool: Spool) -> Path:
        """The verified file of `unit`; tries transient failures again by itself."""
        ...


class SourceApi(Api, Protocol):
    """A vendor's API as planning and checking need it, besides downloads."""

    @property
    def application_ids(self) -> tuple[str, ...]:
        """The applications to load."""
        ...

    @property
    def tables(self) -> tuple[str, ...]:
        """The raw tables to load."""
        ...

    def plan(self, loaded: Mapping[str, LoadedUnit], now: datetime) -> Plan:
        """What the vendor has, against what is loaded."""
        ...

    def refresh(self, unit: Unit) -> Unit | None:
        """The unit as the vendor lists it now; None when it is gone."""
        ...

    def find_moved(self, units: Sequence[Unit]) -> list[Unit]:
        """Those of `units` that the vendor has changed since, as it lists them now."""
        ...

    def redact(self, text: str) -> str:
        """The text without the credential."""
        ...

    def close(self) -> None:
        """Close the connections."""
        ...

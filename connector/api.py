"""What the engine needs of a vendor's API; every source's `api.py` provides it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Protocol

from connector.context import ApiContext
from connector.fields import Table
from connector.jobs import RemoteJob
from connector.spool import Spool
from connector.units import LoadedUnit, Plan, Scope, Unit

__all__ = ["Api", "ApiContext", "SourceApi"]


class Api(Protocol):
    """How the fetcher asks a vendor."""

    @property
    def source(self) -> str:
        """The source's name."""
        ...

    @property
    def parallel(self) -> int:
        """How many units of one queue may be under way at once."""
        ...

    def queue_of(self, unit: Unit) -> str:
        """The vendor's queue that `unit` waits in; no queue holds up another."""
        ...

    def download(self, unit: Unit, spool: Spool) -> tuple[Unit, Path]:
        """The unit, with the row count that came with its file, and the verified file (or folder of
        parts); tries transient failures again by itself. Raises StillWaitingError where the vendor
        is not ready within the run's time, TooLargeError where the unit is to be split.
        """
        ...

    def split(self, unit: Unit) -> list[Unit]:
        """Smaller units whose union is `unit`; none where it cannot be cut."""
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

    @property
    def schemas(self) -> Mapping[str, Table]:
        """Those tables by name, with the columns that are asked for."""
        ...

    def plan(self, loaded: Mapping[str, LoadedUnit], now: datetime, scope: Scope = ...) -> Plan:
        """What the vendor has, against what is loaded; `scope` is the part that is asked for."""
        ...

    def refresh(self, unit: Unit) -> Unit | None:
        """The unit as the vendor lists it now; None when it is gone."""
        ...

    def find_moved(self, units: Sequence[Unit]) -> list[Unit]:
        """Those of `units` that the vendor has changed since, as it lists them now."""
        ...

    def distrust(self, unit: Unit) -> None:
        """The content of the unit's file is wrong: the vendor is not to hand out the same again."""
        ...

    def list_jobs(self) -> list[RemoteJob]:
        """Jobs at the vendor: our own, and those of others that share its queues."""
        ...

    def cancel_job(self, job: RemoteJob) -> bool:
        """Take a job back, and forget it; False where the vendor no longer has it or cannot."""
        ...

    def redact(self, text: str) -> str:
        """The text without the credential."""
        ...

    def close(self) -> None:
        """Close the connections."""
        ...

"""The verdict on a file's content, and the two ways files reach a package.

A sweep's files are fixed beforehand; a source used alone in somebody's own pipeline waits for
them while they are fetched.
"""

from collections import defaultdict, deque
from collections.abc import Iterator, Sequence

from connector.api import SourceApi
from connector.clock import Clock
from connector.decode import Decoded
from connector.errors import DownloadError, LossError, worst_exit_code
from connector.fetch import Fetcher
from connector.journal import Journal, SpooledFile
from connector.units import Failure, Unit

WAIT_BYTES = 1 << 30


class SweepFeed:
    """Files of one source: which unit each holds, and whether its control total is right."""

    def __init__(self, api: SourceApi, fetcher: Fetcher, journal: Journal, clock: Clock) -> None:
        self._api, self._fetcher, self._journal, self._clock = api, fetcher, journal, clock
        self._files: dict[str, deque[SpooledFile]] = defaultdict(deque)
        self._twins: dict[tuple[str, str, str], list[Unit]] = defaultdict(list)
        self._taken: set[tuple[str, str]] = set()
        self.failures: list[Failure] = []

    def expect(self, units: Sequence[Unit]) -> None:
        """Queue units; those with one remote id share a file name at the vendor."""
        for unit in units:
            self._twins[_remote_key(unit)].append(unit)
        self._fetcher.add(self._api, units)

    def put(self, files: Sequence[SpooledFile]) -> None:
        """Hand in files."""
        for file in files:
            self._files[file.unit.table].append(file)

    def files(self, table: str) -> Iterator[SpooledFile]:
        """The files of one table."""
        waiting = self._files[table]
        while waiting:
            yield waiting.popleft()

    def hold(self, unit: Unit, reason: str) -> None:
        """Record a unit that came and is not loaded."""
        self.fail(Failure(unit, reason, DownloadError.exit_code))

    def let_go(self, unit: Unit) -> None:
        """The unit's file could not be read: another file of it may be taken."""
        self._taken.discard((unit.id, unit.revision))

    def candidates(self, file: SpooledFile) -> list[Unit]:
        """The units that the file may turn out to hold."""
        return self._twins.get(_remote_key(file.unit)) or [file.unit]

    def identify(self, file: SpooledFile, names: Sequence[str]) -> Unit | None:
        """The unit that the file holds, by its column names; None when it is to be passed over.

        One window may be listed under two schema ids, and a download cannot name one: the file
        belongs to the unit whose announced fields it has, and the other one is fetched again.
        """
        unit = file.unit
        twins = [twin for twin in self.candidates(file) if twin.id != unit.id]
        matching = [] if _announces(unit, names, twins) else _match(twins, names)
        if (unit.id, unit.revision) in self._taken:
            self._fetcher.release([file])  # it came with its twin's download
            return None
        found = unit
        if matching:
            found = matching[-1]
            if (found.id, found.revision) in self._taken:
                self.refuse(file, f"unit {unit.id}: the file that came is that of {found.id}")
                return None
            self._fetcher.add_again(self._api, file)
        self._taken.add((found.id, found.revision))
        return found

    def check(self, file: SpooledFile, unit: Unit, decoded: Decoded) -> Unit | None:
        """The unit as it may be loaded: its rows are as many as the vendor declares, if not when
        it was planned then now. Otherwise the file goes back and None is returned.
        """
        if unit.declared_rows in (None, decoded.file_rows):
            return unit
        self._taken.discard((unit.id, unit.revision))
        newer = self._api.refresh(unit)
        if newer is None:
            text = f"unit {unit.id} vanished from the vendor while it was being loaded"
            self._fail(file, LossError(text, units=[unit.id]))
            return None
        if newer.declared_rows == decoded.file_rows:
            return newer
        self.refuse(
            file,
            f"unit {unit.id} has {decoded.file_rows} rows and the vendor declares"
            f" {newer.declared_rows}",
            newer,
        )
        return None

    def refuse(self, file: SpooledFile, reason: str, unit: Unit | None = None) -> None:
        """Fetch the file again; after three tries the unit fails by name."""
        reason = self._api.redact(reason)
        self._api.distrust(file.unit)
        if not self._fetcher.retry(self._api, file, unit or file.unit):
            text = f"{reason} (tried {file.attempts} times). It is tried again by the next run."
            self._fail(file, text)

    def _fail(self, file: SpooledFile, error: LossError | str) -> None:
        code = error.exit_code if isinstance(error, LossError) else 4
        self.fail(Failure(file.unit, str(error), code))
        if isinstance(error, LossError):
            self._fetcher.release([file])

    def fail(self, failure: Failure) -> None:
        """Record a unit that could not be had."""
        self.failures.append(failure)
        self._journal.add_failure(
            failure.unit, failure.reason, failure.exit_code, self._clock.now()
        )
        if failure.exit_code == LossError.exit_code:
            self._journal.forget_seen([failure.unit.id])  # its loss is reported once

    @property
    def exit_code(self) -> int:
        """The worst outcome so far."""
        return worst_exit_code([failure.exit_code for failure in self.failures])


class LiveFeed(SweepFeed):
    """Files as they are fetched; those of tables whose turn has not come wait on disk."""

    def files(self, table: str) -> Iterator[SpooledFile]:
        """The files of one table, until nothing more can come."""
        while True:
            yield from super().files(table)
            taken = self._fetcher.take(max_bytes=WAIT_BYTES, max_units=1_000, linger_s=0.2)
            if taken is None:
                return
            for outcome in taken[1]:
                if isinstance(outcome, Failure):
                    self.fail(outcome)
                else:
                    self.put([outcome])


def _match(twins: Sequence[Unit], names: Sequence[str]) -> list[Unit]:
    """The units that announce these columns: in this order, else in any."""
    exact = [twin for twin in twins if twin.field_names == tuple(names)]
    return exact or [twin for twin in twins if set(twin.field_names) == set(names)]


def _announces(unit: Unit, names: Sequence[str], twins: Sequence[Unit]) -> bool:
    """True when the columns are the unit's own and no twin's are closer to them."""
    if unit.field_names == tuple(names):
        return True
    is_of_twin = any(twin.field_names == tuple(names) for twin in twins)
    return set(unit.field_names) == set(names) and not is_of_twin


def _remote_key(unit: Unit) -> tuple[str, str, str]:
    return unit.application_id, unit.table, unit.remote_id

"""Extract and load: all sources at once, downloads in the background, loads in sweeps.

A sweep is capped in bytes and units so that progress commits often; one load runs at a time, and
one run per home.
"""

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing

from connector.clock import Clock, RealClock
from connector.decode import remove_spills
from connector.errors import ConnectorError
from connector.fetch import Fetcher
from connector.journal import Journal, SpooledFile
from connector.spool import Spool
from connector.units import Failure
from connector.warehouse.home import hold_home, open_inbox
from connector.warehouse.planning import SourcePlan, plan
from connector.warehouse.request import RunContext, SyncRequest
from connector.warehouse.run_report import Progress, ProgressEvent, RunReport, SourceReport
from connector.warehouse.settings import (
    Settings,
    configured_sources,
    open_api,
    read_settings,
    select_sources,
)
from connector.warehouse.source_run import SourceRun
from connector.warehouse.store import open_warehouse

__all__ = [
    "Progress",
    "ProgressEvent",
    "RunReport",
    "Settings",
    "SourcePlan",
    "SourceReport",
    "SyncRequest",
    "configured_sources",
    "hold_home",
    "open_api",
    "open_warehouse",
    "plan",
    "read_settings",
    "select_sources",
    "sync",
]

LEAST_BACKLOG_BYTES = 1 << 30
SWEEP_UNITS = 2_000
LINGER_S = 2.0  # how long a sweep waits for more files once it has one


def sync(
    settings: Settings,
    names: Sequence[str],
    request: SyncRequest | None = None,
    *,
    clock: Clock | None = None,
    progress: Progress = lambda _event: None,
) -> RunReport:
    """Load what the vendors have and the warehouse has not, for these sources.

    A source that fails does not stop the others. Raises BusyError when the home is in use.
    """
    clock, request = clock or RealClock(), request or SyncRequest()
    started, started_at = time.monotonic(), clock.now()
    report = RunReport()
    with hold_home(settings) as journal:
        spool = Spool(settings.home / "spool")
        _clean_spool(spool, journal, names)
        backlog = max(4 * settings.max_run_bytes, LEAST_BACKLOG_BYTES)
        with (
            ExitStack() as stack,  # closes connections, after the fetcher has ended its downloads
            Fetcher(
                journal, spool, clock, backlog_bytes=backlog, notify=_announce(progress)
            ) as fetcher,
        ):
            inbox = stack.enter_context(closing(open_inbox(settings)))
            context = RunContext(settings, request, journal, inbox, fetcher, spool, clock, progress)
            runs = _open_runs(names, context, report, stack)
            _work(runs, fetcher, settings)
        report.seconds = time.monotonic() - started
        command = "backfill" if request.is_backfill else "sync"
        journal.add_run(started_at, command, report.exit_code, report.to_json())
    return report


def _open_runs(
    names: Sequence[str], context: RunContext, report: RunReport, stack: ExitStack
) -> dict[str, SourceRun]:
    """The runs of the sources whose settings are right; the others are reported."""
    runs = {}
    for name in names:
        try:
            run = SourceRun(name, context)
        except ConnectorError as error:
            report.sources[name] = SourceReport()
            report.sources[name].fail(str(error), error.exit_code)
            continue
        stack.callback(run.close)
        runs[name], report.sources[name] = run, run.report
    return runs


def _work(runs: dict[str, SourceRun], fetcher: Fetcher, settings: Settings) -> None:
    """Start every source, load what comes, then look once more at what moved meanwhile."""
    for run in runs.values():
        run.attempt(run.start)
    _drain(runs, fetcher, settings)
    for run in runs.values():
        run.attempt(run.look_again)
    _drain(runs, fetcher, settings)
    for run in runs.values():
        run.finish()


def _drain(runs: dict[str, SourceRun], fetcher: Fetcher, settings: Settings) -> None:
    """Load sweep after sweep until nothing more can come."""
    while taken := fetcher.take(
        max_bytes=settings.max_run_bytes, max_units=SWEEP_UNITS, linger_s=LINGER_S
    ):
        source, outcomes = taken
        runs[source].accept(outcomes)


def _announce(progress: Progress) -> Callable[[SpooledFile | Failure], None]:
    def notify(outcome: SpooledFile | Failure) -> None:
        source = outcome.unit.source
        if isinstance(outcome, SpooledFile):
            progress(ProgressEvent("fetched", source, units=1, bytes=outcome.bytes))
        else:
            progress(ProgressEvent("failed", source, units=1, text=outcome.reason))

    return notify


def _clean_spool(spool: Spool, journal: Journal, names: Sequence[str]) -> None:
    """Forget files that are gone and delete files nobody knows: both are what a kill leaves."""
    remove_spills(spool.folder)
    known = set()
    for name in names:
        files = journal.files(name)
        journal.forget_files(file.path for file in files if not file.path.exists())
        known |= {file.path for file in files}
    spool.remove_strangers(known)

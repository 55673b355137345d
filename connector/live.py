"""A source used alone: `pipeline.run(appmetrica_stream(...))` in somebody's own dlt pipeline.

The same fetcher, spool and checks as in the connector's own runs; journal and spool lie in the
working folder of the pipeline. Any dlt destination: where it cannot delete rows, old rows stay and
the ledger says which ones count. A spooled file is deleted by the run after the one that loaded it.
"""

import logging
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import dlt
from dlt.common.destination.exceptions import DestinationUndefinedEntity
from dlt.sources import DltSource

from connector.api import ApiContext, SourceApi
from connector.clock import Clock, RealClock
from connector.day_units import is_file_loaded, is_loaded
from connector.decode import NOBODY, Erased, Options, remove_spills
from connector.errors import ConfigError
from connector.feed import LiveFeed
from connector.fetch import Fetcher
from connector.intake import Intake
from connector.journal import Journal
from connector.resource import build_source
from connector.spool import Spool
from connector.units import LoadedUnit
from connector.warehouse.ledger import read_loaded
from connector.warehouse.person.tombstones import read_tombstones

logger = logging.getLogger("connector")


MakeApi = Callable[[ApiContext], SourceApi]


def live_source(make_api: MakeApi, options: Options, clock: Clock | None = None) -> DltSource:
    """The dlt source that fetches its own units when dlt extracts it.

    A unit that could not be had is logged, recorded in the journal, and left to the next run.
    """
    with closing(make_api(ApiContext())) as api:  # wrong settings are told here
        name = api.source
        tables = [table for table in api.schemas.values() if table.name in api.tables]
    session = _Session(name, make_api, options, clock or RealClock())
    return build_source(name, tables, session.open, is_resumable=True)


class _Session:
    """What one extraction holds open."""

    def __init__(self, name: str, make_api: MakeApi, options: Options, clock: Clock) -> None:
        self._name, self._make_api = name, make_api
        self._options, self._clock = options, clock

    def open(self) -> Intake:
        """Plan against the destination's ledger and start to download."""
        _check_selection(self._name)
        pipeline = dlt.current.pipeline()
        home = Path(pipeline.working_dir) / "connector"
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        spool = Spool(home / "spool")
        remove_spills(spool.folder)
        journal = Journal(home / "journal.db")
        fetcher = Fetcher(journal, spool, self._clock)
        api = self._make_api(
            ApiContext(journal, self._clock, stop=fetcher.closing, warn=logger.warning)
        )
        feed = LiveFeed(api, fetcher, journal, self._clock)
        loaded = _read_ledger(pipeline)
        fetcher.release(
            [one for one in journal.files(self._name) if is_file_loaded(one.unit, loaded)]
        )
        done = [file for file in journal.files(self._name) if is_loaded(file.unit, loaded)]
        plan = api.plan(loaded, self._clock.now())
        due = {unit.id for unit in plan.due}
        fetcher.release([file for file in done if file.unit.id not in due])
        for refusal in plan.refusals.values():
            logger.error("not planned: %s", refusal)
        feed.expect(plan.due)
        capabilities = pipeline.destination.capabilities()
        return Intake(
            feed=feed,
            options=self._options,
            spill_folder=spool.folder,
            now=self._clock.now,
            can_delete="delete-insert" in (capabilities.supported_merge_strategies or ()),
            loaded=loaded,
            erased=_read_erased(pipeline),
            takes_files=capabilities.preferred_loader_file_format == "parquet",
            on_close=lambda: self._close(api, fetcher, feed, journal),
        )

    def _close(self, api: SourceApi, fetcher: Fetcher, feed: LiveFeed, journal: Journal) -> None:
        fetcher.close()
        for failure in feed.failures:
            logger.error("not loaded: %s: %s", failure.unit.id, failure.reason)
        left = len(fetcher.not_started(self._name))
        for error in fetcher.stops(self._name):
            logger.error("downloads stopped, %d units left to the next run: %s", left, error)
        journal.close()
        api.close()


def _check_selection(name: str) -> None:
    """Raise ConfigError where the ledger would not be loaded with the rows."""
    selected = dlt.current.source().selected_resources
    if missing := {"units", "quarantine"} - set(selected):
        raise ConfigError(
            f"{name} was asked for without its resource {min(missing)!r}, which says which rows"
            f" count. To load some tables only, name them: {name}(tables=[...]), or keep"
            " 'units' and 'quarantine' in with_resources()."
        )


def _read_erased(pipeline: dlt.Pipeline) -> Erased:
    if pipeline.first_run:
        return NOBODY
    with pipeline.sql_client() as client:
        return read_tombstones(client)


def _read_ledger(pipeline: dlt.Pipeline) -> dict[str, LoadedUnit]:
    if pipeline.first_run:
        return {}
    try:
        with pipeline.sql_client() as client:
            return read_loaded(client)
    except DestinationUndefinedEntity:
        return {}

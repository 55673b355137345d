"""The warehouse as the loader sees it: dlt pipelines, recovery from killed loads, the file lock."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import dlt
from dlt.common.destination import DestinationCapabilitiesContext
from dlt.common.destination.exceptions import DestinationException, DestinationUndefinedEntity
from dlt.common.normalizers.naming import NamingConvention
from dlt.destinations.impl.duckdb.configuration import DuckDbClientConfiguration
from dlt.pipeline.exceptions import PipelineStepFailed
from dlt.sources import DltSource

from connector.decode import NOBODY, Erased
from connector.errors import BusyError, ConfigError, ConnectorError
from connector.fields import SYSTEM_TYPES, Table, sql_type
from connector.units import LoadedUnit
from connector.warehouse.ledger import read_loaded
from connector.warehouse.person.tombstones import read_tombstones
from connector.warehouse.settings import Settings

if TYPE_CHECKING:
    import duckdb

_LOADER_SETTINGS = {
    "runtime.dlthub_telemetry": False,
    "load.truncate_staging_dataset": True,  # else staging rows stay on disk for ever
    "load.delete_completed_jobs": True,
    "load.workers": 4,
    "load.raise_on_max_retries": 2,
    # memory while loading, whatever the machine has; rows bear their order in `_row`
    "destination.duckdb.credentials.global_config": {
        "memory_limit": "512MB",
        "preserve_insertion_order": False,
    },
}


class _DuckDb(dlt.destinations.duckdb):
    """dlt's own DuckDB. What it can do depends on no setting, yet dlt would read all of its
    settings each time it asks, which is some thirty times a load.
    """

    def capabilities(
        self,
        config: DuckDbClientConfiguration | None = None,
        naming: NamingConvention | None = None,
    ) -> DestinationCapabilitiesContext:
        return super().capabilities(config or self.spec(), naming)

    @property
    def destination_type(self) -> str:
        return "dlt.destinations.duckdb"  # what is written into the state, as anybody can read it


def open_pipeline(settings: Settings, source: str) -> dlt.Pipeline:
    """The dlt pipeline of a source; its working folder lies in home."""
    for key, value in _LOADER_SETTINGS.items():
        dlt.config[key] = value
    destination: Any = settings.destination
    if settings.destination == "duckdb":
        settings.warehouse.parent.mkdir(parents=True, exist_ok=True)
        destination = _DuckDb(str(settings.warehouse))
    pipeline = dlt.pipeline(
        pipeline_name=f"connector_{source}",
        destination=destination,
        dataset_name=source,
        pipelines_dir=str((settings.home / "dlt").absolute()),
    )
    logging.getLogger("dlt").setLevel(logging.ERROR)
    return pipeline


def restore_state(pipeline: dlt.Pipeline) -> None:
    """On a machine that has no state of the pipeline: take the newest one from the warehouse."""
    if pipeline.first_run:
        pipeline.sync_destination()


def can_delete(pipeline: dlt.Pipeline) -> bool:
    """True where the destination replaces rows; False where it only appends."""
    strategies = pipeline.destination.capabilities().supported_merge_strategies
    return "delete-insert" in (strategies or ())


def takes_files(pipeline: dlt.Pipeline) -> bool:
    """True where the destination loads Parquet files."""
    return "parquet" in pipeline.destination.capabilities().supported_loader_file_formats


def read_ledger(pipeline: dlt.Pipeline) -> dict[str, LoadedUnit]:
    """The units that are loaded; none where nothing was ever loaded."""
    try:
        with pipeline.sql_client() as client:
            return read_loaded(client)
    except DestinationUndefinedEntity:
        return {}


def read_erased(pipeline: dlt.Pipeline) -> Erased:
    """The people whose rows are to be left out; nobody where nothing was ever loaded."""
    try:
        with pipeline.sql_client() as client:
            return read_tombstones(client)
    except DestinationUndefinedEntity:
        return NOBODY


def load_package(pipeline: dlt.Pipeline, source: DltSource) -> None:
    """Extract, normalise and load one package; raises unless every job of it is done."""
    options: dict[str, Any] = {"loader_file_format": "parquet"} if takes_files(pipeline) else {}
    pipeline.run(source, **options).raise_on_failed_jobs()


def create_missing_tables(pipeline: dlt.Pipeline, tables: Sequence[Table]) -> None:
    """Tables that nothing was loaded into yet, empty, so that queries find them. On DuckDB only:
    dlt itself creates a table with its first rows, which costs a load job each.
    """
    if pipeline.destination.destination_name != "duckdb":
        return
    with pipeline.sql_client() as client, client.begin_transaction():
        for table in tables:
            types = {field.column: field.sql_type for field in table.fields}
            types |= {name: sql_type(SYSTEM_TYPES[name]) for name in table.system_columns}
            types["_dlt_load_id"] = "VARCHAR"
            columns = ", ".join(f'"{name}" {kind}' for name, kind in types.items())
            client.execute_sql(f'CREATE TABLE IF NOT EXISTS "{table.name}" ({columns})')


def read_cursors(pipeline: dlt.Pipeline, source: str) -> dict[str, str]:
    """The cursor of each table, ISO 8601, from the state that was loaded with the data."""
    resources = pipeline.state.get("sources", {}).get(source, {}).get("resources", {})
    cursors = {}
    for table, state in resources.items():
        for cursor in state.get("incremental", {}).values():
            if (value := cursor.get("last_value")) is not None:
                cursors[table] = value.isoformat() if hasattr(value, "isoformat") else str(value)
    return cursors


@contextmanager
def explain_load_errors(settings: Settings) -> Iterator[None]:
    """Turn what dlt and DuckDB raise while loading into errors that say what to do."""
    try:
        yield
    except PipelineStepFailed as error:
        cause: BaseException = error
        while (deeper := cause.__cause__ or cause.__context__) is not None:
            cause = deeper
        if isinstance(cause, ConnectorError):
            raise cause from error
        _explain(cause, settings)
        raise ConnectorError(
            f"the load step {error.step!r} failed: {type(cause).__name__}: {cause}. Nothing of"
            " this sweep counts as loaded; its files wait in the spool for the next run."
        ) from error
    except DestinationException as error:
        _explain(error, settings)
        raise ConnectorError(
            f"the warehouse {settings.warehouse} cannot be used: {type(error).__name__}: {error}"
        ) from error


def _explain(error: BaseException, settings: Settings) -> None:
    text = str(error)
    if "Could not set lock" in text or "Conflicting lock" in text:
        raise BusyError(
            f"the warehouse {settings.warehouse} is open in another process. DuckDB lets one"
            " process write: close the other one (a shell, a notebook, a dashboard) and run again."
            " Nothing is lost."
        ) from error
    if "not a valid DuckDB database" in text:
        raise ConfigError(
            f"{settings.warehouse} is no DuckDB database (or one of a newer version): name another"
            " file with --warehouse, in .dlt/config.toml as connector.warehouse, or as"
            " CONNECTOR__WAREHOUSE."
        ) from error
    if "No space left" in text or "disk is full" in text.lower():
        raise ConnectorError(
            f"the disk is full: {text.splitlines()[0]}. Free some space and run again; nothing of"
            " this sweep counts as loaded and its files wait in the spool."
        ) from error


def open_warehouse(settings: Settings, *, read_only: bool = False) -> "duckdb.DuckDBPyConnection":
    """A connection to the DuckDB file, in UTC. Close it soon: it keeps other processes out.

    Raises BusyError when another process holds the file, ConfigError when there is none to read.
    """
    import duckdb

    if settings.destination != "duckdb":
        raise ConfigError(
            f"connector.destination is {settings.destination!r}: models, queries and checks run on"
            " DuckDB only in this version; loading works on any dlt destination."
        )
    if read_only and not settings.warehouse.exists():
        raise ConfigError(
            f"there is no warehouse at {settings.warehouse}: run `connector sync` first, or name it"
            " with --warehouse, in .dlt/config.toml as connector.warehouse, or as"
            " CONNECTOR__WAREHOUSE."
        )
    try:
        connection = duckdb.connect(str(settings.warehouse), read_only=read_only)
    except duckdb.IOException as error:
        _explain(error, settings)
        raise ConnectorError(f"cannot open {settings.warehouse}: {error}") from error
    connection.execute("SET TimeZone = 'UTC'")
    return connection

"""Builds the models: into a relation of its own, audited, then swapped in, one transaction each.

Readers see a model as it was or as it is now, never in between. A model that fails leaves its
relation as it was and stops its descendants only. A model whose inputs are as they were is
skipped; a `by_day` model recomputes the days that changed (see changes.py).
"""

import hashlib
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import duckdb
from duckdb import DuckDBPyConnection

from connector.errors import ConnectorError, ModelError, worst_exit_code
from connector.warehouse import changes
from connector.warehouse.audits import run_audits
from connector.warehouse.changes import ALL, RUN, Built
from connector.warehouse.model_file import SCHEMAS, Model
from connector.warehouse.model_set import ModelSet
from connector.warehouse.models import Graph, load_graph, sql_root
from connector.warehouse.proof import find_differences
from connector.warehouse.swap import days_to_build, swap_rows, swap_table, swap_view, transaction
from connector.warehouse.tables import changed_tables

Status = Literal["built", "skipped", "failed"]


@dataclass(frozen=True, slots=True)
class ModelResult:
    """Outcome of one model; `rows` is None for views, `seconds` wall time, `error` "" if none."""

    name: str
    kind: str
    status: Status
    rows: int | None = None
    seconds: float = 0.0
    error: str = ""
    exit_code: int = 0


@dataclass(frozen=True, slots=True)
class ModelReport:
    """Outcome of a run, one result a model in the order they were built."""

    models: tuple[ModelResult, ...]
    seconds: float

    @property
    def exit_code(self) -> int:
        """0, or the worst code of the failed models (5 model, 6 audit)."""
        return worst_exit_code([result.exit_code for result in self.models])

    def to_json(self) -> dict[str, Any]:
        """What `connector model --json` prints."""
        return {
            "ok": self.exit_code == 0,
            "exit_code": self.exit_code,
            "models": {
                result.name: {
                    "kind": result.kind,
                    "status": result.status,
                    "rows": result.rows,
                    "seconds": round(result.seconds, 3),
                    "error": result.error,
                }
                for result in self.models
            },
            "seconds": round(self.seconds, 3),
        }


Progress = Callable[[ModelResult], None]


@dataclass(slots=True)
class _Run:
    """One run over a warehouse: what is there now and what came of each model so far.

    `marks` are of the time the run began; `rebuilt` are the models stored since.
    """

    connection: DuckDBPyConnection
    graph: Graph
    rendered: Mapping[str, str]
    present: dict[str, str]
    built: dict[str, Built]
    full_refresh: bool
    marks: changes.Marks
    rebuilt: set[str] = field(default_factory=set)
    results: dict[str, ModelResult] = field(default_factory=dict)


def run_models(
    connection: DuckDBPyConnection,
    *,
    select: Sequence[str] = (),
    full_refresh: bool = False,
    check: bool = False,
    progress: Progress | None = None,
    root: Path | None = None,
    seeds: Path | None = None,
) -> ModelReport:
    """Builds the models whose inputs changed; `select` takes `NAME` and `NAME+`.

    `seeds` is the user's folder of seeds. `check` afterwards rebuilds all of them from nothing
    beside the warehouse and compares row by row. Sets the connection's time zone to UTC. Raises
    ModelError, UnknownColumnError, CycleError or, for a setting or a seed, ConfigError before
    anything runs; what goes wrong later stands in the report.
    """
    started = time.monotonic()
    known = ModelSet(root or sql_root(), seeds, changed_tables())
    connection.execute("SET TimeZone = 'UTC'")
    changes.create_state(connection)
    built = changes.load_built(connection)
    is_whole = not (select or full_refresh or check)
    if is_whole and built.get(RUN) == Built("run", _stamp(connection, known), None):
        return ModelReport(_skip_all(built), time.monotonic() - started)
    run = _start(connection, load_graph(known), built, full_refresh=full_refresh)
    chosen = _choose(run, select)
    for name in run.graph.models:
        if name in chosen:
            run.results[name] = _build(run, run.graph.models[name])
            if progress:
                progress(run.results[name])
    if check:
        _check(run, chosen)
    report = ModelReport(tuple(run.results.values()), time.monotonic() - started)
    if not select and report.exit_code == 0:
        changes.forget_others(connection, run.graph.models)
        changes.save_built(connection, RUN, Built("run", _stamp(connection, known), None))
    return report


def _skip_all(built: Mapping[str, Built]) -> tuple[ModelResult, ...]:
    return tuple(
        ModelResult(name, known.kind, "skipped", known.rows)
        for name, known in built.items()
        if name != RUN
    )


def _stamp(connection: DuckDBPyConnection, known: ModelSet) -> str:
    """Changes whenever a model, a seed, a raw column, a finished load or a relation does."""
    raw = changes.present_raw(connection)
    loads = changes.finished_loads(connection, raw)
    columns = sorted((name, *sorted(names)) for name, names in raw.items())
    relations = sorted(changes.present_relations(connection).items())
    return _hash(known.fingerprint(), repr((loads, columns, relations)))


def _start(
    connection: DuckDBPyConnection, graph: Graph, built: dict[str, Built], *, full_refresh: bool
) -> _Run:
    rendered = changes.render_models(graph, changes.present_raw(connection))
    with transaction(connection):
        changes.save_raw_parts(connection, graph, rendered)
    present = changes.present_relations(connection)
    marks = changes.load_marks(connection)
    return _Run(connection, graph, rendered, present, built, full_refresh, marks)


def _choose(run: _Run, select: Sequence[str]) -> frozenset[str]:
    """Selected models, and those above them that are views of raw data or not there yet."""
    chosen = run.graph.select(select)
    above = frozenset[str]().union(*(run.graph.ancestors(name) for name in chosen))
    return chosen | {
        name
        for name in above
        if name not in run.present or run.graph.models[name].schema == SCHEMAS["staging"]
    }


def _build(run: _Run, model: Model) -> ModelResult:
    """Builds one model or says why not; never raises for what is wrong with the model."""
    failed = sorted(
        name
        for name in run.graph.ancestors(model.name)
        if name in run.results and run.results[name].status == "failed"
    )
    if failed:
        said = f"not built: {', '.join(failed)} failed"
        return ModelResult(model.name, model.kind, "skipped", error=said)
    started = time.monotonic()
    result = ModelResult(model.name, model.kind, "failed")
    try:
        result = _build_changed(run, model)
    except ConnectorError as error:
        result = replace(result, error=str(error), exit_code=error.exit_code)
    except duckdb.Error as error:
        said = f"{model.name} ({model.path.name}): {error}"
        result = replace(result, error=said, exit_code=ModelError.exit_code)
    return replace(result, seconds=time.monotonic() - started)


def _build_changed(run: _Run, model: Model) -> ModelResult:
    definition = _definition(run.graph, run.rendered, model)
    known = run.built.get(model.name)
    inputs = run.graph.inputs(model.name)
    is_same = (
        known is not None
        and known.definition == definition
        and run.present.get(model.name) == ("table" if model.is_stored else "view")
        and not run.full_refresh
    )
    has_state = model.is_stored or bool(model.audits)
    dirty = frozenset({ALL})
    if is_same:
        dirty = _find_dirty(run, model.name, inputs) if has_state else frozenset()
    if known and not dirty:
        return ModelResult(model.name, model.kind, "skipped", known.rows)
    if model.is_stored:
        built = _store(run, model, definition, inputs, dirty)
    else:
        built = _define(run, model, definition, inputs)
    run.built[model.name] = built
    return ModelResult(model.name, model.kind, "built", built.rows)


def _find_dirty(run: _Run, name: str, inputs: Collection[str]) -> frozenset[str]:
    if run.rebuilt.isdisjoint(inputs) and changes.are_as_read(run.marks, name, inputs):
        return frozenset()  # asked of all models at once: one by one it would be most of a calm run
    return changes.changed_parts(run.connection, name, inputs)


def _store(
    run: _Run, model: Model, definition: str, inputs: Collection[str], dirty: Collection[str]
) -> Built:
    sql = run.rendered[model.name]
    days = days_to_build(model, dirty)
    with transaction(run.connection):
        if days is None:
            present = run.present.get(model.name)
            swap_table(run.connection, run.graph, model, sql, present)
        else:
            swap_rows(run.connection, run.graph, model, sql, days)
        changes.save_inputs(run.connection, model.name, inputs)
        counted = run.connection.execute(f"SELECT count(*) FROM {model.name}").fetchall()
        built = Built(model.kind, definition, counted[0][0])
        changes.save_built(run.connection, model.name, built)
    run.present[model.name] = "table"
    run.rebuilt.add(model.name)
    return built


def _define(run: _Run, model: Model, definition: str, inputs: Collection[str]) -> Built:
    """A view holds no rows back: its audits report, after it is defined."""
    present = run.present.get(model.name)
    swap_view(run.connection, model, run.rendered[model.name], present)
    run.present[model.name] = "view"
    run_audits(run.connection, run.graph, model, model.name)
    built = Built(model.kind, definition, None)
    with transaction(run.connection):
        if model.audits:
            changes.save_inputs(run.connection, model.name, inputs)
        changes.save_built(run.connection, model.name, built)
    return built


def _definition(graph: Graph, rendered: Mapping[str, str], model: Model) -> str:
    """Hash of the model's file, of what is sent, and of the views it reads."""
    views = [
        _definition(graph, rendered, graph.models[read])
        for read in sorted(model.reads)
        if read in graph.models and not graph.models[read].is_stored
    ]
    parts = (model.text, rendered[model.name], *views)
    return _hash(*parts)


def _hash(*parts: str) -> str:
    return hashlib.md5("\n".join(parts).encode(), usedforsecurity=False).hexdigest()


def _check(run: _Run, chosen: Collection[str]) -> None:
    good = [name for name in chosen if not run.results[name].exit_code and name in run.present]
    for error in find_differences(run.connection, run.graph, run.rendered, good):
        run.results[error.model] = replace(
            run.results[error.model],
            status="failed",
            error=str(error),
            exit_code=error.exit_code,
        )

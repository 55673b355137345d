"""The graph of models: what reads what, in which order, checked before anything runs.

Nothing here touches a database. How a model file is written: see model_file.py.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from graphlib import CycleError as GraphCycle
from graphlib import TopologicalSorter
from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING

from connector.errors import ConfigError, CycleError, ModelError, UnknownColumnError
from connector.warehouse.analysis import Column, find_columns
from connector.warehouse.dialect import load_functions, locate, read_tables, relation_name
from connector.warehouse.model_file import Model, parse_audit, parse_model
from connector.warehouse.model_set import ModelSet

if TYPE_CHECKING:
    from sqlglot import exp


@dataclass(frozen=True, slots=True, eq=False)
class Graph:
    """All models in an order they can be built in, the raw relations and the audits by name.

    Two graphs are equal only when they are one: what is worked out from one is kept by it.
    """

    models: Mapping[str, Model]
    raw: Mapping[str, Mapping[str, str]]
    audits: Mapping[str, "exp.Query"] = field(default_factory=dict)

    def inputs(self, name: str) -> frozenset[str]:
        """Stored and raw relations the model's rows come from, views seen through.

        A staging view stands for its raw table alone: which rows are live is part of what is
        known of that table's days.
        """
        found: set[str] = set()
        for read in self.models[name].reads:
            model = self.models.get(read)
            if model is None or model.is_stored:
                found.add(read)
            else:
                found |= self.inputs(read)
        if self.models[name].schema == "stg" and (raw := found & self.own_raw(name)):
            return frozenset(raw)
        return frozenset(found)

    def own_raw(self, name: str) -> frozenset[str]:
        """Raw relations the model itself names, dlt's list of loads left out."""
        raw = {read for read in self.models[name].reads if read in self.raw}
        return frozenset(read for read in raw if not read.endswith("._dlt_loads"))

    def ancestors(self, name: str) -> frozenset[str]:
        """Models that must stand before this one, all the way up."""
        model = self.models[name]
        direct = {read for read in model.reads | model.after if read in self.models}
        return frozenset(direct.union(*(self.ancestors(read) for read in direct)))

    def select(self, patterns: Sequence[str]) -> frozenset[str]:
        """Models of `NAME` and `NAME+` (with all that read them); all models for none.

        NAME is `schema.name` or `name`. Raises ConfigError for a name that is no model.
        """
        if not patterns:
            return frozenset(self.models)
        chosen: set[str] = set()
        for pattern in patterns:
            wanted = pattern.removesuffix("+")
            named = {name for name in self.models if wanted in {name, name.partition(".")[2]}}
            if not named:
                raise ConfigError(
                    f"--select {pattern}: no such model; there are {', '.join(self.models)}"
                )
            chosen |= named
            if pattern.endswith("+"):
                chosen |= {name for name in self.models if named & self.ancestors(name)}
        return frozenset(chosen)


def sql_root() -> Path:
    """Folder of the models: `connector/sql` of an installed package, else the repository's."""
    packaged = files("connector") / "sql"
    if packaged.is_dir():
        with as_file(packaged) as path:
            return path
    return Path(__file__).resolve().parents[2] / "sql"


def load_graph(models: ModelSet | Path | None = None) -> Graph:
    """Reads and checks all models: a set, those of a folder, or by default of `sql_root()`.

    Raises ModelError, UnknownColumnError or CycleError with the model's file, line and column, and
    ConfigError for a seed of the user that is none.
    """
    known = models if isinstance(models, ModelSet) else ModelSet(models or sql_root())
    return _load_graph(known, known.fingerprint())


@lru_cache(maxsize=2)
def _load_graph(known: ModelSet, _fingerprint: str) -> Graph:
    root, raw = known.root, known.raw_schema()
    functions = load_functions(root / "functions.toml")
    queries = {
        path.stem: parse_audit(path, functions) for path in sorted(root.glob("audits/*.sql"))
    }
    found = [parse_model(written, functions, queries) for written in known.texts()]
    models = _sort({model.name: model for model in found})
    schema = {name: dict(columns) for name, columns in raw.items()}
    checked: dict[str, Model] = {}
    for model in models:
        _check_reads(model, schema)
        columns = find_columns(model.query, schema, model.name, model.text)
        _check_shape(model, columns)
        schema[model.name] = {column.name: column.type for column in columns}
        checked[model.name] = replace(model, columns=columns)
    return Graph(models=checked, raw=raw, audits=queries)


def _sort(models: Mapping[str, Model]) -> list[Model]:
    """Models with what they need before them; raises CycleError naming the circle."""
    needs = {
        name: sorted(read for read in model.reads | model.after if read in models)
        for name, model in models.items()
    }
    try:
        return [models[name] for name in TopologicalSorter(needs).static_order()]
    except GraphCycle as error:
        circle = " -> ".join(reversed(error.args[1]))
        raise CycleError(
            f"models read each other in a circle: {circle}", model=error.args[1][0]
        ) from error


def _check_reads(model: Model, schema: Mapping[str, object]) -> None:
    for table in read_tables(model.query):
        if (name := relation_name(table)) not in schema:
            line, column = locate(table, model.text)
            raise UnknownColumnError(
                f"{model.name}:{line}:{column}: there is no relation {name}",
                model=model.name,
                line=line,
                column=column,
            )


def _check_shape(model: Model, columns: Sequence[Column]) -> None:
    names = {column.name for column in columns}
    if missing := [name for name in model.key if name not in names]:
        raise UnknownColumnError(
            f"{model.name}: key {missing} is not among its columns", model=model.name
        )
    if model.kind == "by_day" and not any(
        column.name == "day" and column.type == "DATE" for column in columns
    ):
        raise ModelError(
            f"{model.name}: a by_day model has a column `day` of type DATE", model=model.name
        )

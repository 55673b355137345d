"""Which texts make up the models: those of `sql/`, and the user's in place of some of them.

A CSV in the user's folder of seeds stands in for the packaged one of its name, for nobody can edit
an installed package. Where the settings of a source add columns to its tables, its staging views
are rendered with them.
"""

import csv
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from connector.errors import ConfigError
from connector.fields import Table
from connector.warehouse.model_file import SCHEMAS, ModelText, render_seed
from connector.warehouse.staging import raw_schema, render_staging, source_names


@dataclass(frozen=True, slots=True)
class ModelSet:
    """The models of the folder `root`.

    `seeds` is the user's folder of CSV files (None: there is none), `tables` the tables, by source,
    to which its settings add: other sources have the declared ones.
    """

    root: Path
    seeds: Path | None = None
    tables: tuple[tuple[str, tuple[Table, ...]], ...] = ()

    def fingerprint(self) -> str:
        """Changes whenever something does that says what the models are. Raises ConfigError."""
        digest = hashlib.md5(usedforsecurity=False)
        for path in sorted(self.root.rglob("*")):
            if path.suffix in {".sql", ".toml", ".csv"}:
                digest.update(f"{path.relative_to(self.root)}\n".encode() + path.read_bytes())
        for name, path in find_seeds(self.root, self.seeds).items():
            digest.update(f"seeds of the user: {name}\n".encode() + path.read_bytes())
        digest.update(repr(self.tables).encode())
        return digest.hexdigest()

    def raw_schema(self) -> dict[str, dict[str, str]]:
        """Raw relations of all sources: `source.table` -> column -> DuckDB type."""
        return {
            f"{source}.{table}": columns
            for source in source_names()
            for table, columns in raw_schema(source, self._tables_of(source)).items()
        }

    def texts(self) -> Iterator[ModelText]:
        """Every model's text, folder by folder. Raises ConfigError for a seed that is none."""
        seeds = find_seeds(self.root, self.seeds)
        staging = self._render_staging()
        for folder, schema in SCHEMAS.items():
            pattern = "*.csv" if folder == "seeds" else "*.sql"
            for path in sorted((self.root / folder).glob(pattern)):
                name = f"{schema}.{path.stem}"
                if folder == "seeds":
                    own = seeds.get(path.name, path)
                    yield ModelText(name, own, _read_seed(own, path))
                else:
                    text = staging.get(path.name) if folder == "staging" else None
                    yield ModelText(name, path, text or path.read_text(encoding="utf-8"))

    def _tables_of(self, source: str) -> Mapping[str, Table] | None:
        changed = dict(self.tables).get(source)
        return None if changed is None else {table.name: table for table in changed}

    def _render_staging(self) -> dict[str, str]:
        """File name -> SQL of the staging views that are not as committed."""
        return {
            file: text
            for source, _ in self.tables
            for file, text in render_staging(source, self._tables_of(source)).items()
        }


def find_seeds(root: Path, folder: Path | None) -> dict[str, Path]:
    """The user's seeds by file name; ConfigError where the folder or a packaged seed is missing."""
    if folder is None:
        return {}
    if not folder.is_dir():
        raise ConfigError(
            f"connector.seeds: there is no folder {folder}. Make it, or set connector.seeds to"
            ' another one, or to "" for none, in .dlt/config.toml or as CONNECTOR__SEEDS.'
        )
    packaged = sorted(path.name for path in (root / "seeds").glob("*.csv"))
    found = {path.name: path for path in sorted(folder.glob("*.csv"))}
    if unknown := [name for name in found if name not in packaged]:
        raise ConfigError(
            f"{found[unknown[0]]} stands in for no seed; there is {', '.join(packaged)}."
            " Rename it, or move it out of the folder connector.seeds names."
        )
    return found


def _read_seed(path: Path, packaged: Path) -> str:
    """The model text of a seed, which has all columns of the packaged one and whole lines."""
    lines = _read_lines(path)
    names = lines[0] if lines else []
    wanted = _read_lines(packaged)[0]
    if missing := [name for name in wanted if name not in names]:
        raise ConfigError(
            f"{path} has no column {missing[0]!r}. Its first line names the columns, of which"
            f" there are at least {', '.join(wanted)}."
        )
    for number, cells in enumerate(lines[1:], start=2):
        if cells and len(cells) != len(names):
            raise ConfigError(
                f"{path}: line {number} has {len(cells)} cells, and the first line {len(names)}."
            )
    return render_seed(path.name, names, lines[1:])


def _read_lines(path: Path) -> list[list[str]]:
    # spreadsheets write a mark of UTF-8 in front, which is no part of the first column's name
    with path.open(encoding="utf-8-sig", newline="") as opened:
        return list(csv.reader(opened))

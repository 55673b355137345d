"""The tables of a source as they are known: the declared ones, and what its settings add to them.

A source whose vendor sends what the user names has a function `make_tables(settings)`. Its columns
and their meanings reach the models through here; no credentials are needed.
"""

from collections.abc import Mapping

from connector.fields import Table, load_tables
from connector.sources import import_source, list_sources
from connector.warehouse.settings import read_values

KEYS = ("events", "selectors", "roles", "selector_types", "units")
"""Settings that tables are made from."""


def known_tables(source: str) -> Mapping[str, Table]:
    """The tables of a source by raw table name. Raises ConfigError at a setting that is wrong."""
    make_tables = getattr(import_source(source), "make_tables", None)
    declared = load_tables(source)
    if make_tables is None:
        return declared
    known: Mapping[str, Table] = make_tables(read_values(source, KEYS))
    return declared if known == declared else known


def changed_tables() -> tuple[tuple[str, tuple[Table, ...]], ...]:
    """The sources whose settings add to their tables, each with all its tables."""
    known = {source: known_tables(source) for source in list_sources()}
    return tuple(
        (source, tuple(tables.values()))
        for source, tables in known.items()
        if tables is not load_tables(source)
    )

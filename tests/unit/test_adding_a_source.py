"""The example in docs/adding_a_source.md is one that works."""

import re
import tomllib
from pathlib import Path

from connector.fields import _FIELD_KEYS, Table, arrow_schema, dlt_columns, parse_tables

GUIDE = (Path(__file__).parents[2] / "docs/adding_a_source.md").read_text(encoding="utf-8")
SOURCES = Path(__file__).parents[2] / "connector/sources"


def read_example() -> Table:
    """The table of the guide's fields.toml."""
    (block,) = re.findall(r"```toml\n(.*?)```", GUIDE, re.DOTALL)
    return parse_tables(tomllib.loads(block), "acme")["installs"]


def test_example_is_a_field_table() -> None:
    table = read_example()
    assert [field.column for field in table.fields] == [
        "ts_event",
        "ts_insert",
        "price",
        "currency",
        "device_id",
    ]
    assert (table.axis, table.cursor, table.event_time) == ("hour", "tsInsert", "tsEvent")


def test_example_gets_hints_and_a_schema() -> None:
    table = read_example()
    assert list(dlt_columns(table)) == arrow_schema(table).names


def test_guide_names_every_key_of_a_field() -> None:
    assert set(re.findall(r"^\| `(\w+)` \|", GUIDE, re.MULTILINE)) == _FIELD_KEYS


def test_every_source_is_the_four_files_the_guide_names() -> None:
    named = set(re.findall(r"^ {6}([\w.]+) {2,}", GUIDE, re.MULTILINE))
    assert named == {"fields.toml", "api.py", "__init__.py", "README.md"}
    for folder in (path.parent for path in SOURCES.glob("*/__init__.py")):
        assert named <= {path.name for path in folder.iterdir()}, folder.name

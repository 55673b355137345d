"""Fixtures of the warehouse's tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from duckdb import DuckDBPyConnection

from tests.unit.warehouse.raw_warehouse import copy_warehouse


@pytest.fixture
def warehouse(tmp_path: Path) -> Iterator[DuckDBPyConnection]:
    """The raw tables of all sources, empty, and all models built over them."""
    with copy_warehouse(tmp_path / "warehouse.duckdb") as connection:
        yield connection

"""The destination of the loader is dlt's own DuckDB in all but the time it takes."""

import dlt
import pytest
from dlt.common.normalizers.naming import NamingConvention
from dlt.common.normalizers.naming.direct import NamingConvention as Direct

from connector.warehouse.store import _DuckDb


@pytest.mark.parametrize("naming", [None, Direct()], ids=["unnamed", "as written"])
def test_our_duckdb_can_do_what_dlts_can(naming: NamingConvention | None) -> None:
    ours, theirs = _DuckDb("w.duckdb"), dlt.destinations.duckdb("w.duckdb")
    assert dict(ours.capabilities(naming=naming)) == dict(theirs.capabilities(naming=naming))


def test_our_duckdb_goes_by_the_name_of_dlts() -> None:
    ours, theirs = _DuckDb("w.duckdb"), dlt.destinations.duckdb("w.duckdb")
    assert ours.destination_type == theirs.destination_type
    assert ours.destination_name == theirs.destination_name
    assert ours.config_params == theirs.config_params

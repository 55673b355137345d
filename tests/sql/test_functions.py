"""House functions: each is found in a model by its name, for it is no word of the engine's own."""

import pytest
import sqlglot
from sqlglot import exp

from connector.warehouse.dialect import DIALECT, load_functions
from connector.warehouse.models import sql_root

FUNCTIONS = load_functions(sql_root() / "functions.toml")


@pytest.mark.parametrize("name", FUNCTIONS)
def test_name_is_not_taken_by_a_function_of_sql(name: str) -> None:
    call = sqlglot.parse_one(f"SELECT {name}(a, b)", read=DIALECT).find(exp.Anonymous)
    assert call is not None
    assert call.name == name

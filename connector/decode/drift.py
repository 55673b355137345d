"""Columns for the fields a file has and its table does not know."""

from collections.abc import Iterable

from connector.fields import SYSTEM_TYPES, Table
from connector.naming import to_snake_case


class DriftNames:
    """Names the raw columns of one file's unknown fields, the same way in every batch."""

    def __init__(self, table: Table) -> None:
        self._taken = {known.column for known in table.fields} | SYSTEM_TYPES.keys()
        self._columns: dict[str, str] = {}

    def name_columns(self, names: Iterable[str]) -> dict[str, str]:
        """Raw column -> vendor name. A column that is taken, or dlt's own, gets `x_` in front."""
        for name in names:
            if name not in self._columns:
                self._columns[name] = self._find_free(to_snake_case(name) or "unnamed")
        return {self._columns[name]: name for name in names}

    def _find_free(self, column: str) -> str:
        while column in self._taken or column.startswith("_dlt"):
            column = to_snake_case(f"x_{column}")
        self._taken.add(column)
        return column

"""What the models say about themselves: comments in the warehouse, docs page, first report."""

from duckdb import DuckDBPyConnection

from connector.warehouse.model_file import Model


def comment_on(connection: DuckDBPyConnection, model: Model) -> None:
    """Writes the model's sentence and its columns' trailing comments into the warehouse."""
    kind = "TABLE" if model.is_stored else "VIEW"
    connection.execute(f"COMMENT ON {kind} {model.name} IS {_literal(model.doc)}")
    for column in model.columns:
        if column.doc:
            connection.execute(
                f'COMMENT ON COLUMN {model.name}."{column.name}" IS {_literal(column.doc)}'
            )


def _literal(text: str) -> str:
    return "'{}'".format(text.replace("'", "''"))

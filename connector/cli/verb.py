"""`verb`: a typer command with the options every command has, given a `Session`."""

import inspect
from collections.abc import Callable
from inspect import Parameter, Signature
from pathlib import Path
from typing import Annotated, Any

import typer

from connector.cli.session import Session

PANEL = "Common options"

Json = Annotated[
    bool,
    typer.Option("--json", help="One JSON object on standard output.", rich_help_panel=PANEL),
]
Quiet = Annotated[
    bool,
    typer.Option("--quiet", help="No progress and no notes.", rich_help_panel=PANEL),
]
Warehouse = Annotated[
    Path | None,
    typer.Option(
        metavar="PATH", help="DuckDB file; overrides connector.warehouse.", rich_help_panel=PANEL
    ),
]
Home = Annotated[
    Path | None,
    typer.Option(
        metavar="PATH",
        help="Folder of journal and spool; overrides connector.home.",
        rich_help_panel=PANEL,
    ),
]
COMMON = {"json": (Json, False), "quiet": (Quiet, False), "warehouse": (Warehouse, None)}
COMMON |= {"home": (Home, None)}

Command = Callable[..., int | None]


def verb(app: typer.Typer, name: str) -> Callable[[Command], Command]:
    """Register a function of a `Session` and its own options; what it returns is the exit code."""

    def register(function: Command) -> Command:
        def call(**values: Any) -> None:
            context: typer.Context = values.pop("context")
            session: Session = context.find_root().obj
            take_common(session, values)
            with session.opened():
                raise typer.Exit(function(session, **values) or 0)

        signature = inspect.signature(function, eval_str=True)
        own = [item for key, item in signature.parameters.items() if key != "session"]
        kind = Parameter.KEYWORD_ONLY
        asked = [Parameter("context", kind, annotation=typer.Context)]
        asked += [item.replace(kind=kind) for item in own]
        asked += [
            Parameter(key, kind, annotation=annotation, default=default)
            for key, (annotation, default) in COMMON.items()
        ]
        call.__signature__ = Signature(asked)  # type: ignore[attr-defined]
        call.__annotations__ = {item.name: item.annotation for item in asked}
        call.__doc__ = function.__doc__
        app.command(name)(call)
        return function

    return register


def take_common(session: Session, values: dict[str, Any]) -> None:
    """Move the common options out of `values` into the session."""
    session.take(
        is_json=values.pop("json"),
        is_quiet=values.pop("quiet"),
        warehouse=values.pop("warehouse"),
        home=values.pop("home"),
    )

"""The typer app: the top group, its options, and every verb."""

from typing import Annotated

import typer

from connector import __version__
from connector.cli import (
    demo,
    docs,
    doctor,
    jobs,
    load,
    look,
    model,
    person,
    quarantine,
    query,
    sandbox,
    state,
    stream_settings,
    webhook,
)
from connector.cli.entrance import Entrance
from connector.cli.verb import Home, Json, Quiet, Warehouse, take_common

app = typer.Typer(
    name="connector",
    cls=Entrance,
    add_completion=False,
    pretty_exceptions_enable=False,
    invoke_without_command=True,
    help="App analytics into your own warehouse: exact to the row, modelled by SQL.",
    epilog="Settings: .dlt/config.toml, .dlt/secrets.toml or the environment. First steps:"
    " `connector demo` needs no account.",
)


@app.callback()
def start(
    context: typer.Context,
    *,
    json: Json = False,
    quiet: Quiet = False,
    warehouse: Warehouse = None,
    home: Home = None,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """Take the options that stand before the verb; without a verb, print help."""
    session = context.obj
    take_common(session, {"json": json, "quiet": quiet, "warehouse": warehouse, "home": home})
    if version:
        session.answer({"version": __version__}, f"connector {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        text = context.get_help()
        if session.is_json:
            session.answer({"help": text})
        else:
            session.write(text + "\n")


for part in (
    load,
    model,
    look,
    query,
    state,
    quarantine,
    jobs,
    person,
    stream_settings,
    webhook,
    sandbox,
    demo,
    doctor,
    docs,
):
    part.add_to(app)

"""`connector webhook`: the receiver of ShortKit's scheduled exports, until it is stopped."""

import json
import sys
from typing import Annotated, Any

import typer

from connector.cli.session import Session
from connector.cli.verb import verb


def add_to(app: typer.Typer) -> None:
    """Register the command of this file."""
    verb(app, "webhook")(webhook)


def webhook(
    session: Session,
    *,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any free one.")] = 8787,
    path: Annotated[
        str, typer.Option(help="Path of deliveries; all others are 404.")
    ] = "/shortkit",
    worker: Annotated[
        bool, typer.Option("--worker", help="Run `connector run shortkit` after deliveries.")
    ] = False,
) -> int:
    """Receive ShortKit's scheduled exports until Ctrl-C; the next run downloads them.

    Plain HTTP, for a proxy that speaks TLS. With --json the first line is {"url"}. See
    docs/webhook.md.
    """
    from connector.warehouse.settings import select_sources
    from connector.webhook import SOURCE, Place, read_reception, serve

    reception = read_reception(_read_values())
    if worker:
        select_sources([SOURCE])  # says which credential a run would miss
    place = Place(host, port, path, session.settings().home)

    def ready(url: str) -> None:
        session.has_answered = True
        session.write(json.dumps({"url": url}) + "\n" if session.is_json else f"{url}\n")
        below = "/<webhook_secret>" if reception.recipe == "D" else ""
        session.note(f"deliveries are received at {url}{below}; Ctrl-C ends it")

    serve(reception, place, ready=ready, command=_name_run(session) if worker else ())
    return 0


def _read_values() -> dict[str, Any]:
    import dlt

    from connector.warehouse.settings import read_values
    from connector.webhook import KEYS, SOURCE

    secret: Any = dlt.secrets.get(f"sources.{SOURCE}.webhook_secret")
    return read_values(SOURCE, KEYS) | {"webhook_secret": secret}


def _name_run(session: Session) -> tuple[str, ...]:
    """The run of the worker, with this call's options."""
    from connector.webhook import SOURCE

    words = [sys.executable, "-m", "connector", "run", SOURCE, "--quiet"]
    for option, value in (("--warehouse", session.warehouse), ("--home", session.home)):
        words += [option, str(value)] if value else []
    return tuple(words)

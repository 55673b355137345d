"""`connector sandbox`: the local emulator of the vendors, until it is stopped."""

import json
import shlex
from pathlib import Path
from typing import Annotated, Any

import typer

from connector.cli.session import Session
from connector.cli.verb import verb


def add_to(app: typer.Typer) -> None:
    """Register the command of this file."""
    verb(app, "sandbox")(sandbox)


def sandbox(
    session: Session,
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any free one.")] = 0,
    scenario: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Scenario (TOML); the demo's if left out.", show_default=False
        ),
    ] = None,
) -> int:
    """Emulate the vendors on loopback until Ctrl-C; prints the environment that points there.

    With --json the first line is {"url", "storage_url", "env"}. See docs/sandbox.md.
    """
    from connector.sandbox import serve

    def ready(described: dict[str, Any]) -> None:
        if session.is_json:
            session.has_answered = True
            session.write(json.dumps(described) + "\n")
            return
        lines = [f"export {key}={shlex.quote(value)}" for key, value in described["env"].items()]
        session.write("\n".join(lines) + "\n")
        session.note(f"the sandbox listens on {described['url']}; Ctrl-C ends it")

    serve(scenario, port, ready=ready)
    return 0

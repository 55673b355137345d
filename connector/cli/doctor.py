"""`connector doctor`: whether everything is set up and the credentials work."""

from dataclasses import asdict

import typer
from rich.text import Text

from connector.cli.redaction import hide_secrets
from connector.cli.session import Session
from connector.cli.verb import verb

SIGNS = {
    "ok": ("ok", "green"),
    "warning": ("note", "yellow"),
    "failed": ("FAILED", "bold red"),
    "off": ("off", "dim"),
}


def add_to(app: typer.Typer) -> None:
    """Register the command of this file."""
    verb(app, "doctor")(doctor)


def doctor(session: Session) -> int:
    """Check settings, folders, disk, credentials (one read call a source), apps and versions.

    Exits with the worst of what it found: 2 for a setting, 3 where the vendor refuses, 4 where it
    does not answer.
    """
    from connector.errors import worst_exit_code
    from connector.warehouse.checkup import check_all

    checks = list(check_all(session.settings(), find_credential))
    exit_code = worst_exit_code([check.exit_code for check in checks])
    shown = []
    for check in checks:
        if session.is_quiet and check.outcome != "failed":
            continue
        sign, style = SIGNS[check.outcome]
        line = Text.assemble((f"{sign:<7}", style), (f"{check.name}: ", "bold"))
        shown.append(line.append(hide_secrets(check.text)))
    values = {"checks": [asdict(check) | {"text": hide_secrets(check.text)} for check in checks]}
    return session.answer(values, *shown, exit_code=exit_code)


def find_credential(source: str, key: str) -> str:
    """Where a credential is read from; never its value."""
    import dlt

    for provider in dlt.secrets.config_providers:
        value, _ = provider.get_value(key, str, "", "sources", source)
        if value:
            return provider.name
    return "nowhere"

"""Options that several commands share, and how their texts are read."""

from datetime import UTC, datetime
from typing import Annotated

import typer

Sources = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="SOURCE", help="Sources; all configured ones if left out.", show_default=False
    ),
]
Tables = Annotated[
    list[str] | None,
    typer.Option(
        "--table", metavar="TABLE", help="Only this table; may be repeated.", show_default=False
    ),
]
Since = Annotated[
    str | None,
    typer.Option(
        metavar="ISO", help="From this moment on; UTC if it names no zone.", show_default=False
    ),
]
Until = Annotated[
    str | None,
    typer.Option(metavar="ISO", help="Up to this moment, not included.", show_default=False),
]
MaxUnits = Annotated[
    int | None,
    typer.Option(min=0, metavar="N", help="Fetch at most this many units.", show_default=False),
]
MaxBytes = Annotated[
    int | None,
    typer.Option(
        min=0, metavar="N", help="Fetch at most about this many bytes.", show_default=False
    ),
]
MaxWait = Annotated[
    float,
    typer.Option(min=0, metavar="SECONDS", help="Longest wait for the vendors' queues; 0: none."),
]
Yes = Annotated[bool, typer.Option("--yes", help="Do it without asking.")]


def read_moment(text: str | None, option: str) -> datetime | None:
    """An ISO 8601 date or moment as aware UTC; ConfigError names the option if it is none."""
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        from connector.errors import ConfigError

        raise ConfigError(
            f"{option} {text!r} is not ISO 8601: write 2026-01-31 or 2026-01-31T15:00:00+03:00"
        ) from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)

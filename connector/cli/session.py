"""What a command has at hand: the options all commands share, its answer, its voice."""

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, redirect_stdout
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from connector.cli.redaction import hide_secrets
from connector.cli.tables import fit_table

if TYPE_CHECKING:
    from connector.warehouse.settings import Settings

PLAIN_WIDTH = 160  # of tables that go to a file or a pipe


@dataclass(slots=True)
class Session:
    """One call of the command line.

    `is_json`: the answer is one JSON object and nothing else goes to standard output. `is_quiet`:
    no progress, no notes, no summary of what went well.
    """

    is_json: bool = False
    is_quiet: bool = False
    warehouse: Path | None = None
    home: Path | None = None
    has_answered: bool = False
    stdout: TextIO = field(default_factory=lambda: sys.stdout)

    def take(
        self, *, is_json: bool, is_quiet: bool, warehouse: Path | None, home: Path | None
    ) -> None:
        """Add what was given before or after the verb; what stands after it wins."""
        self.is_json |= is_json
        self.is_quiet |= is_quiet
        self.warehouse = warehouse or self.warehouse
        self.home = home or self.home

    def settings(self) -> "Settings":
        """The `[connector]` section, with this call's `--warehouse` and `--home`."""
        from connector.warehouse.settings import read_settings

        return read_settings(warehouse=self.warehouse, home=self.home)

    @contextmanager
    def opened(self) -> Iterator[None]:
        """While a command runs: logs go to standard error, and prints too where JSON is due."""
        from connector.cli.logs import logging_to_stderr

        with ExitStack() as stack:
            stack.enter_context(logging_to_stderr(is_quiet=self.is_quiet))
            if self.is_json:
                stack.enter_context(redirect_stdout(sys.stderr))
            yield

    def answer(self, values: Mapping[str, Any], *shown: RenderableType, exit_code: int = 0) -> int:
        """Give the answer: `values` as JSON, or what is `shown`; returns `exit_code`."""
        self.has_answered = True
        if self.is_json:
            whole = {**values, "ok": exit_code == 0, "exit_code": exit_code}
            heads = ("ok", "exit_code")
            ordered = {key: whole[key] for key in (*heads, *(k for k in whole if k not in heads))}
            self.write(json.dumps(ordered, default=to_plain) + "\n")
        else:
            for item in shown:
                print_whole(self.console(), item)
        return exit_code

    def write(self, text: str) -> None:
        """Text for standard output, exactly as it is."""
        self.stdout.write(text)
        self.stdout.flush()

    def note(self, text: str) -> None:
        """A sentence for the reader, on standard error; not with `--quiet`."""
        if not self.is_quiet:
            self.console(stderr=True).print(hide_secrets(text), soft_wrap=True)

    def fail(self, text: str, exit_code: int) -> int:
        """An error: one text on standard error, and as JSON where JSON is due."""
        text = hide_secrets(text)
        self.console(stderr=True).print(f"error: {text}", soft_wrap=True)
        if self.is_json and not self.has_answered:
            return self.answer({"error": text}, exit_code=exit_code)
        return exit_code

    def console(self, *, stderr: bool = False) -> Console:
        """A rich console that prints texts as they are."""
        file = sys.stderr if stderr else self.stdout
        console = Console(file=file, highlight=False, markup=False, emoji=False)
        if not console.is_terminal:
            console.width = max(console.width, PLAIN_WIDTH)
        return console

    @property
    def has_terminal(self) -> bool:
        """True where a progress bar can be drawn and a question be asked."""
        return sys.stderr.isatty()

    def confirm(self, question: str) -> bool:
        """Ask on the terminal; False where there is nobody to ask."""
        if self.is_json or not sys.stdin.isatty() or not sys.stderr.isatty():
            return False
        self.console(stderr=True).print(f"{question} [y/N] ", end="")
        return sys.stdin.readline().strip().lower() in {"y", "yes"}


def print_whole(console: Console, item: RenderableType) -> None:
    """Print without losing anything: texts are left to the terminal to wrap, and a table that is
    too wide even with its texts folded is printed as wide as it must be.
    """
    if isinstance(item, Table):
        console.width = max(console.width, fit_table(item, console.width - 1))
    console.print(item, soft_wrap=isinstance(item, str | Text))


def to_plain(value: Any) -> Any:
    """What JSON has no word for: times as ISO 8601, decimals and the rest as exact text."""
    match value:
        case datetime() | date():
            return value.isoformat()
        case timedelta():
            return value.total_seconds()
        case Decimal() | Path():
            return str(value)
        case bytes():
            return value.decode("utf-8", "backslashreplace")
        case set() | frozenset() | tuple():
            return sorted(value) if isinstance(value, set | frozenset) else list(value)
        case _:
            return str(value)

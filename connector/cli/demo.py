"""`connector demo`: the whole way of the data on this machine, offline, without an account."""

import os
import shlex
import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

import typer
from rich.console import RenderableType
from rich.panel import Panel
from rich.rule import Rule

from connector.cli.load import load, refine, show_models, show_run
from connector.cli.session import Session
from connector.cli.tables import make_table, show_span
from connector.cli.verb import verb

if TYPE_CHECKING:
    from connector.sandbox import Sandbox
    from connector.warehouse.settings import Settings

WAREHOUSE = Path("demo/warehouse.duckdb")
SHELL = "demo.sh"  # in the home: what later commands need in their environment
MODEL_SETTINGS = ("SOURCES__MYTRACKER__SELECTORS", "SOURCES__MYTRACKER__ROLES")
MARKER = "demo"  # a file in the home of a demo: only such a home and its warehouse are replaced
HISTORY_DAYS = 1.5  # so much of the sandbox's history: half a minute instead of two


def add_to(app: typer.Typer) -> None:
    """Register the command of this file."""
    verb(app, "demo")(demo)


def demo(session: Session) -> int:
    """Start the sandbox, sync, model, verify and print a first report: offline, no account needed.

    Writes demo/warehouse.duckdb (or --warehouse), fresh each time.
    """
    from connector.errors import worst_exit_code
    from connector.warehouse.pipeline import SyncRequest, read_settings

    warehouse = session.warehouse or WAREHOUSE
    home = session.home or warehouse.parent / "home"
    started = monotonic()
    _clear(warehouse, home)
    with _sandbox(session) as running:
        settings = read_settings(warehouse=warehouse, home=home)
        settings = replace(
            settings, destination="duckdb", publish="", seeds=_write_seeds(home, running.app_map)
        )
        shell = _write_shell(settings)
        report = load(session, settings, _name_sources(running), SyncRequest())
        models, checked = refine(session, settings)
    seconds = round(monotonic() - started, 1)
    exit_code = worst_exit_code([report.exit_code, models.exit_code, checked.exit_code])
    values: dict[str, Any] = {
        **report.to_json(),
        "models": models.to_json()["models"],
        "verify": checked.to_json(),
        "warehouse": warehouse,
        "seconds": seconds,
    }
    shown = [*show_run(report), *show_models(models), checked.sentence]
    if not session.is_json:
        shown += [Rule(style="dim"), *_show_report(settings)]
        shown.append(_show_next(warehouse, shell, seconds))
    return session.answer(values, *shown, exit_code=exit_code)


def _clear(warehouse: Path, home: Path) -> None:
    """Remove what an earlier demo left; ConfigError where something else is in the way."""
    from connector.errors import ConfigError

    is_demo = (home / MARKER).exists()
    for path in (warehouse, home):
        if path.exists() and not is_demo:
            raise ConfigError(
                f"{path} is there and no demo made it, so the demo leaves it alone: name another"
                " place with --warehouse and --home"
            )
    for path in (warehouse, warehouse.with_name(f"{warehouse.name}.wal")):
        path.unlink(missing_ok=True)
    shutil.rmtree(home, ignore_errors=True)
    warehouse.parent.mkdir(parents=True, exist_ok=True)
    home.mkdir(mode=0o700, parents=True)
    (home / MARKER).touch()


def _write_seeds(home: Path, app_map: str) -> Path:
    """The demo's folder of seeds."""
    seeds = home / "seeds"
    seeds.mkdir()
    (seeds / "app_map.csv").write_text(app_map, encoding="utf-8")
    return seeds


def _write_shell(settings: "Settings") -> Path:
    """A file for the shell: with it later commands find this warehouse, and build its models alike.
    There is no credential in it.
    """
    values = {
        "CONNECTOR__WAREHOUSE": str(settings.warehouse),
        "CONNECTOR__HOME": str(settings.home),
        "CONNECTOR__SEEDS": str(settings.seeds),
    } | {name: os.environ[name] for name in MODEL_SETTINGS}
    path = settings.home / SHELL
    lines = [f"export {name}={shlex.quote(value)}\n" for name, value in values.items()]
    path.write_text("".join(lines), encoding="utf-8")
    return path


def _name_sources(running: "Sandbox") -> list[str]:
    """The sources that the sandbox plays."""
    from connector.sources import list_sources

    return [
        name
        for name in list_sources()
        if any(key.startswith(f"SOURCES__{name.upper()}__") for key in running.env)
    ]


@contextmanager
def _sandbox(session: Session) -> Iterator["Sandbox"]:
    """A running sandbox, the sources pointed at it."""
    from connector.sandbox import Sandbox, default_scenario

    scenario = replace(default_scenario(), history_days=HISTORY_DAYS)
    before = dict(os.environ)
    with Sandbox(scenario) as running:
        session.note(f"a sandbox plays the vendors at {running.url}: nothing leaves this machine")
        os.environ.update(running.env)
        try:
            yield running
        finally:
            os.environ.clear()
            os.environ.update(before)


def _show_report(settings: "Settings") -> list[RenderableType]:
    from connector.warehouse.first_report import report_tables
    from connector.warehouse.store import open_warehouse

    with closing(open_warehouse(settings, read_only=True)) as connection:
        return [
            make_table(table.title, table.columns, table.rows, right=_numeric(table))
            for table in report_tables(connection)
        ]


def _numeric(table: Any) -> list[str]:
    """Columns that hold numbers, by the first row that has a value there."""
    return [
        name
        for place, name in enumerate(table.columns)
        if any(
            isinstance(row[place], int | float) and not isinstance(row[place], bool)
            for row in table.rows
        )
    ]


def _show_next(warehouse: Path, shell: Path, seconds: float) -> RenderableType:
    """The commands to try next."""
    lines = [
        f". {shell}",
        'connector query "SELECT * FROM mart.app_daily ORDER BY day DESC"',
        'connector query "SHOW ALL TABLES"',
        "connector status",
        "connector verify",
        "connector model --check",
        "connector doctor   # set your own credentials, and: connector run",
    ]
    title = f"done in {show_span(seconds)}; all of it is in {warehouse}. Try next:"
    return Panel("\n".join(lines), title=title, title_align="left", expand=False)

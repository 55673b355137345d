"""`connector jobs`: what the vendors are preparing for us, and taking it back."""

from contextlib import ExitStack, closing, contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from connector.cli.options import Sources
from connector.cli.session import Session
from connector.cli.tables import make_table, show_moment
from connector.cli.verb import verb

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType

    from connector.api import SourceApi
    from connector.jobs import RemoteJob

Ids = Annotated[
    list[str] | None,
    typer.Argument(metavar="[ID]...", help="Ids of units, or of jobs at the vendor."),
]

group = typer.Typer(
    name="jobs", no_args_is_help=True, help="Exports that vendors are preparing: list, take back."
)


def add_to(app: typer.Typer) -> None:
    """Register the commands of this file."""
    app.add_typer(group)


@verb(group, "list")
def list_jobs(session: Session, sources: Sources = None) -> int:
    """Exports in work, those of others in the same queues too. Asks the vendors."""
    with _open_apis(session, sources) as apis:
        jobs = [job for api in apis for job in api.list_jobs()]
    return session.answer({"jobs": [asdict(job) for job in jobs]}, _show(jobs))


def _show(jobs: "list[RemoteJob]") -> "RenderableType":
    if not jobs:
        return "no vendor is preparing anything"
    heads = ("source", "app", "table", "unit", "job", "progress", "asked (UTC)")
    rows = [
        (
            job.source,
            job.application_id,
            job.table,
            job.unit or "(not ours)",
            job.id or "(not in the queue)",
            "" if job.progress is None else f"{job.progress:.0%}",
            show_moment(job.asked_at),
        )
        for job in jobs
    ]
    return make_table("Jobs", heads, rows)


@verb(group, "cancel")
def cancel(
    session: Session,
    *,
    ids: Ids = None,
    every: Annotated[bool, typer.Option("--all", help="All that are ours.")] = False,
) -> int:
    """Take exports back: those named, or all of ours. The next sync asks for what it still needs."""
    from connector.errors import ConfigError

    wanted = set(ids or ())
    if not wanted and not every:
        raise ConfigError("say which: ids as `connector jobs list` shows them, or --all")
    with _open_apis(session, None) as apis:
        listed = [(api, job) for api in apis for job in api.list_jobs()]
        chosen = [
            (api, job)
            for api, job in listed
            if {job.unit, job.id} & wanted - {""} or (every and job.unit)
        ]
        known = {name for _, job in chosen for name in (job.unit, job.id)}
        if unknown := sorted(wanted - known):
            raise ConfigError(
                f"no job or unit {unknown[0]!r} is in work: see `connector jobs list`"
            )
        done = [asdict(job) | {"was_there": api.cancel_job(job)} for api, job in chosen]
    return session.answer({"cancelled": done}, f"{len(done)} jobs taken back")


@contextmanager
def _open_apis(session: Session, sources: list[str] | None) -> "Iterator[list[SourceApi]]":
    """The APIs of the configured sources, over the journal of this home."""
    from connector.clock import RealClock
    from connector.warehouse.home import hold_home
    from connector.warehouse.planning import open_counted_api
    from connector.warehouse.settings import select_sources

    with hold_home(session.settings()) as journal, ExitStack() as stack:
        yield [
            stack.enter_context(closing(open_counted_api(name, journal, RealClock())))
            for name in select_sources(sources or ())
        ]

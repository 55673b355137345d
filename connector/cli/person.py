"""`connector person`: what is held of one person, its erasure, and the proof that nothing is left."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import RenderableType

from connector.cli.options import MaxWait, Yes
from connector.cli.session import Session
from connector.cli.tables import make_table
from connector.cli.verb import verb

if TYPE_CHECKING:
    from connector.warehouse.person.certificate import Certificate
    from connector.warehouse.person.erasing import DryRun
    from connector.warehouse.person.verifying import PersonCheck

SHOWN_ENDS = 2  # letters of a masked id, at either end

group = typer.Typer(
    name="person",
    no_args_is_help=True,
    help="What a person may ask: their data, and its erasure, over all sources.",
)

UserId = Annotated[
    str,
    typer.Argument(
        metavar="USER_ID",
        help="The app's own id of the user: ShortKit's userId, AppMetrica's profile_id, MyTracker's"
        " customUserId.",
        show_default=False,
    ),
]


def add_to(app: typer.Typer) -> None:
    """Register the commands of this file."""
    app.add_typer(group)


@verb(group, "export")
def export(
    session: Session,
    *,
    user_id: UserId,
    output: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.zip", help="Where to; in this folder if left out.", show_default=False
        ),
    ] = None,
    max_wait: MaxWait = 3600.0,
) -> int:
    """Write all that is held of a person into a zip: the vendor's export and every row of ours."""
    from connector.warehouse.person.exporting import export_person

    done = export_person(session.settings(), user_id, output, max_wait_s=max_wait)
    rows = [(entry.name, entry.rows, entry.bytes) for entry in done.entries]
    shown: list[RenderableType] = []
    if not session.is_quiet:
        shown.append(make_table("Files", ("file", "rows", "bytes"), rows, right=("rows", "bytes")))
    shown += [f"not reached: {text}" for text in done.not_reached]
    said = f"written: {done.path} ({done.rows:,} rows); it holds personal data"
    return session.answer(done.to_json(), *shown, said)


@verb(group, "erase")
def erase(
    session: Session,
    *,
    user_id: UserId,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Count what is held, and change nothing.")
    ] = False,
    yes: Yes = False,
    max_wait: MaxWait = 3600.0,
) -> int:
    """Erase a person at the vendor, in every table and in every file; it cannot be undone.

    A call that ends early goes on where it was when it is given again. Exit 6 if a search afterwards
    still finds something.
    """
    from connector.warehouse.person.erasing import erase_person, preview_erasure

    settings = session.settings()
    found = preview_erasure(settings, user_id)
    if dry_run:
        return session.answer(_to_json(found), *_show_dry_run(found))
    _ask(session, found, is_sure=yes)
    done = erase_person(settings, user_id, max_wait_s=max_wait, tell=session.note)
    shown = [] if session.is_quiet and not done.left else _show_certificate(done)
    values = done.to_json() | {"certificate": str(done.path)}
    return session.answer(values, *shown, exit_code=6 if done.left else 0)


def _ask(session: Session, found: "DryRun", *, is_sure: bool) -> None:
    """Ask where there is a terminal; ConfigError where the answer is no, or nobody is there."""
    from connector.errors import ConfigError

    rows = sum(item.rows for item in found.held)
    question = f"Erase this person for good, {rows:,} rows here and all that the vendor holds?"
    if not is_sure and not session.confirm(question):
        raise ConfigError(
            "nothing was erased: say --yes to do it, or --dry-run to see what there is"
        )


def _to_json(found: "DryRun") -> dict[str, Any]:
    return {
        "dry_run": True,
        "rows": sum(item.rows for item in found.held),
        "tables": {f"{item.dataset}.{item.table}": item.rows for item in found.held},
        "devices": [
            {"kind": kind, "id": mask_id(value), "is_shared": value in found.person.shared}
            for kind, value in found.person.pairs()
            if not kind.endswith("user")
        ],
        "models": list(found.models),
    }


def mask_id(value: str) -> str:
    """An id that somebody who has it knows again, and nobody else can read."""
    if len(value) <= 3 * SHOWN_ENDS:
        return "***"
    return f"{value[:SHOWN_ENDS]}***{value[-SHOWN_ENDS:]}"


def _show_dry_run(found: "DryRun") -> list[RenderableType]:
    told = _to_json(found)
    held = [(name, rows) for name, rows in told["tables"].items()]
    devices = [
        (item["kind"], item["id"], "other users, too" if item["is_shared"] else "")
        for item in told["devices"]
    ]
    shown: list[RenderableType] = [
        make_table("Held of the person", ("table", "rows"), held, right=("rows",)),
        make_table("Devices", ("kind", "id", "carried by"), devices),
    ]
    if found.models:
        shown.append(f"{len(found.models)} stored models would be built anew without them")
    shown.append("devices that only the vendor knows are not among these; nothing was changed")
    return shown


def _show_certificate(done: "Certificate") -> list[RenderableType]:
    facts = done.facts
    rows = [(f"{item['dataset']}.{item['table']}", item["rows"]) for item in facts["rows"]]
    shown: list[RenderableType] = [
        make_table("Deleted", ("table", "rows"), rows, right=("rows",)),
        f"the vendor: {facts['vendor_answer']}, {facts['linked_devices']} linked devices",
        *(f"not reached: {text}" for text in facts["not_reached"]),
        f"models built anew: {len(facts['models'])}; files removed: {facts['files']}",
        *(f"LEFT: {item.place}: {item.count:,} ({item.kind})" for item in done.left),
        *(f"not seen: {text}" for text in done.limits),
        f"certificate: {done.path}",
    ]
    return shown


@verb(group, "verify")
def verify(
    session: Session,
    *,
    user_id: Annotated[
        str | None, typer.Argument(metavar="USER_ID", help="The user id.", show_default=False)
    ] = None,
    certificate: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Whom this certificate of erasure is about.", show_default=False
        ),
    ] = None,
) -> int:
    """Look for a person in every table and in the bytes of every file; exit 6 if anything is found."""
    from connector.errors import ConfigError
    from connector.warehouse.person.verifying import verify_certificate, verify_person

    if (user_id is None) == (certificate is None):
        raise ConfigError("say whom to look for: a USER_ID, or --certificate FILE")
    settings = session.settings()
    if certificate is not None:
        found = verify_certificate(settings, certificate)
    else:
        found = verify_person(settings, user_id or "")
    shown = [] if session.is_quiet and not found.exit_code else _show_check(found)
    return session.answer(found.to_json(), *shown, exit_code=found.exit_code)


def _show_check(found: "PersonCheck") -> list[RenderableType]:
    rows = [(item.kind, item.place, item.count) for item in found.findings]
    heads = ("kind", "place", "count")
    shown: list[RenderableType] = (
        [make_table("Found", heads, rows, right=("count",))] if rows else []
    )
    shown += [f"not seen: {text}" for text in found.limits]
    shown.append("nothing of the person was found" if not rows else "the person was found")
    return shown

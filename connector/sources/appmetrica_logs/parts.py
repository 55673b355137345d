"""A unit's file: whole, or in parts that are all of one generation of the export."""

from dataclasses import replace
from pathlib import Path

from connector.errors import DownloadError, TooLargeError
from connector.jobs import await_job, watch_job
from connector.sources.appmetrica_logs.export import SOURCE
from connector.sources.appmetrica_logs.job import ExportJob
from connector.spool import Spool, fingerprint
from connector.units import Unit

GENERATIONS = 3  # so often the parts of one export are begun anew


def fetch_unit(job: ExportJob, spool: Spool) -> tuple[Unit, Path]:
    """The unit, with what came with its file, and the verified file or folder of parts.

    Asks for twice as many parts where the vendor wants more, and remembers what worked for the
    application's table. Raises TooLargeError when the most parts there may be are too few.
    """
    journal, unit = job.context.journal, job.unit
    scope = f"{SOURCE}/{unit.application_id}/{unit.table}"
    parts = min(journal.size(scope) or 1, job.settings.max_parts)
    while (path := _try_parts(job, spool, parts)) is None:
        parts *= 2
        journal.remember_size(scope, parts)
    journal.forget_job(unit.id)
    journal.note_print(unit.id, fingerprint(path), job.context.clock.now())
    return replace(unit, declared_rows=_count_declared(job), field_names=job.export.fields), path


def _try_parts(job: ExportJob, spool: Spool, parts: int) -> Path | None:
    """The unit in so many parts, or None where the vendor wants more of them."""
    journal, unit_id = job.context.journal, job.unit.id
    job.export = job.export.in_parts(parts)
    known = journal.job(unit_id)
    if job.is_asked:
        journal.add_job(job.unit, job.export.url, job.context.clock.now())
    elif known and known[0] and not job.is_asked_by(*known):
        journal.forget_job(unit_id)
    try:
        return _fetch_parts(job, spool)
    except TooLargeError:
        journal.forget_job(unit_id)
        if parts * 2 > job.settings.max_parts:
            raise
        return None


def _fetch_parts(job: ExportJob, spool: Spool) -> Path:
    """When the first part is not the same after the last one came, the vendor has made the export
    anew in between: all parts are fetched again.
    """
    unit = job.unit
    for _ in range(GENERATIONS):
        ready = await_job(job, unit, job.context, job.settings.patience)
        first = Path(ready.places[0])
        if job.export.parts == 1:
            return first
        files = [first, *(_fetch_part(job, number) for number in range(1, job.export.parts))]
        again = _fetch_part(job, 0)
        is_same = fingerprint(again) == fingerprint(first)
        again.unlink()
        if is_same:
            return spool.gather(unit.id, files)
        for file in files:
            file.unlink()
        job.context.warn(f"unit {unit.id} was made anew between its parts: they are fetched again")
    raise DownloadError(
        f"unit {unit.id} was made anew by the vendor between its parts {GENERATIONS} times: somebody"
        " else asks for the same export. The next run tries again."
    )


def _fetch_part(job: ExportJob, part: int) -> Path:
    url = job.export.in_parts(job.export.parts, part).url
    ready = watch_job(job, job.unit, url, job.context, job.settings.patience)
    return Path(ready.places[0])


def _count_declared(job: ExportJob) -> int | None:
    """What the vendor says the unit has. Of parts that all say the same number nobody can tell
    whether it counts the part or the whole.
    """
    urls = [job.export.in_parts(job.export.parts, n).url for n in range(job.export.parts)]
    counts = [job.rows.get(url) for url in urls]
    if None in counts or not job.settings.checks_rows:
        return None
    if len(counts) > 1 and len(set(counts)) == 1:
        return None
    return sum(count or 0 for count in counts)

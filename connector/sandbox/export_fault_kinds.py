"""The faults of the Logs API: of its queue, of the files it makes, of the answers it gives.

`export` faults go with one query from when it is queued until its file dies; `nth` and `times`
count queries. The list follows the fault table in section 14 of the Logs contract.
"""

from connector.sandbox.fault_kind import FaultKind, Stage


def _kind(
    name: str, stage: Stage, params: dict[str, object], doc: str, times: int | None = None
) -> FaultKind:
    return FaultKind(name, stage, params, doc, endpoint="export", times=times)


EXPORT_KINDS = (
    _kind(
        "body202_as_200",
        "answer",
        {"text": "Wait for result"},
        "An export answers 200 with `text` as its body.",
    ),
    _kind("queue_full", "answer", {}, "An export answers 429: there are 3 enqueued queries."),
    _kind(
        "quota",
        "answer",
        {"code": 429, "retry_after": ""},
        "An export answers `code` (429 or 420) for the daily quota, with `Retry-After` if given.",
    ),
    _kind(
        "rows_number",
        "answer",
        {"off_by": 1, "absent": False},
        "The header `Rows-Number` is off by `off_by`, or `absent`.",
    ),
    _kind("no_charset", "answer", {}, "The `Content-Type` of the file names no charset."),
    _kind("trailing_comma", "answer", {}, "A comma follows the last row of the JSON file."),
    _kind("json_unclosed", "answer", {}, "The JSON file lacks its closing brackets."),
    _kind(
        "csv_cut_in_quotes",
        "answer",
        {},
        "The CSV file ends inside a quoted cell, and looks complete otherwise.",
    ),
    _kind(
        "never_ready",
        "export",
        {"polls": 0},
        "The query stays in preparation for `polls` polls (0: for ever) and holds up the queue.",
    ),
    _kind(
        "stuck",
        "export",
        {"progress": 97, "polls": 0},
        "As `never_ready`, its progress standing at `progress` percent.",
    ),
    _kind(
        "progress_backwards",
        "export",
        {"polls": 5},
        "For `polls` polls the progress goes down from 90 percent.",
    ),
    _kind(
        "more_parts",
        "export",
        {"parts": 2, "at": "ask"},
        "400 `Try to use more parts.` until `parts_count` is `parts` or more; at the `ask`, or once "
        "it should be `ready`.",
    ),
    _kind("unknown_field", "export", {"field": ""}, "400 for the known field `field`, by name."),
    _kind(
        "rebuild_between_parts",
        "export",
        {"waits": True, "rows": 1},
        "Once part 0 is sent the file is built anew, its first `rows` rows moved to the end; with "
        "`waits` the next part answers 202 first. Once, unless `times` says more.",
        times=1,
    ),
    _kind(
        "stale_file",
        "export",
        {"age_s": 3600},
        "The file holds only what had been received `age_s` seconds before it was made.",
    ),
    _kind(
        "old_after_no_cache",
        "export",
        {"polls": 1},
        "After `no-cache` the first `polls` polls (0: all until it is ready) get the old file.",
    ),
    _kind(
        "file_expired",
        "export",
        {"downloads": 1},
        "The file is gone after `downloads` downloads, begun ones included. Once, unless `times` "
        "says more.",
        times=1,
    ),
    _kind(
        "thin",
        "export",
        {"every": 3},
        "A shard is unavailable: with `skip_unavailable_shards=true` each row number `every` is "
        "missing.",
    ),
    _kind(
        "foreign_queries",
        "listing",
        {"count": 3, "seconds": 60.0},
        "Another client puts `count` queries of `seconds` each into the queue, once per app.",
    ),
    _kind(
        "clocks",
        "window",
        {"row": 0, "year": 1970},
        "The device of `row` thinks it is `year`: its event time lies there.",
    ),
)
"""The kinds only exports know."""

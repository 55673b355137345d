"""The faults of ShortKit's video export: of its jobs, its answers, its links, files and rows.

`export` faults go with one export from create until its link dies; `nth` and `times` count creates.
The list follows the fault table in section 14 of the ShortKit contract; those of webhooks are
arguments of `send_webhook`.
"""

from typing import Any

from connector.sandbox.fault_kind import FaultKind, Stage


def _kind(name: str, stage: Stage, params: dict[str, object], doc: str, **more: Any) -> FaultKind:
    return FaultKind(name, stage, params, doc, **{"endpoint": "video_create", **more})


_JOBS = (
    _kind(
        "video_queued",
        "export",
        {"polls": 0},
        "For `polls` polls (0: for ever) the export is `queued`.",
    ),
    _kind(
        "video_status",
        "export",
        {"status": "archiving", "polls": 0},
        "For `polls` polls (0: for ever) the status is one nobody documented.",
    ),
    _kind(
        "video_failed",
        "export",
        {},
        "The export ends as `failed`. Once, unless `times` says more.",
        times=1,
    ),
    _kind(
        "video_cancelled",
        "export",
        {},
        "Somebody cancels the export. Once, unless `times` says more.",
        times=1,
    ),
    _kind(
        "foreign_video_jobs",
        "listing",
        {"count": 3, "seconds": 600.0},
        "Another client of the organisation has `count` exports of `seconds` each at work, once.",
    ),
)
_ANSWERS = (
    _kind(
        "video_create_lost",
        "answer",
        {"how": "reset", "is_idempotent": True},
        "The export is made, but its id never told: the connection drops (`reset`) or a 502 page "
        "comes (`html`). Not `is_idempotent`: the key of that create is forgotten, so the same "
        "request makes another export.",
        choices={"how": ("reset", "html")},
    ),
    _kind(
        "video_throttled",
        "answer",
        {"retry_after": "30", "error": "RATE_LIMITED"},
        "429 with the code `error` and, unless empty, the header Retry-After: `retry_after`.",
        endpoint="shortkit",
    ),
    _kind(
        "video_quota",
        "answer",
        {},
        "The quota of the month is used up: everything answers 429 QUOTA_EXCEEDED until the 1st "
        "(UTC) of the sandbox's clock.",
        endpoint="shortkit",
    ),
    _kind(
        "video_denied",
        "answer",
        {"error": "KEY_REVOKED"},
        "The key is good no more: 401, or 403 for FORBIDDEN and ENVIRONMENT_MISMATCH, with the "
        "code `error`.",
        endpoint="shortkit",
        times=-1,
        choices={
            "error": (
                *("KEY_REVOKED", "KEY_EXPIRED", "UNAUTHORIZED", "FORBIDDEN"),
                "ENVIRONMENT_MISMATCH",
            )
        },
    ),
)
_LINKS = (
    _kind(
        "video_link_dead",
        "export",
        {"code": 403, "downloads": 0, "seconds": 0.0, "on_get": "new"},
        "After `downloads` downloads and `seconds` the link answers `code`; the next look at the "
        "export gives a `new` link, the `same` one, or the status `expired`. Once, unless `times` "
        "says more.",
        times=1,
        choices={"code": (403, 404, 410), "on_get": ("new", "same", "expired")},
    ),
    _kind(
        "video_link_host",
        "export",
        {"to": "private"},
        "The link leads to a `private` address, to an `other` host, or to the one given.",
    ),
    _kind(
        "video_redirect",
        "answer",
        {"to": "api", "code": 302},
        "The file host redirects to the same file on the `api` host, where it is served to all, to "
        "a `private` address, an `other` host, to its `own` other place, or to the address given.",
        endpoint="video_file",
    ),
)
_FILES = (
    _kind("video_members", "export", {"members": 3}, "The file is a gzip of several members."),
    _kind("video_plain", "export", {}, "The file is plain though its name ends in .gz."),
    _kind(
        "video_encoding",
        "answer",
        {"is_packed_twice": False},
        "The .gz comes with `Content-Encoding: gzip`; `is_packed_twice`: compressed once more for it.",
        endpoint="video_file",
        times=-1,
    ),
    _kind(
        "video_no_ranges",
        "answer",
        {},
        "The file host gives the whole file whatever range is asked for.",
        endpoint="video_file",
        times=-1,
    ),
    _kind(
        "video_files",
        "export",
        {"form": "urls", "files": 2},
        "Several files, in `downloadUrls` (`urls`) or in `files[].url` (`files`).",
        choices={"form": ("urls", "files")},
    ),
    _kind(
        "video_copies",
        "export",
        {"copies": 2},
        "The rows stand in the file `copies` times over and count as often; nothing that large is "
        "kept in memory.",
    ),
    _kind(
        "video_empty",
        "export",
        {"form": "no_url"},
        "An export without rows has an empty `file`, no link (`no_url`), or one that answers `404`.",
        choices={"form": ("file", "no_url", "404")},
    ),
    _kind(
        "video_csv_header",
        "export",
        {"form": "data"},
        "The columns of the data in a CSV have `bare` names, or `data.` before them.",
        choices={"form": ("bare", "data")},
    ),
)
_CONTENT = (
    _kind(
        "video_line",
        "export",
        {"how": "breaks", "row": 0, "size": 5_000_000, "all_rows": False},
        "`row` has U+2028, U+2029 and U+0085 in a text (`breaks`), a text of `size` characters "
        "(`long`), is cut in half (`broken`), a number (`scalar`), an `array`, a `blank` line, or "
        "holds bytes that are not UTF-8 (`utf8`); with `all_rows` each is.",
        choices={
            "how": ("breaks", "long", "broken", "scalar", "array", "blank", "utf8"),
        },
    ),
    _kind(
        "video_names",
        "export",
        {"every": 2, "units": False},
        "One row in `every` has the names of the later pages, with `units` their units too.",
    ),
    _kind(
        "video_unknown",
        "export",
        {"name": ""},
        "Keys nobody knows, in the row and in its data; `name`, if given, is the event of all rows.",
    ),
    _kind(
        "video_row_count",
        "export",
        {"off_by": 1, "absent": False},
        "`rowCount` is off by `off_by`, or `absent`.",
    ),
    _kind(
        "video_fewer",
        "export",
        {"share": 0.5},
        "A `share` of the rows, those at the end, is missing and not counted.",
    ),
    _kind(
        "video_outside",
        "export",
        {"days": 1},
        "Rows of `days` before and after the days asked for are in the file.",
    ),
    _kind("video_end_exclusive", "export", {}, "The last day asked for is not in the file."),
    _kind("video_mixed", "export", {}, "Rows of all data types are in the file."),
    _kind(
        "video_erasure_lag",
        "export",
        {},
        "The file shows who had been there when it was asked for, persons erased since included.",
    ),
)
_FACTS = (
    _kind(
        "video_late",
        "listing",
        {"every": 7, "hours": 48.0},
        "One row in `every` arrives `hours` later than it would have.",
    ),
    _kind(
        "video_future",
        "listing",
        {"every": 7, "hours": 2.0},
        "One row in `every` has a timestamp `hours` after its receipt.",
    ),
    _kind(
        "video_anonymous",
        "listing",
        {"every": 3},
        "One row in `every` has the user `anonymous`.",
    ),
)
VIDEO_KINDS = (*_JOBS, *_ANSWERS, *_LINKS, *_FILES, *_CONTENT, *_FACTS)
"""The kinds only this API knows."""

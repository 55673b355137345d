"""The faults of MyTracker's raw export API: of its jobs, its answers, its files and its rows.

`export` faults go with one export from create until its links die; `nth` and `times` count creates.
The list follows the fault table in section 14 of the MyTracker contract.
"""

from typing import Any

from connector.sandbox.fault_kind import FaultKind, Stage


def _kind(name: str, stage: Stage, params: dict[str, object], doc: str, **more: Any) -> FaultKind:
    return FaultKind(name, stage, params, doc, **{"endpoint": "create", **more})


RAW_EXPORT_KINDS = (
    _kind(
        "create_lost",
        "answer",
        {"how": "reset"},
        "The export is made, but its id never told: the connection drops (`reset`) or a 502 page "
        "comes (`html`).",
        choices={"how": ("reset", "html")},
    ),
    _kind(
        "raw_quota",
        "answer",
        {"seconds": 30, "hint": "resetInSecond", "code_in": "both"},
        "429 with the quotas; when to come again is in `resetInSecond`, in `resetIn` or nowhere; "
        "the code is in `both` status and body, in the `body` only (status 200), or it is an `html` "
        "page.",
        endpoint="mytracker",
        choices={"hint": ("resetInSecond", "resetIn"), "code_in": ("both", "body", "html")},
    ),
    _kind(
        "error_block",
        "answer",
        {"seconds": 60.0},
        "Too many errors: everything answers 429 for `seconds` of the sandbox's clock.",
        endpoint="mytracker",
    ),
    _kind(
        "link_unsigned",
        "answer",
        {"code": 403},
        "The file host answers `code` to downloads that are not signed.",
        endpoint="storage",
        times=-1,
    ),
    _kind(
        "link_signed",
        "answer",
        {"code": 400},
        "The file host answers `code` to downloads with the header `Authorization`.",
        endpoint="storage",
        times=-1,
    ),
    _kind(
        "raw_error",
        "export",
        {},
        "The export ends with `Error occurred`. Once, unless `times` says more.",
        times=1,
    ),
    _kind(
        "raw_user_error",
        "export",
        {"text": "Too many lines in export", "above_rows": -1},
        "The export ends with `User error occurred` and `text` if it has more than `above_rows` "
        "rows.",
    ),
    _kind(
        "raw_cancelled",
        "export",
        {},
        "Somebody cancels the export. Once, unless `times` says more.",
        times=1,
    ),
    _kind(
        "raw_status",
        "export",
        {"status": "Waiting", "polls": 0},
        "For `polls` polls (0: for ever) the status is one nobody documented.",
    ),
    _kind(
        "raw_status_case",
        "export",
        {"form": "upper"},
        "The final status is in `upper` or `lower` case, or `bare` of its exclamation mark.",
        choices={"form": ("upper", "lower", "bare")},
    ),
    _kind(
        "raw_forgotten",
        "export",
        {"polls": 0},
        "After `polls` polls the id is unknown: 404. Once, unless `times` says more.",
        times=1,
    ),
    _kind(
        "raw_empty",
        "export",
        {"form": "list"},
        "An export without rows has an empty `list` of files, no such key (`missing`), `null`, or a "
        "file with the `header` only.",
        choices={"form": ("list", "missing", "null", "header")},
    ),
    _kind(
        "raw_link_expired",
        "export",
        {"seconds": 0.0, "is_told": False},
        "The links die `seconds` after the export is done; `timestampExpires` says so if `is_told`. "
        "Once, unless `times` says more.",
        times=1,
    ),
    _kind(
        "raw_part_missing",
        "export",
        {"part": 1, "how": "404"},
        "The part number `part` answers `404` or is `unlisted`. Once, unless `times` says more.",
        times=1,
        choices={"how": ("404", "unlisted")},
    ),
    _kind("raw_members", "export", {"members": 3}, "Each file is a gzip of several members."),
    _kind(
        "raw_no_header",
        "export",
        {"part": 1},
        "The part number `part` (-1: each) has no header.",
    ),
    _kind(
        "raw_arrays",
        "export",
        {"row": 0, "form": "awkward"},
        "The arrays of `row` hold quotes, commas, escapes and numbers (`awkward`), are of `unequal` "
        "length, or `bad`.",
        choices={"form": ("awkward", "unequal", "bad")},
    ),
    _kind(
        "raw_text_dates",
        "export",
        {"selectors": ["tsInsert"]},
        "The moments of `selectors` are texts, `yyyy-mm-dd hh:mm:ss` in UTC.",
    ),
    _kind(
        "foreign_exports",
        "listing",
        {"count": 3, "seconds": 600.0},
        "Another client puts `count` exports of `seconds` each into the queue, once.",
    ),
    _kind(
        "raw_late",
        "listing",
        {"every": 7, "hours": 6.0},
        "One row in `every` can be exported only `hours` after its `tsInsert`.",
    ),
    _kind(
        "future_clock",
        "listing",
        {"every": 7, "hours": 48.0},
        "One row in `every` is told by a device whose clock is ahead: `tsEvent` is `hours` after "
        "`tsInsert`.",
    ),
    _kind(
        "verification_change",
        "listing",
        {"every": 3, "hours": 24.0, "how": "in_place"},
        "One payment in `every` gets the other `isVerified` `hours` after its `tsInsert`: "
        "`in_place`, or in a row more with a new `tsInsert` (`reemitted`).",
        choices={"how": ("in_place", "reemitted")},
    ),
)
"""The kinds only this API knows."""

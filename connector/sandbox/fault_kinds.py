"""Every fault the sandbox knows: its name, where it acts, its parameters, what it does.

`answer` faults spoil one HTTP answer and are used up (`times`); `window` faults change what a
window holds and `listing` faults what the status document says, for as long as they are set.
The list follows the fault tables in section 14 of the contracts.
"""

from collections.abc import Mapping

from connector.sandbox.export_fault_kinds import EXPORT_KINDS
from connector.sandbox.fault_kind import FaultKind, Stage
from connector.sandbox.raw_export_fault_kinds import RAW_EXPORT_KINDS
from connector.sandbox.video_fault_kinds import VIDEO_KINDS

__all__ = ["FAULT_KINDS", "FaultKind", "Stage"]

_KINDS = (
    FaultKind(
        "status",
        "answer",
        {"code": 503, "retry_after": "", "body": "json", "text": ""},
        "Answer with `code`; `body` is json, html, text or empty, or `text` word for word; "
        "`retry_after` becomes the header of that name. Code 200 gives a page where a file is due.",
        {"body": ("json", "html", "text", "empty")},
        endpoint="any",
    ),
    FaultKind(
        "monthly_limit",
        "answer",
        {},
        "Downloads answer 400 until the 1st of the next month (UTC) of the sandbox's clock.",
    ),
    FaultKind(
        "reset",
        "answer",
        {},
        "The connection is dropped before any byte of the answer.",
        endpoint="any",
    ),
    FaultKind(
        "cut",
        "answer",
        {"at_bytes": 100, "framing": "length"},
        "The connection is dropped after `at_bytes` of the body as sent; `framing` is length "
        "(a Content-Length promises more), chunked, or clean (the short body looks complete).",
        {"framing": ("length", "chunked", "clean")},
    ),
    FaultKind("gzip_no_trailer", "answer", {}, "The gzip body lacks its last 8 bytes."),
    FaultKind(
        "gzip_wrong_length",
        "answer",
        {"off_by": 0},
        "A gzip body with a false Content-Length: the uncompressed size, or off by `off_by`.",
    ),
    FaultKind("no_gzip", "answer", {}, "The body comes uncompressed though gzip was asked for."),
    FaultKind(
        "stall",
        "answer",
        {"seconds": 30.0, "at_bytes": 0},
        "The body stops after `at_bytes` for `seconds` of real time, then goes on.",
    ),
    FaultKind(
        "slow",
        "answer",
        {"seconds": 0.0, "bytes_per_second": 0},
        "The answer starts `seconds` late; the body trickles at `bytes_per_second` (0: at once).",
        endpoint="any",
    ),
    FaultKind(
        "redirect",
        "answer",
        {"code": 302, "to": ""},
        "Redirect to the same file on another host (`storage_url`, which records the headers it "
        "gets), or to the address `to`.",
    ),
    FaultKind(
        "grow_after_download",
        "answer",
        {"rows": 1},
        "While a window is being sent it grows by `rows` and its `update_timestamp` moves: the file "
        "that was sent is the old one.",
    ),
    FaultKind(
        "window_change",
        "window",
        {"hours": 2.0, "add": 1, "remove": 0, "edit": 0},
        "`hours` after its end the settled window gets `add` rows more, loses its first `remove` "
        "rows and has the event text of `edit` rows changed; `update_timestamp` moves.",
    ),
    FaultKind(
        "event_count",
        "listing",
        {"off_by": 1, "heals_after": -1},
        "`event_count` is off by `off_by`; right again after `heals_after` status calls (-1: never).",
    ),
    FaultKind(
        "skip_windows",
        "window",
        {"count": 3},
        "`count` windows from `window` on are not produced; their rows are in the one after them.",
    ),
    FaultKind("vanish", "listing", {}, "The window is not listed and its download answers 404."),
    FaultKind(
        "two_schemas",
        "window",
        {"serve": "alternate", "drop": []},
        "The window stands under two schema ids, rows split between them; the newer one has its "
        "columns reversed and those in `drop` missing. A download serves one of the two files: "
        "`alternate`, `old` or `new`.",
        {"serve": ("alternate", "old", "new")},
    ),
    FaultKind(
        "schema_change",
        "window",
        {"add": [], "remove": [], "reverse": False, "duplicate": [], "unknown": []},
        "From `window` on a new schema: columns added, removed, in reverse order, repeated (the "
        "second one empty), or unknown to everybody (with invented text in them).",
    ),
    FaultKind(
        "file_shape",
        "window",
        {
            "newline": "",
            "final_newline": "",
            "bom": "",
            "quoting": "",
            "export_format": "",
            "json_layout": "",
            "json_values": "",
            "json_empty": "",
            "json_arrays": "",
        },
        "The file is spelled differently from the scenario's `stream.shape`, same content; "
        "`export_format` switches between csv and json.",
        {
            "newline": ("crlf", "lf"),
            "final_newline": (True, False),
            "bom": (True, False),
            "quoting": ("minimal", "all"),
            "export_format": ("csv", "json"),
            "json_layout": ("object", "array", "lines", "spread"),
            "json_values": ("native", "string"),
            "json_empty": ("empty", "null", "missing"),
            "json_arrays": ("text", "native"),
        },
    ),
    FaultKind(
        "cells",
        "window",
        {"row": 0, "set": {}, "all_rows": False},
        "Cells of `row` (from 0; negative from the end) are as in `set`: field = text.",
    ),
    FaultKind("big_cell", "window", {"row": 0, "field": "", "size": 1_000_000}, "A huge cell."),
    FaultKind("nul_byte", "window", {"row": 0, "field": ""}, "A NUL byte inside a cell."),
    FaultKind(
        "line_breaks",
        "window",
        {"row": 0, "field": ""},
        "CR, LF, CRLF, U+2028 and U+0085 inside a cell.",
    ),
    FaultKind(
        "invalid_utf8", "window", {"row": 0, "field": ""}, "Bytes 0xFF 0xC3 inside a cell's text."
    ),
    FaultKind(
        "bad_cells",
        "window",
        {"row": 0, "fields": []},
        "Text that does not fit in each typed cell of `row`, or in those of `fields`.",
    ),
    FaultKind("equal_rows", "window", {"row": 0, "copies": 1}, "`row` stands in the window again."),
    FaultKind(
        "broken_record",
        "window",
        {"row": 0, "how": "short"},
        "A record that cannot be read, still counted: csv `short` or `long` (fields missing or too "
        "many); json `cut` (malformed) or `scalar` (no object).",
        {"how": ("short", "long", "cut", "scalar")},
    ),
    FaultKind(
        "empty_windows",
        "listing",
        {"mode": "listed"},
        "Windows without rows are `listed` (event_count 0) or `absent`.",
        {"mode": ("listed", "absent")},
    ),
    FaultKind("unordered", "listing", {}, "Windows, types and schemas are in no order."),
    FaultKind("unknown_keys", "listing", {}, "Keys nobody documented, at every level."),
)

FAULT_KINDS: Mapping[str, FaultKind] = {
    kind.name: kind for kind in (*_KINDS, *EXPORT_KINDS, *RAW_EXPORT_KINDS, *VIDEO_KINDS)
}
"""The kinds of faults by name."""

"""Files spoiled on their way out: their bytes are not what was made, and look complete."""

from collections.abc import Sequence

from connector.sandbox.faults import Fault


def spoil_body(body: bytes, faults: Sequence[Fault]) -> bytes:
    """The bytes as the answer faults of one request leave them."""
    for fault in faults:
        if fault.kind == "trailing_comma":
            rows, bracket, rest = body.rpartition(b"]")
            body = rows.rstrip() + b",\n" + bracket + rest
        elif fault.kind == "json_unclosed":
            body = body.rpartition(b"]")[0]
        elif fault.kind == "csv_cut_in_quotes":
            body = _cut_in_quotes(body)
    return body


def count_rows_number(rows: int, faults: Sequence[Fault], *, is_sent: bool) -> str:
    """The header `Rows-Number`; "" where there is none."""
    for fault in faults:
        if fault.kind == "rows_number":
            is_sent, rows = not fault.params["absent"], rows + int(fault.params["off_by"])
    return str(rows) if is_sent else ""


def _cut_in_quotes(body: bytes) -> bytes:
    """Up to the inside of the last quoted cell; without one, a cell is begun on a last line."""
    start = max(body.rfind(b',"'), body.rfind(b'\n"'))
    return body[: start + 3] if start > 0 else body.rstrip(b"\r\n") + b'\n"begun'

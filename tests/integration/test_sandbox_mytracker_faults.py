"""Each fault of the emulated raw export at least once, over real sockets."""

import gzip
import json
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from tests.integration.raw_export_client import (
    BARRIER,
    COLUMNS,
    EMPTY,
    NO_QUOTAS,
    NOW,
    RawClient,
    detail,
    open_raw,
    parse_csv,
    path_of,
)

NAMES = COLUMNS.split(",")


@pytest.fixture
def raw() -> Iterator[RawClient]:
    """A sandbox of a test's own; an export takes a minute of its clock."""
    with open_raw() as client:
        yield client


@pytest.fixture(scope="module")
def shared() -> Iterator[RawClient]:
    with open_raw(places=1000, rows_per_part=150, **NO_QUOTAS) as client:
        yield client


@pytest.fixture
def quick(shared: RawClient) -> Iterator[RawClient]:
    """Never throttled; no test leaves a fault to the next."""
    yield shared
    shared.sandbox.remove_faults()


def spoiled(client: RawClient, kind: str, event: str = "sessions", **keys: Any) -> list[str]:
    """The parts of an export of its own, with one fault set while it is made and sent."""
    selectors = keys.pop("selectors", COLUMNS)
    client.sandbox.add_fault(kind, **{"endpoint": "create", **keys})
    return client.texts(client.ask(event, selectors=selectors))


def test_the_answer_to_a_create_is_lost(raw: RawClient) -> None:
    raw.sandbox.add_fault("create_lost")
    with pytest.raises(httpx.TransportError):
        raw.create()
    raw.sandbox.add_fault("create_lost", how="html", event="sessions")
    assert raw.create("payments").status_code == 200
    page = raw.create("sessions")
    assert (page.status_code, page.text[:6]) == (502, "<html>")
    made = raw.sandbox.mytracker_requests()
    assert [create["event"] for create in made["creates"]] == ["installs", "payments", "sessions"]
    assert made["by_code"] == {"create 0": 1, "create 200": 1, "create 502": 1}
    assert len(raw.sandbox.mytracker_queue()["exports"]) == 3
    listed = raw.create().json()["data"]["error"]["info"]["exports"]
    assert [e["idRawExport"] for e in listed] == [create["id"] for create in made["creates"]]


@pytest.mark.parametrize(("times", "states"), [(1, ["Error occurred", "Success!"]), (-1, None)])
def test_an_error_occurred_once_or_always(
    raw: RawClient, times: int, states: list[str] | None
) -> None:
    raw.sandbox.add_fault("raw_error", event="installs", times=times)
    found = [raw.finish(raw.ask()) for _ in range(2)]
    assert [state["status"] for state in found] == (states or ["Error occurred"] * 2)
    assert set(found[0]) == {"idRawExport", "status"}
    assert raw.finish(raw.ask("sessions"))["status"] == "Success!"


@pytest.mark.parametrize(
    "text",
    ["Too many lines in export", "Too many lines in one export", "Too much export data"],
)
def test_a_user_error_goes_by_the_number_of_rows(quick: RawClient, text: str) -> None:
    quick.sandbox.add_fault("raw_user_error", text=text, above_rows=100)
    state = quick.finish(quick.ask("sessions"))
    assert (state["status"], state["errorMessage"]) == ("User error occurred", text)
    window = {"availabilityTsFrom": BARRIER - 1800}
    assert quick.finish(quick.ask("sessions", **window))["status"] == "Success!"


def test_somebody_cancels_an_export(quick: RawClient) -> None:
    quick.sandbox.add_fault("raw_cancelled")
    states = [quick.finish(quick.ask())["status"] for _ in range(2)]
    assert states == ["Canceled by user", "Success!"]


def test_a_status_nobody_knows(quick: RawClient) -> None:
    quick.sandbox.add_fault("raw_status", status="Waiting for a slot", polls=2)
    number = quick.ask()
    quick.sandbox.clock.advance(3600)
    states = [quick.state(number)["status"] for _ in range(3)]
    assert states == ["Waiting for a slot", "Waiting for a slot", "Success!"]


@pytest.mark.parametrize(
    ("form", "status"), [("upper", "SUCCESS!"), ("lower", "success!"), ("bare", "Success")]
)
def test_a_status_in_another_case(quick: RawClient, form: str, status: str) -> None:
    quick.sandbox.add_fault("raw_status_case", form=form)
    assert quick.finish(quick.ask())["status"] == status


def test_progress_goes_backwards_or_stands_or_never_ends(quick: RawClient) -> None:
    quick.sandbox.add_fault("progress_backwards", endpoint="create", event="installs", polls=2)
    quick.sandbox.add_fault("stuck", endpoint="create", event="sessions", progress=97)
    quick.sandbox.add_fault("never_ready", endpoint="mytracker", event="payments")
    numbers = [quick.ask(event) for event in ("installs", "sessions", "payments")]
    quick.sandbox.clock.advance(4 * 3600)
    backwards = [quick.state(numbers[0]) for _ in range(3)]
    assert [state.get("progress") for state in backwards] == ["70%", "50%", None]
    assert {quick.state(numbers[1])["progress"] for _ in range(5)} == {"97%"}
    assert quick.state(numbers[2])["isCancellable"] is True
    assert [quick.cancel(number).status_code for number in numbers] == [400, 200, 200]


def test_a_running_export_is_forgotten(quick: RawClient) -> None:
    quick.sandbox.add_fault("raw_forgotten", polls=1)
    number = quick.ask()
    assert quick.state(number)["status"] == "In progress"
    assert quick.get(number).status_code == quick.cancel(number).status_code == 404
    assert quick.sandbox.mytracker_queue()["exports"] == []
    assert quick.finish(quick.ask())["status"] == "Success!"


def test_the_queue_is_full_of_foreign_exports(raw: RawClient) -> None:
    raw.sandbox.add_fault("foreign_exports", seconds=600)
    assert detail(raw.create()).startswith("Maximum number of simultaneous requests")
    raw.sandbox.clock.advance(599)
    assert raw.create().status_code == 400
    raw.sandbox.clock.advance(1)
    assert raw.create().status_code == 200


@pytest.mark.parametrize("endpoint", ["create", "get", "cancel", "quotas", "storage"])
@pytest.mark.parametrize(
    ("hint", "names"),
    [("resetInSecond", {"resetInSecond", "resetTime"}), ("resetIn", {"resetIn", "resetTime"})],
)
def test_throttled_with_a_hint(quick: RawClient, endpoint: str, hint: str, names: set[str]) -> None:
    quick.sandbox.add_fault("raw_quota", endpoint=endpoint, seconds=17, hint=hint)
    answer = request_of(quick, endpoint)
    (quota,) = answer.json()["data"]["error"]["info"]["quotas"]
    assert (answer.status_code, answer.json()["code"], quota[hint]) == (429, 429, 17)
    assert set(quota) == names | {"name", "count", "limit", "exceeded"}
    assert request_of(quick, endpoint).status_code != 429


def request_of(client: RawClient, endpoint: str) -> httpx.Response:
    """One request of an endpoint, whatever it may answer."""
    if endpoint == "create":
        return client.create()
    if endpoint == "storage":
        return client.download(f"{client.sandbox.url}/storage/download/raw/1.x.0.csv.gz")
    path = f"/api/raw/v1/export/{endpoint}.json?idRawExport=1"
    return client.send("GET", "/api/open/user/v1/quotas/get.json" if endpoint == "quotas" else path)


def test_throttled_without_a_hint_in_the_body_only_or_as_a_page(quick: RawClient) -> None:
    quick.sandbox.add_fault("raw_quota", endpoint="get", hint="", times=1)
    (quota,) = quick.get("1").json()["data"]["error"]["info"]["quotas"]
    assert not {"resetIn", "resetInSecond", "resetTime"} & quota.keys()
    quick.sandbox.add_fault("raw_quota", endpoint="get", code_in="body")
    answer = quick.get("1")
    assert (answer.status_code, answer.json()["code"]) == (200, 429)
    quick.sandbox.add_fault("raw_quota", endpoint="get", code_in="html")
    answer = quick.get("1")
    assert (answer.status_code, answer.headers["content-type"][:9]) == (429, "text/html")


def test_too_many_errors_block_longer_than_the_error_lasts(raw: RawClient) -> None:
    number = raw.ask()
    raw.sandbox.add_fault("error_block", endpoint="get", seconds=90)
    blocked = raw.get(number)
    assert blocked.status_code == 429
    named = [q for q in blocked.json()["data"]["error"]["info"]["quotas"] if q["exceeded"]]
    assert [(q["name"], q["resetInSecond"]) for q in named] == [("ErrorsByUserPerMinute", 90)]
    raw.sandbox.clock.advance(89)
    assert raw.get(number).status_code == raw.create().status_code == 429
    raw.sandbox.clock.advance(1)
    assert raw.get(number).status_code == 200


def test_the_secret_is_rotated_in_mid_run(raw: RawClient) -> None:
    number = raw.ask()
    raw.sandbox.change_secret("another")
    assert raw.get(number).status_code == 403
    raw.secret = "another"
    assert raw.get(number).status_code == 200
    raw.sandbox.add_fault("status", endpoint="mytracker", code=403, nth=2, times=-1)
    assert [raw.get(number).status_code for _ in range(3)] == [200, 403, 403]
    assert raw.get(number).json() == {"code": 403, "message": "Access denied", "data": None}


@pytest.mark.parametrize(
    ("keys", "content"),
    [
        ({"code": 503}, b'{"code":503,"message":"Service Unavailable","data":null}'),
        ({"code": 500, "body": "empty"}, b""),
        ({"code": 502, "body": "html"}, b"<!DOCTYPE"),
        ({"code": 200, "body": "html"}, b"<!DOCTYPE"),
        ({"code": 500, "text": "<oops>"}, b"<oops>"),
    ],
)
def test_answers_that_are_none(quick: RawClient, keys: dict[str, Any], content: bytes) -> None:
    quick.sandbox.add_fault("status", endpoint="get", **keys)
    answer = quick.get("1")
    assert answer.status_code == keys["code"]
    assert answer.content.startswith(content)
    quick.sandbox.add_fault("reset", endpoint="get")
    with pytest.raises(httpx.TransportError):
        quick.get("1")


@pytest.mark.parametrize(
    ("form", "files"), [("list", []), ("missing", "absent"), ("null", None), ("header", 1)]
)
def test_success_without_rows(form: str, files: object) -> None:
    with open_raw(EMPTY) as raw:
        raw.sandbox.add_fault("raw_empty", form=form)
        found = raw.finish(raw.ask()).get("files", "absent")
        assert (len(found) if form == "header" else found) == files


def test_a_link_is_dead_before_or_when_it_said(quick: RawClient) -> None:
    quick.sandbox.add_fault("raw_link_expired")
    early = quick.finish(quick.ask())["files"][0]
    assert int(early["timestampExpires"]) > quick.sandbox.clock.timestamp() + 80_000
    assert quick.download(early["link"]).status_code == 404
    quick.sandbox.add_fault("raw_link_expired", seconds=300, is_told=True)
    file = quick.finish(quick.ask())["files"][0]
    left_s = int(file["timestampExpires"]) - quick.sandbox.clock.timestamp()
    assert 0 < left_s <= 300
    assert quick.download(file["link"]).status_code == 200
    quick.sandbox.clock.advance(left_s)
    assert quick.download(file["link"]).status_code == 404
    quick.sandbox.add_fault("file_expired", endpoint="create", downloads=1)
    (link,) = quick.links(quick.ask())
    assert [quick.download(link).status_code for _ in range(2)] == [200, 404]


def test_a_host_wants_a_signature_or_none_at_all() -> None:
    with open_raw(link_host="storage") as raw:
        (link,) = raw.links(raw.ask())
        for kind, code, codes in (
            ("link_unsigned", 401, (401, 200)),
            ("link_unsigned", 403, (403, 200)),
            ("link_signed", 400, (200, 400)),
        ):
            fault = raw.sandbox.add_fault(kind, code=code)
            assert (raw.http.get(link).status_code, raw.download(link).status_code) == codes
            raw.sandbox.remove_faults(fault)


def test_a_download_is_sent_to_another_host(quick: RawClient) -> None:
    (link,) = quick.links(quick.ask())
    quick.sandbox.add_fault("redirect", endpoint="storage")
    answer = quick.download(link)
    assert answer.status_code == 302
    target = answer.headers["location"]
    assert target == f"{quick.sandbox.storage_url}/moved{path_of(link)}"
    assert quick.http.get(target).content == quick.download(link).content
    (seen,) = quick.sandbox.mytracker_requests()["storage"]
    assert "authorization" not in seen["headers"]


def test_a_file_is_cut_and_looks_complete(quick: RawClient) -> None:
    (link,) = quick.links(quick.ask())
    whole = quick.download(link).content
    quick.sandbox.add_fault("cut", endpoint="storage", at_bytes=200, framing="clean")
    assert quick.download(link).content == whole[:200]
    quick.sandbox.add_fault("gzip_no_trailer", endpoint="storage")
    short = quick.download(link).content
    assert short == whole[:-8]
    with pytest.raises(EOFError):
        gzip.decompress(short)
    quick.sandbox.add_fault("cut", endpoint="storage", at_bytes=200)
    with pytest.raises(httpx.RemoteProtocolError):
        quick.download(link)


@pytest.mark.parametrize("off_by", [0, 50])
def test_a_file_has_a_wrong_length(quick: RawClient, off_by: int) -> None:
    (link,) = quick.links(quick.ask())
    quick.sandbox.add_fault("gzip_wrong_length", endpoint="storage", off_by=off_by)
    with pytest.raises(httpx.RemoteProtocolError):
        quick.download(link)
    assert quick.download(link).status_code == 200


def test_a_gzip_of_several_members(quick: RawClient) -> None:
    plain = quick.texts(quick.ask("sessions"))
    quick.sandbox.add_fault("raw_members", members=4)
    links = quick.links(quick.ask("sessions"))
    for link, text in zip(links, plain, strict=True):
        data, members = quick.download(link).content, 0
        pieces = b""
        while data:
            unpack = zlib.decompressobj(wbits=31)
            pieces += unpack.decompress(data)
            data, members = unpack.unused_data, members + 1
        assert (pieces.decode(), members) == (text, 4)


def test_a_part_is_missing(quick: RawClient) -> None:
    links = quick.links(quick.ask("sessions"))
    quick.sandbox.add_fault("raw_part_missing", part=1)
    gone = quick.links(quick.ask("sessions"))
    assert [quick.download(link).status_code for link in gone] == [200, 404, 200][: len(links)]
    quick.sandbox.add_fault("raw_part_missing", part=0, how="unlisted")
    unlisted = quick.links(quick.ask("sessions"))
    assert [link.split(".")[-3] for link in unlisted] == ["1", "2"][: len(links) - 1]


def test_a_part_has_no_header(quick: RawClient) -> None:
    plain = quick.texts(quick.ask("sessions"))
    first, second, *_ = spoiled(quick, "raw_no_header", part=1)
    assert first == plain[0]
    assert f"{COLUMNS}\n{second}" == plain[1]
    quick.sandbox.remove_faults()
    assert not any(COLUMNS in text for text in spoiled(quick, "raw_no_header", part=-1))


def test_columns_in_another_order_and_more_of_them(quick: RawClient) -> None:
    plain = [row for text in quick.texts(quick.ask("sessions")) for row in parse_csv(text)]
    texts = spoiled(quick, "schema_change", reverse=True, unknown=["weather"])
    head = ",".join([*reversed(NAMES), "weather"])
    assert {text.splitlines()[0] for text in texts} == {head}
    rows = [row for text in texts for row in parse_csv(text)]
    assert {row.pop("weather") for row in rows} == {f"weather-{n}" for n in range(len(plain))}
    assert rows == plain
    quick.sandbox.remove_faults()
    assert spoiled(quick, "schema_change", remove=["idApp"])[0].startswith("idProfile,tsEvent,")


@pytest.mark.parametrize(
    ("shape", "ends"),
    [({"newline": "crlf"}, "\r\n"), ({"final_newline": False}, ""), ({"quoting": "all"}, '"\n')],
)
def test_files_are_spelled_in_other_ways(
    quick: RawClient, shape: dict[str, Any], ends: str
) -> None:
    plain = quick.texts(quick.ask("payments"))[0]
    (text,) = spoiled(quick, "file_shape", "payments", **shape)
    assert parse_csv(text) == parse_csv(plain)
    assert text != plain
    assert text.endswith(ends)
    assert text.endswith("\n") == (shape != {"final_newline": False})


@pytest.mark.parametrize(
    ("form", "names", "values"),
    [
        ("awkward", r"['a, b','it\'s','back\\slash',", r"['1','[2]','\'','',"),
        ("unequal", "['a','b','c']", "['1']"),
        ("bad", "['a','b", "['a' 'b']"),
    ],
)
def test_arrays_are_awkward(quick: RawClient, form: str, names: str, values: str) -> None:
    selectors = "params.name,params.value"
    texts = spoiled(quick, "raw_arrays", "customEvents", selectors=selectors, form=form, row=2)
    row = parse_csv(texts[0])[2]
    assert row["params.name"].startswith(names)
    assert row["params.value"].startswith(values)


def test_moments_are_texts(quick: RawClient) -> None:
    plain = parse_csv(quick.texts(quick.ask("payments"))[0])
    (text,) = spoiled(quick, "raw_text_dates", "payments")
    for row, good in zip(parse_csv(text), plain, strict=True):
        moment = datetime.fromtimestamp(int(good["tsInsert"]), UTC)
        assert row["tsInsert"] == moment.strftime("%Y-%m-%d %H:%M:%S")
        assert row["tsEvent"] == good["tsEvent"]


def test_cells_are_spoiled_as_in_any_file(quick: RawClient) -> None:
    (text,) = spoiled(quick, "bad_cells", "payments", row=1)
    assert parse_csv(text)[1]["tsEvent"] == "yesterday"
    quick.sandbox.remove_faults()
    text, *_ = spoiled(quick, "bad_cells", "customEvents", row=0, selectors="params.name")
    assert parse_csv(text)[0] == {"params.name": "['open"}
    quick.sandbox.remove_faults()
    (text,) = spoiled(quick, "broken_record", "payments", row=0, how="long")
    assert text.splitlines()[1].endswith(',one,"two, too many"')


def test_rows_come_later_than_promised() -> None:
    with open_raw(prepare_s=0) as raw:
        everything = raw.rows("sessions")
        raw.sandbox.add_fault("raw_late", every=3, hours=8)
        fewer = raw.rows("sessions")
        assert 0.5 < len(fewer) / len(everything) < 1
        raw.sandbox.clock.advance(8 * 3600)
        assert len(raw.rows("sessions")) == len(everything)
        shown = raw.sandbox.mytracker_truth("sessions")["rows"]
        late = {row["shown_at"] - row["available_at"] for row in shown}
        assert late == {0, 8 * 3600}


def test_a_clock_is_in_the_future() -> None:
    with open_raw(prepare_s=0) as raw:
        everything = raw.rows("sessions")
        raw.sandbox.add_fault("future_clock", event="sessions", every=3, hours=48)
        fewer = raw.rows("sessions")
        assert 0.5 < len(fewer) / len(everything) < 1
        raw.sandbox.clock.advance(48 * 3600)
        later = raw.rows("sessions", tsTo=NOW + 48 * 3600)
        assert len(later) >= len(everything)
        assert max(int(row["tsEvent"]) for row in later) > NOW


@pytest.mark.parametrize("how", ["in_place", "reemitted"])
def test_a_payment_is_verified_otherwise_later(how: str) -> None:
    columns = "inventedTransaction,inventedAmount,isVerified,tsInsert"
    with open_raw(prepare_s=0) as raw:
        before = raw.rows("payments", selectors=columns)
        raw.sandbox.add_fault("verification_change", event="payments", every=2, hours=24, how=how)
        assert raw.rows("payments", selectors=columns) == before
        raw.sandbox.clock.advance(30 * 3600)
        after = raw.rows("payments", selectors=columns)
        again = raw.rows("payments", selectors=columns, availabilityTsTo=BARRIER + 30 * 3600)
        flips = [(old, new) for old, new in zip(before, after, strict=True) if old != new]
        if how == "reemitted":
            assert not flips
            states: dict[str, set[str]] = {}
            for row in again:
                states.setdefault(json.dumps(list(row.values())[:2]), set()).add(row["isVerified"])
            assert {"0", "1"} in states.values()
        else:
            assert flips
            assert {(old["isVerified"], new["isVerified"]) for old, new in flips} <= {
                ("0", "1"),
                ("1", "0"),
            }
            assert [old["tsInsert"] for old, _ in flips] == [new["tsInsert"] for _, new in flips]


def test_a_payment_changes_when_told_so() -> None:
    asked = {"selectors": "inventedTransaction,isVerified"}
    with open_raw(prepare_s=0) as raw:
        paid = next(row for row in raw.rows("payments", **asked) if row["isVerified"] == "1")
        number = paid["inventedTransaction"]
        raw.sandbox.change_verification(number, is_verified=False)
        states = {
            row["isVerified"]
            for row in raw.rows("payments", **asked)
            if row["inventedTransaction"] == number
        }
        assert states == {"0"}
        raw.sandbox.change_verification(number, is_verified=True, how="reemitted")
        raw.sandbox.clock.advance(4 * 3600)
        rows = raw.rows("payments", availabilityTsTo=NOW + 3600, **asked)
        mine = [row["isVerified"] for row in rows if row["inventedTransaction"] == number]
        assert sorted(set(mine)) == ["0", "1"]


def test_faults_can_be_kept_to_an_app_and_a_window(quick: RawClient) -> None:
    quick.sandbox.add_fault("raw_error", app=4_100_002, times=-1, window=BARRIER - 100)
    asked: dict[str, Any] = {"availabilityTsFrom": BARRIER - 3600}
    states = [
        quick.finish(quick.ask(idApp=app, **asked | more))["status"]
        for app, more in (
            ("100001", {}),
            ("100002", {}),
            ("100002", {"availabilityTsTo": BARRIER - 101}),
        )
    ]
    assert states == ["Success!", "Error occurred", "Success!"]

"""The emulated raw export over real sockets: rights, rules, life, files, quotas, controls."""

import gzip
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from connector.sandbox import Sandbox
from connector.sandbox.mytracker.dictionary import events, selectors_of
from tests.integration.raw_export_client import (
    BARRIER,
    COLUMNS,
    EMPTY,
    EXPORT,
    NO_QUOTAS,
    NOW,
    SCENARIO,
    RawClient,
    detail,
    in_order,
    open_raw,
    parse_csv,
    path_of,
    truth_of,
)

DENIED = {"code": 403, "message": "Access denied", "data": None}


@pytest.fixture
def raw() -> Iterator[RawClient]:
    """A sandbox of a test's own; an export takes a minute of its clock."""
    with open_raw() as client:
        yield client


@pytest.fixture(scope="module")
def shared() -> Iterator[RawClient]:
    """One sandbox that does not mind how often it is asked."""
    with open_raw(places=1000, **NO_QUOTAS) as client:
        yield client


def test_an_export_is_made_polled_and_downloaded(raw: RawClient) -> None:
    created = raw.create()
    assert created.json() == {
        "code": 200,
        "message": "Ok",
        "data": {"idRawExport": "11040582"},
    }
    raw.sandbox.clock.advance(20)
    assert raw.get("11040582").json()["data"] == {
        "idRawExport": "11040582",
        "status": "In progress",
        "progress": "33%",
        "isCancellable": True,
    }
    raw.sandbox.clock.advance(20)
    assert raw.state("11040582")["isCancellable"] is False
    raw.sandbox.clock.advance(20)
    state = raw.state("11040582")
    (file,) = state.pop("files")
    assert state == {"idRawExport": "11040582", "status": "Success!"}
    assert file["timestampExpires"] == str(NOW + 60 + 24 * 3600)
    name = r"/storage/download/raw/11040582\.installs\.[0-9a-f]{32}\.0\.csv\.gz"
    assert re.fullmatch(re.escape(raw.sandbox.url) + name, file["link"])
    answer = raw.download(file["link"])
    assert "content-encoding" not in answer.headers
    text = gzip.decompress(answer.content).decode()
    assert text.startswith(f"{COLUMNS}\n")
    assert text.endswith("\n")
    assert in_order(parse_csv(text), COLUMNS.split(",")) == truth_of(
        raw.sandbox, "installs", COLUMNS.split(",")
    )


@pytest.mark.parametrize("path", ["get.json?idRawExport=1", "cancel.json?idRawExport=1"])
def test_what_is_not_signed_well_is_denied(shared: RawClient, path: str) -> None:
    url = f"{shared.sandbox.url}{EXPORT}/{path}"
    good = shared.sign("GET", url)["Authorization"]
    wrong = [
        {},
        {"Authorization": good.replace(":", "1:")},
        {"Authorization": good.replace("AuthHMAC", "Bearer")},
        shared.sign("POST", url),
        shared.sign("GET", url + "&more=1"),
        shared.sign("GET", url, "body"),
    ]
    for headers in wrong:
        answer = shared.http.get(url, headers=headers)
        assert (answer.status_code, answer.json()) == (403, DENIED)
    assert shared.http.get(url, headers={"Authorization": good}).status_code == 404


def test_the_query_counts_as_it_was_sent(shared: RawClient) -> None:
    query = (
        "event=customEvents&eventName%5B%5D=level%5Fstart&selectors=eventName"
        f"&tsFrom=0&tsTo={NOW}&availabilityTsTo={BARRIER}&availabilityTsFrom=0"
    )
    number = shared.send("POST", f"{EXPORT}/create.json?{query}").json()["data"]["idRawExport"]
    (text,) = shared.texts(number)
    assert set(text.splitlines()) == {"eventName", "level_start"}


def test_parameters_may_come_as_a_form(shared: RawClient) -> None:
    body = urlencode(
        [
            *(("event", "installs"), ("selectors[]", "idApp"), ("selectors[]", "tsEvent")),
            *(("tsFrom", "0"), ("tsTo", str(NOW)), ("idApp[0]", "100001")),
        ]
    )
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = shared.send("POST", f"{EXPORT}/create.json", body, **form)
    (text,) = shared.texts(answer.json()["data"]["idRawExport"])
    assert text.startswith("idApp,tsEvent\n100001,")
    spoiled = shared.http.post(
        f"{shared.sandbox.url}{EXPORT}/create.json",
        content=body + "&idAd=1",
        headers=shared.sign("POST", f"{shared.sandbox.url}{EXPORT}/create.json", body) | form,
    )
    assert spoiled.json() == DENIED


@pytest.mark.parametrize("event", events())
def test_every_event_gives_each_row_once(shared: RawClient, event: str) -> None:
    names = selectors_of(event)
    rows = shared.rows(event, selectors=",".join(names))
    wanted = truth_of(shared.sandbox, event, names)
    assert in_order(rows, names) == wanted
    none = {"hits", "userHits", "appleSKANpostbacks", "partnerSKANpostbacks"}
    few = {"appUpdates", "deviceAuthorisations", "reinstalls", "userAuthorisations"}
    assert bool(rows) == (event not in none) or event in few | {"userTrialPayments"}


@pytest.mark.parametrize("bounds", ["inclusive", "exclusive"])
def test_windows_of_hours_make_the_whole(bounds: str) -> None:
    """One second more on both sides, cut to the half-open window, is right for either."""
    with open_raw(bounds=bounds, prepare_s=0, **NO_QUOTAS) as raw:
        found = []
        for low in range(NOW - 26 * 3600, BARRIER, 3600):
            high = min(low + 3600, BARRIER)
            rows = raw.rows("sessions", availabilityTsFrom=low - 1, availabilityTsTo=high)
            found += [row for row in rows if low <= int(row["tsInsert"]) < high]
        rest = raw.rows("sessions", availabilityTsFrom=BARRIER - 1, availabilityTsTo=BARRIER)
        names = COLUMNS.split(",")
        wanted = [r for r in truth_of(raw.sandbox, "sessions", names) if int(r[3]) < BARRIER]
        assert in_order(found, names) == wanted
        assert all(int(row["tsInsert"]) >= BARRIER - 1 for row in rest)


def test_bounds_of_exports_are_inclusive_unless_told_otherwise(shared: RawClient) -> None:
    moments = sorted({int(row["tsInsert"]) for row in shared.rows("sessions")})
    low, high = moments[3], moments[6]
    asked: dict[str, Any] = {"availabilityTsFrom": low, "availabilityTsTo": high}
    rows = shared.rows("sessions", **asked)
    assert {int(row["tsInsert"]) for row in rows} == set(moments[3:7])
    with open_raw(bounds="exclusive") as raw:
        rows = raw.rows("sessions", **asked)
        assert {int(row["tsInsert"]) for row in rows} == set(moments[4:6])


def test_dates_are_days_of_the_time_zone(shared: RawClient) -> None:
    asked: dict[str, Any] = {"selectors": "tsEvent,dtEvent", "tsFrom": None, "tsTo": None}
    day = {"dateFrom": "2026-03-01", "dateTo": "2026-03-01"}
    for zone, offset_s in (("UTC", 0), ("Europe/Moscow", 3 * 3600), (None, 3 * 3600)):
        rows = shared.rows("sessions", timezone=zone, **asked, **day)
        midnight = 1_772_323_200 - offset_s
        assert {row["dtEvent"] for row in rows} == {"2026-03-01"}
        assert {int(row["tsEvent"]) - midnight < 86_400 for row in rows} == {True}
        assert min(int(row["tsEvent"]) for row in rows) >= midnight


def test_apps_and_keys_combine_with_or_and_others_with_and(shared: RawClient) -> None:
    everyone = shared.rows("payments", selectors="idApp,SDKKey,idCountry,isVerified")
    keys = {row["idApp"]: row["SDKKey"] for row in everyone}
    assert [len(key) for key in keys.values()] == [20, 20]
    both = shared.rows("payments", idApp="100001", SDKKey=keys["100002"])
    assert len(both) == len(everyone)
    assert {row["idApp"] for row in shared.rows("payments", idApp="100001")} == {"100001"}
    chosen = shared.rows(
        "payments", selectors="idCountry,isVerified", idCountry="188,200", isVerified=1
    )
    wanted = [r for r in everyone if r["idCountry"] in {"188", "200"} and r["isVerified"] == "1"]
    assert len(chosen) == len(wanted) > 0


def test_event_names_are_kept_or_left_out(shared: RawClient) -> None:
    everything = [r["eventName"] for r in shared.rows("customEvents", selectors="eventName")]
    asked = {"selectors": "eventName", "eventName[]": ["level_start", "search"]}
    kept = [row["eventName"] for row in shared.rows("customEvents", **asked)]
    assert set(kept) == {"level_start", "search"}
    left = [row["eventName"] for row in shared.rows("customEvents", eventNameInvert=1, **asked)]
    assert sorted(kept + left) == sorted(everything)


@pytest.mark.parametrize(
    ("parameters", "text"),
    [
        ({"event": None}, "Argument 'event' is expected but not set"),
        ({"event": "install"}, "Argument 'event' must be in set of allowed tables. Allowed "),
        ({"selectors": None}, "Argument 'selectors' is expected but not set"),
        ({"selectors": "idApp,idNothing"}, "Argument 'selectors' is invalid"),
        ({"selectors": "tsInstall"}, "Argument 'selectors' is invalid"),
        ({"tsFrom": None, "tsTo": None}, "Argument 'dateFrom' is expected but not set"),
        ({"tsTo": None}, "Argument 'tsTo' is expected but not set"),
        ({"tsTo": NOW + 100_000}, "Argument 'tsTo' is expected to be not more than current"),
        ({"tsFrom": 5, "tsTo": 4}, "Argument 'tsFrom' is expected to be not more than 'tsTo'"),
        ({"tsFrom": "noon"}, "Argument 'tsFrom' is invalid"),
        ({"dateFrom": "1969-12-31", "dateTo": "2026-01-01"}, "Argument 'dateFrom' is invalid"),
        ({"dateFrom": "2026-01-01", "dateTo": "2027-01-01"}, "Argument 'dateTo' is invalid"),
        ({"dateFrom": "1.1.2026", "dateTo": "2026-01-01"}, "Argument 'dateFrom' is invalid"),
        ({"availabilityTsTo": BARRIER + 100_000}, "Argument 'availabilityTsTo' is expected to be"),
        ({"availabilityTsTo": None}, "Argument 'availabilityTsTo' is expected but not set"),
        ({"timezone": "Mars/Base"}, "Argument 'timezone' is invalid"),
        ({"isVerified": 1}, "Argument 'isVerified' is invalid"),
        ({"idPurchaseType": 1}, "Argument 'idPurchaseType' is invalid"),
        ({"event": "payments", "idPurchaseType": 3}, "Argument 'idPurchaseType' is invalid"),
        ({"idAdMediator": 1}, "Argument 'idAdMediator' is invalid"),
        ({"eventName[]": "search"}, "Argument 'eventName' is invalid"),
        ({"event": "sessions", "idSegment": 2}, "Argument 'idSegment' is invalid"),
        ({"rooted": 3}, "Argument 'rooted' is invalid"),
        ({"idCountry": "RU"}, "Argument 'idCountry' is invalid"),
        ({"idApp": "100003"}, "Export permissions required to export raw data from an account"),
        ({"SDKKey": "1"}, "Export permissions required to export raw data from an account"),
        ({"idUnheard": 1}, "Argument 'idUnheard' is unknown"),
        (
            {"idCampaign": ",".join(map(str, range(1, 1001)))},
            "Argument 'idCampaign' set size expected to be below 1000",
        ),
    ],
)
def test_wrong_parameters_are_refused_by_name(
    shared: RawClient, parameters: dict[str, Any], text: str
) -> None:
    asked = {"event": "installs"} | parameters
    event = asked.pop("event")
    assert detail(shared.create(event, **asked)).startswith(text)


def test_the_barrier_is_strict_and_999_values_are_fine(raw: RawClient) -> None:
    assert raw.create(availabilityTsTo=BARRIER).status_code == 200
    assert raw.create(availabilityTsTo=BARRIER + 1).status_code == 400
    values = ",".join(map(str, range(999)))
    assert raw.create(idCampaign=values).status_code == 200
    assert [r["detail"] for r in raw.sandbox.mytracker_requests()["refused"]] == [
        "Argument 'availabilityTsTo' is expected to be less than current timestamp minus 3 hours"
    ]


def test_places_are_few_and_foreign_exports_take_some(raw: RawClient) -> None:
    raw.sandbox.add_foreign_exports(2, 600)
    own = raw.ask()
    full = raw.create("sessions")
    error = full.json()["data"]["error"]
    assert detail(full).startswith("Maximum number of simultaneous requests reached. Wait until")
    numbers = [export["idRawExport"] for export in error["info"]["exports"]]
    assert (len(numbers), numbers[-1]) == (3, own)
    assert raw.get(numbers[0]).json() == raw.cancel(numbers[0]).json() == DENIED
    assert [e["is_foreign"] for e in raw.sandbox.mytracker_queue()["exports"]] == [1, 1, 0]
    raw.sandbox.clock.advance(60)
    assert raw.create("sessions").status_code == 200
    assert raw.sandbox.mytracker_requests()["most_queued"] == 3


def test_an_export_can_be_cancelled_while_it_is_young(raw: RawClient) -> None:
    first, second = raw.ask(), raw.ask("sessions")
    cancelled = {"idRawExport": first, "info": "Canceled"}
    assert raw.cancel(first).json()["data"] == cancelled
    assert raw.state(first) == {"idRawExport": first, "status": "Canceled by user"}
    raw.sandbox.clock.advance(50)
    assert detail(raw.cancel(second)) == "This RawExport can not be cancel"
    raw.sandbox.clock.advance(10)
    assert detail(raw.cancel(second)) == "This RawExport can not be cancel (it's completed)"
    unknown = raw.cancel("4")
    assert (unknown.status_code, unknown.json()["message"]) == (404, "Not Found")
    assert unknown.json()["data"]["error"]["detail"] == "Raw export request not found"
    codes = [cancel["code"] for cancel in raw.sandbox.mytracker_requests()["cancels"]]
    assert codes == [200, 400, 400, 404]


def test_polls_can_stand_for_time() -> None:
    with open_raw(prepare_polls=2) as raw:
        number = raw.ask()
        states = [raw.state(number)["status"] for _ in range(3)]
        assert states == ["In progress", "In progress", "Success!"]


def test_parts_have_a_header_each_and_make_the_whole(raw: RawClient) -> None:
    whole = raw.rows("sessions")
    with open_raw(rows_per_part=100) as parted:
        texts = parted.texts(parted.ask("sessions"))
        assert len(texts) == -(-len(whole) // 100) > 2
        assert {text.splitlines()[0] for text in texts} == {COLUMNS}
        assert [row for text in texts for row in parse_csv(text)] == whole


def test_too_many_lines_are_the_users_error() -> None:
    with open_raw(max_rows=50) as raw:
        state = raw.finish(raw.ask("sessions"))
        assert state["status"] == "User error occurred"
        assert state["errorMessage"] == "Too many lines in export"
        assert raw.finish(raw.ask("payments"))["status"] == "Success!"


@pytest.mark.parametrize(
    ("form", "files"), [("list", {"files": []}), ("missing", {}), ("null", {"files": None})]
)
def test_no_rows_can_be_no_files(form: str, files: dict[str, Any]) -> None:
    with open_raw(EMPTY, zero_rows=form) as raw:
        state = raw.finish(raw.ask())
        del state["idRawExport"]
        assert state == {"status": "Success!"} | files


def test_no_rows_are_a_header_otherwise() -> None:
    with open_raw(EMPTY) as raw:
        assert raw.texts(raw.ask()) == [f"{COLUMNS}\n"]


def test_links_die_and_ids_live_a_week(raw: RawClient) -> None:
    number = raw.ask()
    (link,) = raw.links(number)
    raw.sandbox.clock.advance(24 * 3600 - 1)
    assert raw.download(link).status_code == 200
    raw.sandbox.clock.advance(1)
    assert raw.download(link).status_code == 404
    assert raw.state(number)["status"] == "Success!"
    raw.sandbox.clock.advance(7 * 86_400)
    assert raw.get(number).status_code == 404


def test_files_of_the_api_host_are_signed(raw: RawClient) -> None:
    (link,) = raw.links(raw.ask())
    assert raw.http.get(link).json() == DENIED
    assert raw.download(link).status_code == raw.download(f"{link}?auth=1").status_code == 200
    with open_raw(file_auth="optional") as lenient:
        (link,) = lenient.links(lenient.ask())
        assert lenient.http.get(link).status_code == 200
        assert lenient.http.get(f"{link}?auth=1").json() == DENIED
        assert lenient.http.get(link, headers={"Authorization": "AuthHMAC 1:x"}).json() == DENIED


def test_links_can_lead_to_another_host() -> None:
    with open_raw(link_host="storage") as raw:
        (link,) = raw.links(raw.ask())
        assert link.startswith(raw.sandbox.storage_url)
        assert raw.http.get(link).content == raw.download(link).content
        bare, signed = raw.sandbox.mytracker_requests()["storage"]
        assert bare["path"] == signed["path"] == path_of(link)
        assert ("authorization" in bare["headers"], "authorization" in signed["headers"]) == (
            False,
            True,
        )
        host = raw.sandbox.storage_url.removeprefix("http://")
        assert raw.sandbox.env["SOURCES__MYTRACKER__FILE_HOSTS"] == host


def test_quotas_block_to_the_end_of_their_interval(raw: RawClient) -> None:
    codes = [raw.get("1").status_code for _ in range(11)]
    assert codes == [404] * 10 + [429]
    answer = raw.get("1").json()
    second = answer["data"]["error"]["info"]["quotas"][0]
    assert (answer["code"], answer["message"]) == (429, "Too Many Requests")
    assert second == {
        "name": "RequestsByUserPerSecond",
        "count": 12,
        "limit": 10,
        "resetTime": NOW + 1,
        "resetInSecond": 1,
        "exceeded": True,
    }
    raw.sandbox.clock.advance(1)
    shown = raw.send("GET", "/api/open/user/v1/quotas/get.json").json()["data"]["quotas"]
    assert [quota["count"] for quota in shown] == [1, 13, 13, 10]
    assert raw.sandbox.mytracker_requests()["throttled"] == 2


def test_errors_have_a_quota_of_their_own() -> None:
    with open_raw(requests_per_second=0, requests_per_minute=0, errors_per_minute=3) as raw:
        number = raw.ask()
        codes = [raw.get("1").status_code for _ in range(5)]
        assert codes == [404, 404, 404, 404, 429]
        assert raw.get(number).status_code == 429
        raw.sandbox.clock.advance(60)
        assert raw.get(number).status_code == 200


def test_a_real_clock_has_quotas_only_if_asked() -> None:
    real = replace(EMPTY, clock="real")
    with open_raw(real) as raw:
        assert {raw.get("1").status_code for _ in range(30)} == {404}
        assert raw.sandbox.env["SOURCES__MYTRACKER__POLL_SECONDS"] == "0.05"
    with open_raw(real, requests_per_hour=5) as raw:
        assert raw.get("1").status_code == 404
        assert 429 in {raw.get("1").status_code for _ in range(6)}


def test_a_code_can_be_in_the_body_only() -> None:
    with open_raw(code_in="body") as raw:
        answer = raw.get("1")
        assert (answer.status_code, answer.json()["code"]) == (200, 404)


def test_downloads_count_only_if_told_so() -> None:
    for counts, codes in ((False, [200] * 4), (True, [200, 200, 429, 429])):
        with open_raw(requests_per_hour=4, has_download_quota=counts) as raw:
            (link,) = raw.links(raw.ask())
            assert [raw.download(link).status_code for _ in range(4)] == codes


def test_made_up_rows_stand_in_place_of_the_population(raw: RawClient) -> None:
    rows = [
        {"idApp": "100001", "tsInsert": str(BARRIER - 5), "tsEvent": "7", "idPeculiar": "00x"},
        {"idApp": "100002", "tsInsert": str(BARRIER - 5), "tsEvent": None},
        {"idApp": "100002", "tsInsert": str(BARRIER - 500), "tsEvent": "9"},
    ]
    raw.sandbox.add_raw_export("sessions", rows=rows)
    names = "idApp,tsEvent,idPeculiar"
    found = raw.rows("sessions", selectors=names, availabilityTsFrom=BARRIER - 10)
    assert in_order(found, names.split(",")) == [("100001", "7", "00x"), ("100002", "0", "")]
    assert len(raw.rows("sessions", idApp="100002")) == 2
    raw.sandbox.add_raw_export("customEvents", rows=[{"eventName": "bare"}])
    names = "eventName,eventValue,params.name,params.value,tsAttr,idCountry"
    (bare,) = raw.rows("customEvents", selectors=names)
    assert list(bare.values()) == ["bare", "", "[]", "[]", "0", "0"]
    assert len(raw.sandbox.mytracker_truth("sessions")["rows"]) == 3


def test_made_up_files_are_sent_as_they_are(raw: RawClient, tmp_path: Path) -> None:
    paths = []
    for number in range(3):
        path = tmp_path / f"{number}.csv.gz"
        path.write_bytes(gzip.compress(f"idApp\n{number}\n".encode()))
        paths.append(str(path))
    since = BARRIER - 3600
    raw.sandbox.add_raw_export("sessions", path=paths, since=since, until=BARRIER)
    inside: dict[str, Any] = {"availabilityTsFrom": since - 1, "availabilityTsTo": BARRIER}
    links = raw.links(raw.ask("sessions", selectors="idApp", **inside))
    assert [raw.download(link).content for link in links] == [
        Path(path).read_bytes() for path in paths
    ]
    outside = raw.rows("sessions", availabilityTsTo=since - 1)
    assert {row["idApp"] for row in outside} == {"100001", "100002"}
    raw.sandbox.add_raw_export("hits", body="idApp\n7\n")
    assert raw.texts(raw.ask("hits", selectors="idApp")) == ["idApp\n7\n"]
    assert raw.sandbox.mytracker_truth("hits") == {"event": "hits", "rows": [], "unread": 1}


def test_requests_are_kept_with_how_often_they_were_made(raw: RawClient) -> None:
    first = raw.ask()
    raw.sandbox.clock.advance(60)
    again, later = raw.ask(), raw.ask(tsTo=NOW + 60)
    raw.finish(again)
    (link,) = raw.links(later)
    raw.download(link)
    seen = raw.sandbox.mytracker_requests()
    assert [(c["id"], c["times"], c["window_times"]) for c in seen["creates"]] == [
        (first, 1, 1),
        (again, 2, 2),
        (later, 1, 3),
    ]
    assert ["event", "installs"] in seen["creates"][0]["params"]
    assert seen["polls"] == {again: 1, later: 1}
    assert seen["downloads"] == {path_of(link).rpartition("/")[2]: 1}
    assert seen["by_code"] == {"create 200": 3, "get 200": 2, "storage 200": 1}
    assert raw.sandbox.requests()["by_code"] == seen["by_code"]
    raw.sandbox.reset_requests()
    assert raw.sandbox.mytracker_requests()["creates"] == []


def test_every_control_has_an_endpoint(raw: RawClient) -> None:
    with httpx.Client(base_url=f"{raw.sandbox.url}/_sandbox") as control:
        added = control.post("/mytracker_queue", json={"count": 1, "seconds": 60}).json()
        assert added == control.get("/mytracker_queue").json()
        assert len(added["exports"]) == 1
        made = {"event": "hits", "rows": [{"idApp": "1"}]}
        assert control.post("/raw_exports", json=made).json() == {"added": True}
        truth = control.get("/truth/mytracker/hits?zone=Asia/Tokyo").json()
        assert truth["rows"][0]["values"] == {"idApp": "1"}
        payments = raw.sandbox.mytracker_truth("payments")["rows"]
        paid = payments[0]["values"]["inventedTransaction"]
        change = {"transaction": paid, "is_verified": False}
        assert control.post("/mytracker_payments", json=change).json()["rows"] >= 1
        unknown = {"transaction": "none", "is_verified": False}
        assert control.post("/mytracker_payments", json=unknown).status_code == 400
        assert control.get("/mytracker_requests").json()["creates"] == []
        assert control.get("/truth/mytracker/install").status_code == 400
        assert control.post("/mytracker_secret", json={"secret": "new"}).json()
        assert control.post("/mytracker_secret", json={"secret": ""}).status_code == 400
        assert raw.get("1").json() == DENIED
        raw.secret = "new"
        assert raw.get("1").status_code == 404


@pytest.mark.parametrize(
    "declared",
    [
        {"event": "install", "rows": []},
        {"event": "hits"},
        {"event": "hits", "rows": [], "body": ""},
        {"event": "hits", "path": "nowhere.csv.gz"},
        {"event": "hits", "rows": [1]},
        {"event": "hits", "rows": [], "app": 1},
        {"event": "hits", "body_base64": "*"},
    ],
)
def test_wrong_made_up_exports_are_refused(shared: RawClient, declared: dict[str, Any]) -> None:
    answer = httpx.post(f"{shared.sandbox.url}/_sandbox/raw_exports", json=declared)
    assert (answer.status_code, "raw export" in answer.json()["error"]) == (400, True)


def test_the_environment_says_what_to_ask_for() -> None:
    with Sandbox(SCENARIO) as sandbox:
        prefix = "SOURCES__MYTRACKER__"
        env = {k.removeprefix(prefix): v for k, v in sandbox.env.items() if k.startswith(prefix)}
        assert (env["BASE_URL"], env["API_USER_ID"]) == (sandbox.url, "77001")
        assert (env["ID_APPS"], env["START"]) == ("100001,100002", "2026-03-01")
        selectors, roles = json.loads(env["SELECTORS"]), json.loads(env["ROLES"])
        assert list(selectors) == env["EVENTS"].split(",")
        for event, names in selectors.items():
            assert set(names) <= set(selectors_of(event))
        for event, meaning in roles.items():
            assert set(meaning.values()) <= set(selectors[event])
        assert not {"POLL_SECONDS", "FILE_HOSTS"} & env.keys()

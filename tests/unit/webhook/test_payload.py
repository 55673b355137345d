"""Bodies: what is recorded of a good one, and the clear refusal of every other."""

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from connector.webhook.payload import is_allowed_link, read_delivery, read_event
from connector.webhook.refusal import Refusal
from tests.unit.webhook.deliveries import HOST, LINK, NOW, encode, make_body, make_reception

HOSTS = (HOST, "files.example:8443", "127.0.0.1", "localhost:9000", "[::1]:9000")


def read(body: dict[str, Any], recipe: str = "A", delivery_id: str = "dlv_1") -> Any:
    return read_delivery(read_event(encode(body)), make_reception(recipe), delivery_id, NOW)


def test_a_delivery_is_read_whole() -> None:
    found = read(make_body("exp_1", dateRange={"start": "2026-02-01", "end": "2026-02-28"}))
    assert (found.export_id, found.delivery_id, found.url) == ("exp_1", "dlv_1", LINK)
    assert (found.start_on, found.end_on) == (date(2026, 2, 1), date(2026, 2, 28))
    assert found.expires_at == datetime(2026, 3, 8, tzinfo=UTC)
    assert found.received_at == NOW


def test_the_general_envelope_and_unknown_keys_are_accepted() -> None:
    more = {"timestamp": "2026-03-02T05:59:59Z", "webhookId": "wh_1", "later": [1]}
    assert read(make_body(rowCount=5, extra={}) | more) == read(make_body())


def test_a_link_need_not_say_when_it_dies() -> None:
    assert read(make_body(expiresAt=None)).expires_at is None


@pytest.mark.parametrize("told", [{"exportId": 7}, {"exportId": None, "jobId": "7"}, {"id": 7}])
def test_an_id_may_be_a_number_and_have_another_name(told: dict[str, Any]) -> None:
    body = make_body()
    body["data"] = {key: item for key, item in body["data"].items() if key != "exportId"} | told
    assert read(body).export_id == "7"


def test_the_event_may_be_called_type() -> None:
    body = make_body()
    body["type"] = body.pop("event")
    assert read(body) == read(make_body())


@pytest.mark.parametrize("link", [LINK, "http://10.0.0.1/x", None, 7])
def test_with_recipe_d_nothing_is_kept_that_nobody_vouches_for(link: object) -> None:
    found = read(make_body(downloadUrl=link, expiresAt="never"), "D")
    assert (found.url, found.expires_at) == ("", None)
    assert replace(found, url=LINK, expires_at=datetime(2026, 3, 8, tzinfo=UTC)) == read(
        make_body()
    )


@pytest.mark.parametrize("delivery_id", ["", "a b", "x" * 201, "ü", "a\nb"])
def test_a_delivery_id_that_is_none_is_left_out(delivery_id: str) -> None:
    assert read(make_body(), delivery_id=delivery_id).delivery_id == ""


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", "no JSON"),
        (b"{", "no JSON"),
        (b"\xff\xfe", "no JSON"),
        ("{}".encode("utf-16"), "no JSON"),
        (b"[" * 60_000, "no JSON"),
        (b'{"event": ' + b"9" * 5_000 + b"}", "no JSON"),
        (b"[]", "no JSON object"),
        (b"null", "no JSON object"),
        (b'"export.ready"', "no JSON object"),
        (b"{}", "`event`"),
        (b'{"event": null}', "`event`"),
        (b'{"event": ["export.ready"]}', "`event`"),
    ],
)
def test_bodies_that_are_none_are_refused(raw: bytes, said: str) -> None:
    with pytest.raises(Refusal, match=said) as refused:
        read_event(raw)
    assert refused.value.status == 400


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"exportId": None}, "exportId"),
        ({"exportId": ""}, "exportId"),
        ({"exportId": 7.5}, "exportId"),
        ({"exportId": True}, "exportId"),
        ({"exportId": ["a"]}, "exportId"),
        ({"exportId": "../../etc/passwd"}, "exportId"),
        ({"exportId": ".."}, "exportId"),
        ({"exportId": "a\nb"}, "exportId"),
        ({"exportId": "\ud800".encode("utf-8", "surrogatepass").decode("latin-1")}, "exportId"),
        ({"exportId": "x" * 201}, "exportId"),
        ({"dateRange": None}, "dateRange"),
        ({"dateRange": "2026-03-01"}, "dateRange"),
        ({"dateRange": {"start": "2026-03-01"}}, "dateRange"),
        ({"dateRange": {"start": "2026-03-02", "end": "2026-03-01"}}, "dateRange"),
        ({"dateRange": {"start": "2026-02-30", "end": "2026-03-01"}}, "dateRange"),
        ({"dateRange": {"start": "20260301", "end": "20260301"}}, "dateRange"),
        ({"downloadUrl": None}, "downloadUrl"),
        ({"downloadUrl": ""}, "downloadUrl"),
        ({"downloadUrl": 7}, "downloadUrl"),
        ({"downloadUrl": f"https://{HOST}/a b"}, "downloadUrl"),
        ({"downloadUrl": f"https://{HOST}/\n"}, "downloadUrl"),
        ({"downloadUrl": f"https://{HOST}/" + "x" * 9000}, "downloadUrl"),
        ({"downloadUrl": "https://elsewhere.example/x"}, "download_hosts"),
        ({"expiresAt": "tomorrow"}, "expiresAt"),
        ({"expiresAt": 7}, "expiresAt"),
    ],
)
def test_the_field_that_is_wrong_is_named(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(Refusal, match=said) as refused:
        read(make_body(**changes))
    assert refused.value.status == 400
    assert not any(str(value) in refused.value.text for value in changes.values() if value)


@pytest.mark.parametrize("data", [None, [], "x", 7])
def test_data_that_is_no_object_is_refused(data: object) -> None:
    with pytest.raises(Refusal, match="`data`"):
        read({"event": "export.ready", "data": data})


@pytest.mark.parametrize(
    "link",
    [
        f"https://{HOST}/x",
        f"HTTPS://{HOST.upper()}/x",
        f"https://{HOST}:443/x",
        f"https://{HOST}:8443/x",
        "https://files.example:8443/x?a=b#c",
        "https://127.0.0.1/x",
        "http://127.0.0.1:5000/x",
        "http://localhost:9000/x",
        "http://[::1]:9000/x",
    ],
)
def test_links_to_named_hosts_are_allowed(link: str) -> None:
    assert is_allowed_link(link, HOSTS)


@pytest.mark.parametrize(
    "link",
    [
        f"http://{HOST}/x",
        f"ftp://{HOST}/x",
        f"//{HOST}/x",
        HOST,
        f"https://{HOST}.evil.example/x",
        f"https://{HOST}@evil.example/x",
        f"https://user:password@{HOST}/x",
        f"https://evil.example/{HOST}",
        f"https://evil.example#{HOST}",
        f"https://{HOST}:99999/x",
        f"https://{HOST}./x",
        "https://files.example/x",
        "https://files.example:443/x",
        "https://10.0.0.1/x",
        "https://169.254.169.254/latest/meta-data",
        "http://localhost:9001/x",
        "http://[::1]/x",
        "https://[::1/x",
        "https:///x",
        "",
    ],
)
def test_other_links_are_not(link: str) -> None:
    assert not is_allowed_link(link, HOSTS)


def test_plain_http_is_for_hosts_that_the_user_named() -> None:
    body = make_body(downloadUrl="http://files.internal:9000/x")
    named = make_reception(download_hosts=["files.internal:9000"])
    assert read_delivery(read_event(encode(body)), named, "", NOW).url.startswith("http://")
    with pytest.raises(Refusal, match="download_hosts"):
        read(make_body(downloadUrl=f"http://{HOST}/x"))

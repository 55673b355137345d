"""AuthHMAC: the vendor's sample and five computed vectors, through httpx as it really sends."""

import httpx
import pytest

from connector.sources.mytracker.signing import AuthHMAC, origin_of, sign
from tests.unit.engine.vendor import answer, connect, serve

BASE = "https://tracker.my.com"
EXPORT = f"{BASE}/api/raw/v1/export"
USER, KEY = "77658", "72d2erEtbynf6f7ZYTsYKnb7"  # the sample of the vendor's documentation
PERIOD = "dateFrom=2022-05-01&dateTo=2022-05-31"
NAME = "eventName%5B%5D=a%20b"  # signed as eventName%255B%255D%3Da%2520b
FILE = f"{BASE}/storage/download/raw/4.payment.26c427ac8680888803ee05e34835b6dd.0.csv.gz"
VECTORS = [
    ("GET", f"{EXPORT}/get.json?idReport=4", "", "PqrQR8zsgQU9Qcocjp6T6hnjF8Y="),
    ("GET", f"{EXPORT}/get.json?idRawExport=4", "", "sSwR8JbiRcVcOcbDiIbAyHdHTDo="),
    (
        "POST",
        f"{EXPORT}/create.json?event=installs&selectors=idApp,tsEvent&{PERIOD}&idApp=1",
        "",
        "142CghxqVTNsgD7nz8MARNHQi/8=",
    ),
    (
        "POST",
        f"{EXPORT}/create.json?event=customEvents&{NAME}&selectors=tsEvent&tsFrom=1&tsTo=2",
        "",
        "hptdmDtCVJvTey9l23hT4tOhLa0=",
    ),
    (
        "POST",
        f"{EXPORT}/create.json",
        f"event=installs&selectors=idApp%2CtsEvent&{PERIOD}",
        "/uRcc0tyxx7gbOuEHGOHw4/2GME=",
    ),
    ("GET", f"{FILE}?auth=1", "", "g1/yL0FJ5PYoG+4EPgHB55Ft3Us="),
]
NAMES = ["published", "get", "create", "brackets", "body", "file"]


def make_auth(base_url: str = BASE) -> AuthHMAC:
    return AuthHMAC(USER, KEY, base_url)


def send(method: str, url: str, body: str = "", auth: AuthHMAC | None = None) -> httpx.Request:
    """The request as it leaves the client."""
    sent: list[httpx.Request] = []

    def take(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return httpx.Response(200)

    with httpx.Client(transport=httpx.MockTransport(take), auth=auth or make_auth()) as client:
        client.request(method, url, content=body or None)
    return sent[0]


@pytest.mark.parametrize(("method", "url", "body", "signature"), VECTORS, ids=NAMES)
def test_signature_is_that_of_the_contract(
    method: str, url: str, body: str, signature: str
) -> None:
    assert sign(KEY, method, url, body) == signature
    assert sign(KEY, method.lower(), url, body) == signature


@pytest.mark.parametrize(("method", "url", "body", "signature"), VECTORS, ids=NAMES)
def test_request_is_signed_as_it_is_sent(method: str, url: str, body: str, signature: str) -> None:
    request = send(method, url, body)
    assert (str(request.url), request.content.decode()) == (url, body)
    assert request.headers["Authorization"] == f"AuthHMAC {USER}:{signature}"


def test_parameters_are_signed_in_the_order_they_are_sent() -> None:
    forth, back = (sign(KEY, "GET", f"{EXPORT}/get.json?{q}") for q in ("a=1&b=2", "b=2&a=1"))
    assert forth != back


def test_what_httpx_encodes_is_signed_encoded() -> None:
    request = send("GET", f"{EXPORT}/get.json?name=й x")
    sent = f"{EXPORT}/get.json?name=%D0%B9%20x"
    assert str(request.url) == sent
    assert request.headers["Authorization"].endswith(sign(KEY, "GET", sent))


def test_port_is_signed_where_it_is_sent() -> None:
    auth, url = make_auth("http://127.0.0.1:8080"), "http://127.0.0.1:8080/get.json?a=1"
    assert send("GET", url, auth=auth).headers["Authorization"].endswith(sign(KEY, "GET", url))
    with_default = send("GET", f"{BASE}:443/get.json?a=1")
    assert with_default.headers["Authorization"].endswith(sign(KEY, "GET", f"{BASE}/get.json?a=1"))


@pytest.mark.parametrize(
    "url",
    [
        "http://tracker.my.com/api/raw/v1/export/get.json",
        "https://tracker.my.com:8443/api/raw/v1/export/get.json",
        "https://tracker.my.com.evil.example/api/raw/v1/export/get.json",
        "https://evil.example/tracker.my.com",
        "https://rawdata.hb.bizmrg.com/4.payment.0.csv.gz",
    ],
)
def test_another_origin_gets_no_signature(url: str) -> None:
    assert "Authorization" not in send("GET", url).headers


def test_origin_may_be_allowed_besides() -> None:
    auth, url = make_auth(), "https://rawdata.hb.bizmrg.com/4.payment.0.csv.gz?x=1"
    auth.allow("https://rawdata.hb.bizmrg.com/other")
    assert send("GET", url, auth=auth).headers["Authorization"].endswith(sign(KEY, "GET", url))
    assert "Authorization" not in send("GET", url.replace("https", "http"), auth=auth).headers


def test_header_of_a_former_request_is_taken_off() -> None:
    request = httpx.Request("GET", "https://evil.example/x", headers={"Authorization": "old"})
    flow = make_auth().auth_flow(request)
    assert "Authorization" not in next(flow).headers


def test_redirect_is_not_followed_with_a_signature() -> None:
    with serve(answer(b"{}")) as other:
        moved = answer(status=302, Location=f"{other.url}/file")
        with serve(moved) as vendor:
            auth = make_auth(vendor.url)
            options = {"auth": auth, "follows_redirects": False}
            with (
                connect(vendor.url, **options) as client,
                client.stream("/get.json", accept=(302,)) as response,
            ):
                assert response.status_code == 302
            with connect(vendor.url, auth=auth) as client, client.stream("/get.json"):
                pass
    assert [f"AuthHMAC {USER}:" in request for request in vendor.requests] == [True, True]
    (request,) = other.requests
    assert "authorization" not in request.lower()


def test_secret_is_never_part_of_a_request() -> None:
    request = send("POST", f"{EXPORT}/create.json?event=installs", "a=1")
    sent = f"{request.url}{request.headers}{request.content.decode()}"
    assert KEY not in sent


def test_origin_is_scheme_host_and_port() -> None:
    assert origin_of("https://Tracker.my.com/x") == ("https", "tracker.my.com", 443)
    assert origin_of("http://127.0.0.1:81") == ("http", "127.0.0.1", 81)

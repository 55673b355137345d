"""The vendor's published key pair (a sample of its documentation) and what it signs."""

import pytest

from connector.sandbox.mytracker.signature import is_signed, sign_request

USER, SECRET = "77658", "72d2erEtbynf6f7ZYTsYKnb7"
HOST = "https://tracker.my.com"
E = f"{HOST}/api/raw/v1/export"
NAME = "4.payment.26c427ac8680888803ee05e34835b6dd.0.csv.gz"
FORM = "event=installs&selectors=idApp%2CtsEvent&dateFrom=2022-05-01&dateTo=2022-05-31"
QUERY = "event=installs&selectors=idApp,tsEvent&dateFrom=2022-05-01&dateTo=2022-05-31&idApp=1"
NAMES = "event=customEvents&eventName%5B%5D=a%20b&selectors=tsEvent&tsFrom=1&tsTo=2"
VECTORS = [
    ("GET", f"{E}/get.json?idReport=4", "", "PqrQR8zsgQU9Qcocjp6T6hnjF8Y="),
    ("GET", f"{E}/get.json?idRawExport=4", "", "sSwR8JbiRcVcOcbDiIbAyHdHTDo="),
    ("POST", f"{E}/create.json?{QUERY}", "", "142CghxqVTNsgD7nz8MARNHQi/8="),
    ("POST", f"{E}/create.json?{NAMES}", "", "hptdmDtCVJvTey9l23hT4tOhLa0="),
    ("POST", f"{E}/create.json", FORM, "/uRcc0tyxx7gbOuEHGOHw4/2GME="),
    ("GET", f"{HOST}/storage/download/raw/{NAME}?auth=1", "", "g1/yL0FJ5PYoG+4EPgHB55Ft3Us="),
]


@pytest.mark.parametrize(("method", "url", "body", "signature"), VECTORS)
def test_every_vector_of_the_contract(method: str, url: str, body: str, signature: str) -> None:
    assert sign_request(method, url, body.encode(), SECRET) == signature
    assert sign_request(method.lower(), url, body.encode(), SECRET) == signature
    header = f"AuthHMAC {USER}:{signature}"
    assert is_signed(header, method, url, body.encode(), (USER, SECRET))


@pytest.mark.parametrize(
    "header", ["", "AuthHMAC", "AuthHMAC 77658:", "AuthHMAC :x", "OAuth x", "AuthHMAC 77658:ünlaut"]
)
def test_a_header_that_is_none(header: str) -> None:
    method, url, body, _ = VECTORS[0]
    assert not is_signed(header, method, url, body.encode(), (USER, SECRET))

"""Signatures: the contract's vector, every recipe by itself, time, rotation, and what is forged."""

from datetime import UTC, datetime, timedelta

import pytest

from connector.webhook.refusal import Refusal
from connector.webhook.signature import SIGNATURE, TIMESTAMP, check_signature, read_stamp
from tests.unit.webhook.deliveries import NOW, OLD_SECRET, SECRET, make_reception, sign

RAW = '{"event": "export.ready", "note": "\u2028 ü"}'.encode()
STAMP = str(int(NOW.timestamp()))


def accepts(
    headers: dict[str, str],
    raw: bytes = RAW,
    *,
    recipe: str = "A",
    segment: str = "",
    secrets: str = SECRET,
    now: datetime = NOW,
) -> bool:
    try:
        check_signature(make_reception(recipe, webhook_secret=secrets), headers, raw, segment, now)
    except Refusal as refusal:
        return refusal.status != 401
    return True


def test_the_vector_of_the_contract() -> None:
    digest = "87d3ed18b9b403e7da0fc3a3ae8b9394303805a049ea06f87c2ef4380b521fa9"
    headers = {TIMESTAMP: "1700000000", SIGNATURE: f"sha256={digest}"}
    at = datetime.fromtimestamp(1_700_000_000, UTC)
    assert accepts(headers, b"{}", secrets="test-secret", now=at)
    assert not accepts(headers, b"{ }", secrets="test-secret", now=at)
    assert not accepts(headers, b"{}", secrets="test-secret2", now=at)


@pytest.mark.parametrize("recipe", ["A", "B", "C"])
def test_one_recipe_is_valid_and_no_other_is_tried(recipe: str) -> None:
    for other in "ABC":
        assert accepts(sign(RAW, recipe=other), recipe=recipe) == (other == recipe)
    assert not accepts({}, recipe=recipe)
    assert not accepts({TIMESTAMP: STAMP}, recipe=recipe, segment=SECRET)


def test_with_recipe_d_the_url_holds_the_secret() -> None:
    assert accepts({}, recipe="D", segment=SECRET)
    assert accepts({}, recipe="D", segment=OLD_SECRET, secrets=f"{SECRET},{OLD_SECRET}")
    for wrong in ("", SECRET[:-1], f"{SECRET}x", SECRET.upper(), "ключ", "\udcff"):
        assert not accepts(sign(RAW), recipe="D", segment=wrong)


@pytest.mark.parametrize("recipe", ["A", "B", "C"])
def test_while_a_secret_is_replaced_both_are_valid(recipe: str) -> None:
    both = f"{SECRET},{OLD_SECRET}"
    for secret in (SECRET, OLD_SECRET):
        assert accepts(sign(RAW, recipe=recipe, secret=secret), recipe=recipe, secrets=both)
    assert not accepts(sign(RAW, recipe=recipe, secret=both), recipe=recipe, secrets=both)
    assert not accepts(sign(RAW, recipe=recipe, secret=OLD_SECRET), recipe=recipe)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "sha256=",
        "sha256=zz",
        "sha256=" + "ü" * 64,
        "SHA256=" + "0" * 64,
        "sha256=" + "0" * 63,
        "sha256=" + "0" * 65,
        "sha256= " + "0" * 64,
        "sha256=" + "0 " * 32,
        "0" * 64,
        "\udcff\udcfe",
    ],
)
def test_headers_of_another_form_are_refused(value: str) -> None:
    assert not accepts({TIMESTAMP: STAMP, SIGNATURE: value})


def test_upper_case_digits_are_the_same_bytes() -> None:
    headers = sign(RAW)
    headers[SIGNATURE] = "sha256=" + headers[SIGNATURE].removeprefix("sha256=").upper()
    assert accepts(headers)


@pytest.mark.parametrize(
    ("off_s", "is_fresh"), [(-301, False), (-300, True), (0, True), (300, True), (301, False)]
)
@pytest.mark.parametrize("recipe", ["A", "B", "C"])
def test_stale_and_future_deliveries_are_refused(off_s: int, is_fresh: bool, recipe: str) -> None:
    moment = NOW + timedelta(seconds=off_s)
    for stamp in (str(int(moment.timestamp())), moment.isoformat(), f"{moment:%Y-%m-%dT%H:%M:%SZ}"):
        assert accepts(sign(RAW, recipe=recipe, stamp=stamp), recipe=recipe) == is_fresh


def test_only_recipe_a_needs_a_timestamp() -> None:
    accepted = {r: accepts(sign(RAW, recipe=r, stamp=""), recipe=r) for r in "ABC"}
    assert accepted == {"A": False, "B": True, "C": True}


def test_a_timestamp_changed_on_the_way_is_refused() -> None:
    headers = sign(RAW, stamp=str(int(NOW.timestamp()) - 1000))
    assert not accepts(headers | {TIMESTAMP: STAMP})


@pytest.mark.parametrize("text", ["", "soon", "2026-03-02", "1e9", "-5", "9" * 12, "١٢٣"])
def test_what_is_no_moment(text: str) -> None:
    assert read_stamp(text) is None
    assert not accepts(sign(RAW, stamp=text))


@pytest.mark.parametrize(
    "text", [STAMP, "2026-03-02T06:00:00Z", "2026-03-02T06:00:00", "2026-03-02T09:00:00.000+03:00"]
)
def test_every_spelling_of_a_moment(text: str) -> None:
    assert read_stamp(text) == NOW

"""The receiver's settings: defaults, every form of a list, and errors that say where to set what."""

from typing import Any

import pytest

from connector.errors import ConfigError
from connector.webhook import read_reception


def test_defaults_are_those_of_the_contract() -> None:
    reception = read_reception({"webhook_secret": "whsec_1"})
    assert reception.recipe == "A"
    assert reception.secrets == (b"whsec_1",)
    assert reception.tolerance_s == 300
    assert reception.download_hosts == ("exports.shortkit.dev",)


@pytest.mark.parametrize("value", ["new,old", " new , old ", ["new", "old"], '["new", "old"]'])
def test_two_secrets_are_valid_while_one_is_replaced(value: object) -> None:
    assert read_reception({"webhook_secret": value}).secrets == (b"new", b"old")


@pytest.mark.parametrize("value", [None, "", " ", [], ",", "[]"])
def test_a_missing_secret_is_named_with_its_place(value: object) -> None:
    with pytest.raises(
        ConfigError, match=r"shortkit\.webhook_secret is not set.*secrets\.toml"
    ) as e:
        read_reception({"webhook_secret": value})
    assert "SOURCES__SHORTKIT__WEBHOOK_SECRET" in str(e.value)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"webhook_secret": "one,two,three"}, "holds 3 secrets"),
        ({"webhook_secret": "[two"}, "no list of texts"),
        ({"webhook_secret": 2.5}, "no list of texts"),
        ({"webhook_secret": "a/b", "signature": "D"}, "slash"),
        ({"webhook_secret": "one", "signature": "E"}, "signature is 'E'"),
        ({"webhook_secret": "one", "signature": "a"}, "one of A, B, C, D"),
        ({"webhook_secret": "one", "webhook_tolerance_seconds": 0}, "between 1 and"),
    ],
)
def test_wrong_values_are_refused(values: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said) as error:
        read_reception(values)
    assert "two" not in str(error.value).replace("two are", "")


def test_secrets_are_in_no_text() -> None:
    assert "whsec" not in repr(read_reception({"webhook_secret": "whsec_1,whsec_2"}))

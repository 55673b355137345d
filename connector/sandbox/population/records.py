"""What a device does, as the emulated collectors see it: sessions, and records in time."""

from dataclasses import dataclass
from typing import Literal

from connector.sandbox.population.people import Device, Install, Source

Kind = Literal[
    "install",
    "verdict",
    "session_start",
    "session_end",
    "event",
    "push_token",
    "crash",
    "error",
    "click",
    "purchase",
    "shopping",
    "ad_view",
    "deeplink",
]


@dataclass(frozen=True, slots=True)
class Session:
    """One visit. Times are true unix seconds; `upload_delay_s` is how late its records arrive."""

    id: int
    install: Install
    is_foreground: bool
    start_at: int
    end_at: int
    app_version: str
    app_build: str
    is_wifi: bool
    upload_delay_s: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """The fraud check of an installation came back."""

    install: Install
    status: str


@dataclass(frozen=True, slots=True)
class Action:
    """An app event; `text` is its attributes, usually JSON."""

    name: str
    text: str
    origin: str
    tests: str


@dataclass(frozen=True, slots=True)
class Failure:
    """A crash or an error; `id` and `group_id` are unsigned 64-bit."""

    name: str
    text: str
    id: int
    group_id: int


@dataclass(frozen=True, slots=True)
class Touch:
    """A click on a tracking link, or an impression of it."""

    source: Source
    is_bot: bool


@dataclass(frozen=True, slots=True)
class Purchase:
    """A payment; a refund has a negative `price`, a decimal text in `currency` per item."""

    product_id: str
    order_id: str
    price: str
    currency: str
    quantity: int
    verified: str
    subtype: str


@dataclass(frozen=True, slots=True)
class Shopping:
    """One row of an e-commerce call; a purchase of several goods is several of them.

    `price` and `list_price` are decimal texts in `currency`; "" where there is no product.
    """

    step: str
    screen: str
    query: str
    product_id: str
    product_name: str
    category: str
    price: str
    list_price: str
    currency: str
    quantity: str
    order_id: str


@dataclass(frozen=True, slots=True)
class AdView:
    """An ad impression and what it earned, a decimal text in US dollars."""

    network: str
    form: str
    unit: int
    earned: str
    is_autocollected: bool


@dataclass(frozen=True, slots=True)
class Link:
    """The app was opened by a deep link."""

    path: str
    parameters: str
    source: Source | None


Payload = (
    Install
    | Verdict
    | Action
    | Failure
    | Touch
    | Purchase
    | Shopping
    | AdView
    | Link
    | Session
    | str
)


@dataclass(frozen=True, slots=True)
class Record:
    """One fact about a device, in unix seconds UTC.

    `happened_at` is the true time, `occurred_at` what the device's clock said, `received_at` when
    a server got it, `processed_at` when it entered the pipeline (what windows are cut by);
    `order` is its number in the device's life and breaks ties. `session` is None for clicks.
    """

    kind: Kind
    device: Device
    session: Session | None
    happened_at: int
    occurred_at: int
    received_at: int
    processed_at: int
    order: int
    payload: Payload

"""What a device does inside one session: events, failures, purchases, shopping, ads, links."""

from random import Random
from typing import Protocol

from connector.sandbox.population.people import Device, make_guid
from connector.sandbox.population.records import (
    Action,
    AdView,
    Failure,
    Kind,
    Link,
    Payload,
    Purchase,
    Session,
)
from connector.sandbox.population.shopping import shop
from connector.sandbox.population.vocabulary import (
    AD_NETWORKS,
    AD_TYPES,
    AWKWARD_NUL_PAYLOAD,
    AWKWARD_PAYLOADS,
    CRASHES,
    ERRORS,
    EVENTS,
    PRODUCTS,
    RATES,
)


class Setting(Protocol):
    """The facts about an app that shape what is done in it."""

    @property
    def genre(self) -> str: ...
    @property
    def awkward_share(self) -> float: ...
    @property
    def has_nul(self) -> bool: ...


class Actor(Protocol):
    """Who acts: a device's life, with its dice and its pen."""

    @property
    def device(self) -> Device: ...
    @property
    def rng(self) -> Random: ...
    @property
    def world(self) -> Setting: ...

    def write(
        self, kind: Kind, session: Session | None, happened_at: int, delay_s: int, payload: Payload
    ) -> None: ...


def act(actor: Actor, session: Session) -> None:
    """Write everything that happens in `session`."""
    rng, delay_s = actor.rng, session.upload_delay_s
    if rng.random() < 0.05:
        _open_link(actor, session)
    if session.start_at - session.install.installed_at < 60 or rng.random() < 0.02:
        token = f"{make_guid(rng)}:{rng.getrandbits(96):x}"
        actor.write("push_token", session, session.start_at + 2, delay_s, token)
    if not session.is_foreground:
        _send_events(actor, session, 1)
        return
    _send_events(actor, session, 1 + int(rng.expovariate(1 / 6.5)))
    if actor.world.genre == "shop":
        shop(actor.write, rng, session, actor.device.place.currency)
    else:
        _watch_ads(actor, session)
    if rng.random() < (0.35 if actor.device.is_payer else 0.003):
        _pay(actor, session)
    _fail(actor, session)


def _send_events(actor: Actor, session: Session, count: int) -> None:
    rng, world = actor.rng, actor.world
    names = EVENTS[world.genre]
    step_s = (session.end_at - session.start_at) / (count + 1)
    for number in range(1, count + 1):
        happened_at = session.start_at + int(step_s * number)
        draw = rng.random()
        action = _make_action(rng, world, names[int(draw * len(names))])
        delay_s = session.upload_delay_s
        actor.write("event", session, happened_at, delay_s, action)
        if draw < 0.003:
            # A retry of the SDK: the same row once more, which no vendor removes.
            actor.write("event", session, happened_at, delay_s, action)


def _make_action(rng: Random, world: Setting, name: str) -> Action:
    draw = rng.random()
    if draw < world.awkward_share:
        pool = (*AWKWARD_PAYLOADS, AWKWARD_NUL_PAYLOAD) if world.has_nul else AWKWARD_PAYLOADS
        return Action(name, rng.choice(pool), "sdk", "")
    number = int(draw * 1000)
    text = "" if number % 9 == 0 else f'{{"level":{number % 60},"score":{number * 17},"ok":true}}'
    origin = "import_api" if number % 97 == 0 else "sdk"
    return Action(name, text, origin, "[1017,1020]" if number % 11 == 0 else "")


def _watch_ads(actor: Actor, session: Session) -> None:
    rng = actor.rng
    if actor.device.is_payer or rng.random() < 0.55:
        return
    for number in range(1, 2 + int(rng.random() * 2)):
        form = AD_TYPES[int(rng.random() ** 2 * len(AD_TYPES))]
        micros = int(rng.expovariate(1 / 2500))
        earned = f"{micros // 1_000_000}.{micros % 1_000_000:06d}{rng.randrange(1000):03d}"
        view = AdView(rng.choice(AD_NETWORKS), form, rng.randrange(1, 9), earned, number % 2 == 0)
        happened_at = min(session.start_at + 15 * number, session.end_at)
        actor.write("ad_view", session, happened_at, session.upload_delay_s, view)


def _pay(actor: Actor, session: Session) -> None:
    rng = actor.rng
    product, _, dollars = rng.choice(PRODUCTS[actor.world.genre])
    number = rng.getrandbits(48)
    order = f"ord-{number:012x}"
    currency = "USD" if number % 8 else actor.device.place.currency  # most stores charge in dollars
    price = f"{float(dollars) * float(RATES[currency]):.2f}"
    quantity = 1 + (rng.random() < 0.1)
    draw = rng.random()
    verified = "true" if draw < 0.8 else "false" if draw < 0.88 else "undefined"
    subtype = "subscription_started" if product == "pass_month" else ""
    payment = Purchase(product, order, price, currency, quantity, verified, subtype)
    happened_at = (session.start_at + session.end_at) // 2
    actor.write("purchase", session, happened_at, session.upload_delay_s, payment)
    if rng.random() < 0.1:
        refund = Purchase(product, order, f"-{price}", currency, quantity, verified, "refund")
        actor.write("purchase", session, happened_at, 3600 + rng.randrange(90_000), refund)


def _fail(actor: Actor, session: Session) -> None:
    rng, draw = actor.rng, actor.rng.random()
    if draw < 0.012:
        name, text = CRASHES[int(draw * 1e6) % len(CRASHES)]
        stack = f"{name}\n\t" + text.format(app=actor.world.genre, n=rng.randrange(100, 140))
        group_id = (1 << 63) + 97 * sum(map(ord, name))
        crash = Failure(name, stack, rng.getrandbits(64), group_id)
        actor.write("crash", session, session.end_at, session.upload_delay_s + 30, crash)
    elif draw < 0.045:
        name, text = rng.choice(ERRORS)
        error = Failure(name, text.format(n=rng.randrange(900)), rng.getrandbits(64), 0)
        actor.write("error", session, session.end_at, session.upload_delay_s, error)


def _open_link(actor: Actor, session: Session) -> None:
    rng, source = actor.rng, actor.device.source
    parameters = f"ref={rng.randrange(50)}&q=a%2Cb&title=%22new%22"
    link = Link(f"/offer/{rng.randrange(20)}", parameters, source if rng.random() < 0.4 else None)
    actor.write("deeplink", session, session.start_at, session.upload_delay_s, link)

"""Devices, where they come from, and their installations."""

from dataclasses import dataclass
from random import Random

from connector.sandbox.population.vocabulary import (
    MATCH_TYPES,
    OS_VERSIONS,
    PHONES,
    PLACE_WEIGHTS,
    PLACES,
    PUBLISHERS,
    SDK_VERSIONS,
    Place,
)

_CLOCK_1970_SHARE = 0.004
_CLOCK_2099_SHARE = 0.003
_YEAR_2099 = 4_070_908_800


@dataclass(frozen=True, slots=True)
class Source:
    """What brought an installation: a partner's click or impression. Times in unix seconds."""

    publisher_id: str
    publisher_name: str
    tracker_name: str
    tracking_id: str
    touch_type: str
    match_type: str
    click_id: str
    clicked_at: int
    parameters: str


@dataclass(frozen=True, slots=True)
class Device:
    """One device in one app. `id` is an unsigned 64-bit number; absent ids are "".

    `clock_shift_s` is what its clock is off by: seconds on most devices, decades on broken ones.
    """

    index: int
    id: int
    platform: str
    manufacturer: str
    model: str
    model_code: str
    device_type: str
    os_version: str
    sdk_version: int
    place: Place
    operator: str
    mnc: int
    ip: str
    android_id: str
    ad_id: str
    vendor_id: str
    oaid: str
    profile_id: str
    clock_shift_s: int
    is_payer: bool
    installed_at: int
    source: Source | None


@dataclass(frozen=True, slots=True)
class Install:
    """One installation of the app on a device; a reinstall is another one. Unix seconds."""

    id: str
    device: Device
    number: int
    installed_at: int
    is_reinstall: bool


def make_device(rng: Random, index: int, installed_at: int) -> Device:
    """The device number `index` of an app, installing at `installed_at` (unix seconds)."""
    platform = "android" if rng.random() < 0.68 else "ios"
    maker, model, code, form = rng.choice(PHONES[platform])
    place = rng.choices(PLACES, PLACE_WEIGHTS)[0]
    is_android = platform == "android"
    hides_ad_id = rng.random() < (0.12 if is_android else 0.7)
    return Device(
        index=index,
        id=rng.getrandbits(64),
        platform=platform,
        manufacturer=maker,
        model=model,
        model_code=code,
        device_type=form,
        os_version=rng.choice(OS_VERSIONS[platform]),
        sdk_version=rng.choice(SDK_VERSIONS),
        place=place,
        operator=rng.choice(place.operators),
        mnc=rng.randrange(1, 99),
        ip=_make_ip(rng),
        android_id=f"{rng.getrandbits(64):016x}" if is_android else "",
        ad_id="" if hides_ad_id else make_guid(rng),
        vendor_id="" if is_android else make_guid(rng),
        oaid=make_guid(rng) if is_android and rng.random() < 0.1 else "",
        profile_id=f"player-{rng.getrandbits(40):x}" if rng.random() < 0.45 else "",
        clock_shift_s=_make_clock_shift(rng, installed_at),
        is_payer=rng.random() < 0.09,
        installed_at=installed_at,
        source=make_source(rng, installed_at) if rng.random() < 0.42 else None,
    )


def make_source(rng: Random, installed_at: int) -> Source:
    """A partner's click or impression that came before `installed_at` (unix seconds)."""
    partner = rng.choice(PUBLISHERS)
    tracker = rng.choice(partner[2])
    return Source(
        publisher_id=partner[0],
        publisher_name=partner[1],
        tracker_name=tracker,
        tracking_id=str((1 << 63) + sum(map(ord, tracker)) * 7_919),
        touch_type="impression" if rng.random() < 0.2 else "click",
        match_type=rng.choice(MATCH_TYPES),
        click_id=f"{rng.getrandbits(64)}",
        clicked_at=installed_at - 20 - int(rng.expovariate(1 / 5400)),
        parameters=f"campaign=spring&note=a%2Cb&sub={rng.randrange(1000)}",
    )


def make_install(rng: Random, device: Device, number: int, installed_at: int) -> Install:
    """The installation `number` (0 is the first) of a device."""
    identity = f"{rng.getrandbits(128):032x}"
    return Install(identity, device, number, installed_at, is_reinstall=number > 0)


def make_guid(rng: Random) -> str:
    """A random id in the 8-4-4-4-12 form of advertising ids."""
    text = f"{rng.getrandbits(128):032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def _make_ip(rng: Random) -> str:
    if rng.random() < 0.8:
        return f"::ffff:192.0.2.{rng.randrange(256)}"
    return f"2001:db8::{rng.getrandbits(16):x}"


def _make_clock_shift(rng: Random, installed_at: int) -> int:
    draw = rng.random()
    if draw < _CLOCK_1970_SHARE:
        return rng.randrange(86_400) - installed_at
    if draw < _CLOCK_1970_SHARE + _CLOCK_2099_SHARE:
        return _YEAR_2099 - installed_at
    if draw < 0.05:
        return rng.randrange(-7200, 7200)
    return rng.randrange(-3, 4)

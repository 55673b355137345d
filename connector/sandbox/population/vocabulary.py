"""The words the invented population is made of: places, devices, partners, goods, payloads.

Countries and their codes are real because reports group by them; everything else is made up.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """Where a device lives. `offset_h` is its local time in hours from UTC."""

    country: str
    iso: str
    district: str
    area: str
    city: str
    mcc: int
    locale: str
    currency: str
    offset_h: int
    operators: tuple[str, ...]


def _place(text: str, mcc: int, offset_h: int, operators: str) -> Place:
    country, iso, district, area, city, locale, currency = text.split("|")
    return Place(
        country,
        iso,
        district,
        area,
        city,
        mcc,
        locale,
        currency,
        offset_h,
        tuple(operators.split("|")),
    )


_RU, _KZ, _TR = "Northwave|Sota-9", "Steppe Tel", "Mavi Hat|Anadol"
PLACES = (
    _place("Russia|RU|Rivergate District|Lower Lindenia|Port Linden|ru_RU|RUB", 250, 3, _RU),
    _place("Russia|RU|Rivergate District|Upper Lindenia|Old Ferry|ru_RU|RUB", 250, 3, _RU),
    _place("Russia|RU|Cedar District|Taigova|Greyhill|ru_RU|RUB", 250, 7, _RU),
    _place("Kazakhstan|KZ||Saltmarsh|Ak-Bulak Novy|kk_KZ|KZT", 401, 5, _KZ),
    _place("Turkey|TR||Olive Coast|Zeytin Bay|tr_TR|TRY", 286, 3, _TR),
    _place('Germany|DE||Mossland|Sankt "Alt" Moor|de_DE|EUR', 262, 1, "Blaufunk"),
    _place("Brazil|BR||Ilha Verde|São Timbó, Norte|pt_BR|BRL", 724, -3, "Onda Livre"),
    _place("United States|US||Lakeview|Fort Willow|en_US|USD", 310, -6, "Prairie Cell"),
)
PLACE_WEIGHTS = (26, 14, 8, 10, 12, 8, 10, 12)

PHONES = {
    "android": (
        ("Kestrel", "Kestrel K7", "KST-K7X", "phone"),
        ("Kestrel", "Kestrel K5 Lite", "KST-K5L", "phone"),
        ("Aurelio", "Aurelio One", "AUR 1001", "phone"),
        ("Tundra", "Tundra Tab 10", "TND-T10", "tablet"),
        ("Tundra", "Tundra 4", "TND4-EU", "phone"),
    ),
    "ios": (
        ("Pomona", "Pomona P12", "pomona12,1", "phone"),
        ("Pomona", "Pomona P14", "pomona14,3", "phone"),
        ("Pomona", "Pomona Slate", "slate8,2", "tablet"),
    ),
}
OS_VERSIONS = {"android": ("11", "12", "13", "13", "14", "15"), "ios": ("16.7.2", "17.4", "18.1")}
SDK_VERSIONS = (3001000, 4005000, 5003000, 7002001)

PUBLISHERS = (
    ("7", "Lanternfish Ads", ("Lanternfish search", "Lanternfish feed")),
    ("18364758544493064720", "Orbitnet", ("Orbitnet video", 'Orbitnet "retarget", spring')),
    ("42", "Pebble Media", ("Pebble bloggers",)),
    ("0", "", ("Postback catch-all",)),
)
MATCH_TYPES = ("fingerprint", "referrer", "identifier")
FRAUD = ("ok",) * 8 + ("low", "mid", "high")
INSTALLERS = {"android": ("com.example.store", "com.example.altstore"), "ios": ("",)}

EVENTS = {
    "game": (
        "level_start",
        "level_complete",
        "level_fail",
        "level_start",
        "level_complete",
        "booster_used",
        "shop_open",
        "tutorial_step",
        "friend_invite",
        "settings_open",
        "reward_claimed",
    ),
    "shop": (
        "screen_open",
        "search",
        "item_view",
        "item_view",
        "item_view",
        "favourite_add",
        "filter_apply",
        "review_read",
        "push_open",
        "chat_open",
        "screen_open",
    ),
}

PRODUCTS = {
    "game": (
        ("coins_small", "Coins, small bag", "0.99"),
        ("coins_big", "Coins, big bag", "4.99"),
        ("no_ads", "No advertising", "2.49"),
        ("pass_month", "Season pass", "6.99"),
    ),
    "shop": (
        ("10231", "Wool scarf, blue", "14.50"),
        ("10232", 'Desk lamp 10" round', "39.90"),
        ("20417", "Чайник эмалированный", "21.00"),
        ("30555", "Trail shoes 🥾", "74.25"),
        ("40001", "Notebook A5", "3.10"),
    ),
}
CATEGORIES = {
    "game": ("Boosters", "Coins", "Passes"),
    "shop": ("Home", "Clothes", "Outdoor", "Paper"),
}
RATES = {
    "RUB": "92.0",
    "KZT": "470.0",
    "TRY": "33.5",
    "EUR": "0.92",
    "BRL": "5.4",
    "USD": "1.0",
}
"""Units of each currency in one US dollar of this invented world."""

AD_NETWORKS = ("Lanternfish Ads", "Orbitnet", "Pebble Media")
AD_TYPES = ("rewarded", "interstitial", "banner", "native", "mrec")

CRASHES = (
    ("java.lang.IllegalStateException", "at com.example.{app}.Board.merge(Board.java:{n})"),
    ("java.lang.OutOfMemoryError", 'at com.example.{app}.Cache.load(Cache.java:{n})\n\tat "x"'),
    ("SIGSEGV", "0x0000{n} libengine.so (render_tile + 48)"),
    ("EXC_BAD_ACCESS", "{n}  Board  -[Tile draw:] + 120"),
)
ERRORS = (
    ("Network timeout", "GET /feed failed\r\nafter {n} ms"),
    ("Parse failure", 'unexpected "," at position {n}\n{{"items":[,]}}'),
    ("Payment declined", "code={n}, retry=false"),
)

AWKWARD_PAYLOADS = (
    '{"text":"a \\"quoted\\" word, and a comma"}',
    '{"lines":"first\nsecond"}',
    '{"lines":"first\\nsecond","cr":"a\r\nb"}',
    '{"sep":"line\u2028paragraph\u2029end\u0085"}',
    '{"emoji":"👩‍🚀🇰🇿 ok"}',
    '{"level": 3, "name": "unterminated',
    "not json at all, just text",
    "{'single': 'quotes'}",
    '{"dup":1,"dup":2}',
    '{"big":18446744073709551615,"tiny":1e-400}',
    '  {"padded" : true }  ',
    "[]",
    "null",
    '"',
    "'=1+1",
    "\\N",
    "NULL",
    '{"deep":' + "[" * 40 + "]" * 40 + "}",
    '{"tab":"a\tb","backslash":"C:\\\\dir"}',
)
"""event_json texts that break naive readers; loaded exactly as they are, valid or not."""

AWKWARD_NUL_PAYLOAD = '{"nul":"a\x00b"}'
"""Added only where the scenario asks for NUL bytes."""

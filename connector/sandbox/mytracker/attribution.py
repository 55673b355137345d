"""How this vendor attributes a device: mostly as AppMetrica does, for a small share not.

The shares are the same in every run: they hang on the id of the device.
"""

from dataclasses import dataclass, replace

from connector.sandbox.mytracker.dictionary import word_id
from connector.sandbox.population.people import Device, Source
from connector.sandbox.population.vocabulary import PUBLISHERS

ORGANIC = "Organic"
_UNKNOWN = "неизвестно"  # as the vendor's own title, in the language of the API user


_UNSEEN, _DOUBLED = frozenset({50, 51}), frozenset({70, 71})


@dataclass(frozen=True, slots=True)
class Credit:
    """Who brought a device, in the eyes of this vendor; the moments are unix seconds, 0 for none."""

    partner: str
    campaign: str
    ad: str
    is_view: bool
    touched_at: int
    sub: str


def credit_of(device: Device) -> Credit | None:
    """The partner of a device; None where it came by itself."""
    dice = _dice(device)
    source = device.source
    if source is None:
        return _make_up(device) if dice < 2 else None
    if dice < 3:
        return _make_up(device)
    if dice < 5 or not source.publisher_name:
        return None
    return _from_source(source)


def is_seen(device: Device) -> bool:
    """False for the few whose install this vendor never sees."""
    return _dice(device) not in _UNSEEN


def ghost_of(device: Device) -> Device | None:
    """A device only this vendor sees, beside a few that both see; it has no profile."""
    if _dice(device) not in _DOUBLED:
        return None
    return replace(
        device,
        index=device.index + 10_000_000,
        id=device.id ^ 0x5DEE_CE66_D123_4567,
        ad_id="",
        vendor_id="",
        oaid="",
        android_id="",
        profile_id="",
        source=None,
    )


def credit_cells(device: Device, installed_at: int) -> dict[str, str]:
    """The attribution selectors of a device that installed at a moment (unix seconds)."""
    credit = credit_of(device)
    if credit is None:
        names = ("", "", "", "", "")
        kind, kind_title, click, view = "0", _UNKNOWN, 0, 0
    else:
        names = (credit.campaign, credit.ad, f"{credit.partner} team", credit.sub, "cpi")
        kind, kind_title = ("2", "post-view") if credit.is_view else ("1", "post-click")
        click, view = (0, credit.touched_at) if credit.is_view else (credit.touched_at, 0)
    partner = credit.partner if credit else ORGANIC
    cells = {
        "idAdEventType": kind,
        "idAdEventTypeTitle": kind_title,
        "tsAttr": str(installed_at),
        "tsClick": str(click),
        "tsView": str(view),
        "idPartnerPrevAttr": "0",
        "idPartnerPrevAttrTitle": "",
        "causeAttr": "1" if credit else "0",
        "causeAttrTitle": "install" if credit else _UNKNOWN,
    }
    _name(cells, "idPartner", partner, has_id=credit is not None)
    _name(cells, "idCampaign", names[0])
    _name(cells, "idAd", names[1])
    _name(cells, "idSub1", names[3])
    _name(cells, "idTrafficType", names[4], has_attr=False)
    _name(cells, "idSubNetwork", partner if credit else "")
    _name(cells, "idSubCampaign", names[0])
    for end in ("", "Attr"):
        cells[f"idCampaignCreator{end}"] = word_id(names[2])
        cells[f"idCampaignCreator{end}Name"] = names[2]
    for stem in ("idSub2", "idSub3", "idSub4", "idSub5", "idSubAdSet", "idSubCreative"):
        _name(cells, stem, "")
    _name(cells, "idSubMedium", "")
    return cells


def _name(
    cells: dict[str, str], stem: str, title: str, *, has_id: bool = True, has_attr: bool = True
) -> None:
    """The id and the title of one thing, as first and as current attribution."""
    for end in ("", "Attr") if has_attr else ("",):
        cells[f"{stem}{end}"] = word_id(title) if has_id else "0"
        cells[f"{stem}{end}Title"] = title


def _from_source(source: Source) -> Credit:
    return Credit(
        partner=source.publisher_name,
        campaign=source.tracker_name,
        ad=f"{source.tracker_name} link",
        is_view=source.touch_type == "impression",
        touched_at=source.clicked_at,
        sub=source.parameters.rpartition("=")[2],
    )


def _make_up(device: Device) -> Credit:
    """Another partner than AppMetrica's."""
    named = [p for p in PUBLISHERS if p[1]]
    theirs = device.source.publisher_name if device.source else ""
    others = [p for p in named if p[1] != theirs]
    _, name, trackers = others[device.index % len(others)]
    touched_at = device.installed_at - 60 - device.index % 3000
    ad = f"{trackers[0]} link"
    return Credit(name, trackers[0], ad, is_view=False, touched_at=touched_at, sub="0")


def _dice(device: Device) -> int:
    return device.id // 7 % 100

"""The selectors that are fixed per device: ids, hardware, place. Absent: an empty cell, or zeros."""

from connector.sandbox.mytracker.dictionary import sdk_key, tracker_app_id, word_id
from connector.sandbox.population.people import Device
from connector.sandbox.scenario import App

Cells = dict[str, str]
NO_GUID = "00000000-0000-0000-0000-000000000000"
_IDS = 1 << 64
_COUNTRIES = {
    "RU": ("188", "643"),
    "KZ": ("112", "398"),
    "TR": ("223", "792"),
    "DE": ("81", "276"),
    "BR": ("31", "076"),
    "US": ("200", "840"),
}
"""The vendor's own number of a country (188 and 200 are published), and the ISO one."""

_SCREENS = {"phone": ("1080", "2340", "420", "6.1"), "tablet": ("1600", "2560", "280", "10.4")}


def describe_device(device: Device, app: App) -> Cells:
    """Every selector of a device and its app."""
    id_app = tracker_app_id(app.id)
    is_android = device.platform == "android"
    own = {
        "idApp": str(id_app),
        "SDKKey": sdk_key(id_app),
        "idAccount": "5501",
        "idProject": str(100 + id_app % 97),
        "idDevice": str(device.id * 0x9E37_79B9_7F4A_7C15 % _IDS),
        "idProfile": str((device.id + id_app) * 0xD129_0E12_66F9_8D2B % _IDS),
        "customUserId": device.profile_id,
        "instanceId": f"{device.id:016x}-{id_app}",
        "advertisingId": (is_android and device.ad_id) or NO_GUID,
        "idfa": (not is_android and device.ad_id) or NO_GUID,
        "iosVendorId": device.vendor_id or NO_GUID,
        "androidId": device.android_id,
        "oaid": device.oaid,
        "waid": "",
        "idAppStoreTitle": "Example Store" if is_android else "",
        "adTrackingEnabled": "1" if device.ad_id else "0",
        "attStatus": "" if is_android else "authorized" if device.ad_id else "denied",
        "bluetoothEnabled": str(device.index % 2),
    }
    cells = own | _describe_hardware(device) | _describe_place(device)
    titles = {"idAppTitle": app.name, "idProjectTitle": f"{app.name} project"}
    cells |= titles | {"idAppStore": word_id(cells["idAppStoreTitle"])}
    return cells


def _describe_hardware(device: Device) -> Cells:
    width, height, dpi, diagonal = _SCREENS[device.device_type]
    sdk = f"{device.sdk_version // 1_000_000}.{device.sdk_version // 1000 % 1000}.0"
    rooted = 1 if device.index % 40 == 0 else 0 if device.index % 13 == 0 else 2
    titles = {
        "idDeviceModel": device.model,
        "idManufacturer": device.manufacturer,
        "idMobileManufacturerBrand": device.manufacturer,
        "idMobileManufacturerDevice": device.model_code,
        "idMobileOperatorCurrent": device.operator,
        "idMobileOperatorSim": device.operator,
        "idOs": "Android" if device.platform == "android" else "iOS",
        "idOsVersion": device.os_version,
        "idPlatform": "Mobile",
        "idTrackerSdkVersion": sdk,
    }
    return _name(titles) | {
        "rooted": str(rooted),
        "rootedTitle": ("unknown", "rooted", "not rooted")[rooted],
        "screenWidth": width,
        "screenHeight": height,
        "screenDiagonal": diagonal,
        "dpi": dpi,
        "xdpi": dpi,
        "ydpi": dpi,
    }


def _describe_place(device: Device) -> Cells:
    place = device.place
    number, iso = _COUNTRIES[place.iso]
    titles = {
        "idRegion": place.district or place.area,
        "idRegionLow": place.area,
        "idOsLang": place.locale,
        "idOsTimezone": f"UTC{place.offset_h:+d}",
    }
    return _name(titles) | {
        "idCountry": number,
        "idCountryTitle": place.country,
        "idCountryISOAlpha2": place.iso,
        "idCountryISONumeric": iso,
    }


def _name(titles: Cells) -> Cells:
    """Both selectors of each title: the text, and its number in the vendor's dictionary."""
    texts = {f"{name}Title": title for name, title in titles.items()}
    return texts | {name: word_id(title) for name, title in titles.items()}

"""The settings of the connector that point it at this vendor: what is asked for, and its roles."""

import json
from collections.abc import Mapping

_ORIGIN = (
    *("idPartner", "idPartnerTitle", "idCampaign", "idCampaignTitle", "idAd", "idAdTitle"),
    *("idAdEventType", "tsAttr"),
)
_SHARED = (
    *("idApp", "SDKKey", "idDevice", "idProfile", "customUserId", "tsEvent", "tsInsert"),
    *("advertisingId", "idfa", "iosVendorId", "oaid", "idAppVersionTitle", "idOsTitle"),
    *("idOsVersionTitle", "idCountryISOAlpha2", "idDeviceModelTitle", "idManufacturerTitle"),
    *_ORIGIN,
)
SELECTORS: Mapping[str, tuple[str, ...]] = {
    "installs": (*_SHARED, "idAppTitle", "tsClick", "tsView"),
    "sessions": (*_SHARED, "duration", "tsInstall"),
    "customEvents": (*_SHARED, "eventName", "params.name", "params.value", "tsInstall"),
    "payments": (
        *_SHARED,
        *("isVerified", "idPurchaseType", "inventedAmount", "inventedCurrency"),
        *("inventedProduct", "inventedTransaction", "inventedQuantity"),
    ),
    "adMonetization": (
        *_SHARED,
        *("idAdMediator", "inventedRevenue", "inventedCurrency", "inventedNetwork"),
        *("inventedUnit", "inventedPlacement"),
    ),
}
"""What the sandbox's users ask for, by event."""

ROLES: Mapping[str, Mapping[str, str]] = {
    "payments": {
        "amount": "inventedAmount",
        "currency": "inventedCurrency",
        "product": "inventedProduct",
        "transaction": "inventedTransaction",
        "quantity": "inventedQuantity",
    },
    "adMonetization": {
        "amount": "inventedRevenue",
        "currency": "inventedCurrency",
        "network": "inventedNetwork",
        "unit": "inventedUnit",
        "placement": "inventedPlacement",
    },
}
"""What the invented selectors mean."""


def write_selection() -> dict[str, str]:
    """The environment variables of events, selectors and roles."""
    prefix = "SOURCES__MYTRACKER__"
    return {
        f"{prefix}EVENTS": ",".join(SELECTORS),
        f"{prefix}SELECTORS": json.dumps(SELECTORS, separators=(",", ":")),
        f"{prefix}ROLES": json.dumps(ROLES, separators=(",", ":")),
    }

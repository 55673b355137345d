"""Who may ask: the key in the `Authorization` header of a request."""

from connector.sandbox.scenario import Scenario
from connector.sandbox.shortkit.answers import Answer, refuse


def check_key(header: str, scenario: Scenario) -> Answer | None:
    """The refusal a request gets for its key; None where it may go on."""
    scheme, _, key = header.partition(" ")
    if scheme.lower() != "bearer" or not key:
        return refuse(401, "UNAUTHORIZED", "Missing API key")
    if key.startswith("pk_"):
        return refuse(403, "FORBIDDEN", "A secret key is required")
    right, wrong = scenario.live_key, scenario.test_key
    if scenario.shortkit.environment == "test":
        right, wrong = wrong, right
    if key == wrong:
        return refuse(403, "ENVIRONMENT_MISMATCH", "The key is of another environment")
    return None if key == right else refuse(401, "UNAUTHORIZED", "Invalid API key")

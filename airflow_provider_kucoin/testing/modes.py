"""
Account modes: a user has classic accounts or a unified one, and endpoints of the other kind refuse.

That they do, with 112010 or 116104, is known from ccxt and from kucoin-api's issue 143. Which endpoints a unified
account still has beside those under /api/ua is told nowhere; here they are those about keys, deposits, withdrawals,
transfers and sub-accounts, as these have to do with the funding account, which both modes have.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from airflow_provider_kucoin.testing.refusals import Refusal

if TYPE_CHECKING:
    from airflow_provider_kucoin.testing.readings import Readings

Mode = Literal["classic", "unified"]

UNIFIED_PATHS: Final = ("/api/ua/",)
PATHS_OF_BOTH: Final = (
    "/api/v1/user/",
    "/api/v2/user-info",
    "/api/v1/deposit",
    "/api/v3/deposit",
    "/api/v1/hist-",
    "/api/v1/withdrawals",
    "/api/v3/withdrawals",
    "/api/v1/accounts/transferable",
    "/api/v3/accounts/universal-transfer",
    "/api/v1/sub",
    "/api/v2/sub",
)
MESSAGES: Final = {"112010": "The user is not a unified account user", "116104": "User not found."}


def check(path: str, mode: Mode, readings: Readings) -> None:
    """Refuse a private endpoint that an account of this mode has not."""
    wanted = mode_of(path)
    if wanted == "unified" and readings.unified_api_for_classic == "served":
        return
    if wanted not in (None, mode):
        code = readings.wrong_mode_codes[str(wanted)]
        # Of 112010 the meaning is known, not the words.
        raise Refusal(code, MESSAGES.get(code, "the account is in another mode"))


def mode_of(path: str) -> Mode | None:
    """Return the account mode that a private endpoint belongs to, None for both."""
    if path.startswith(UNIFIED_PATHS):
        return "unified"
    return None if path.startswith(PATHS_OF_BOTH) else "classic"

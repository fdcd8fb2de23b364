"""
KuCoin's response codes: what each means, what kind of error it is, and what a person should do.

Codes come at every HTTP status, also inside HTTP 200 (seen: 400100 in kucoin-python-sdk#42 and ccxt#27588, 116104 in
sieblyio/kucoin-api#143), so it is the code that decides, never the status alone. Meanings: KuCoin's error-code page and
the older documentation; a remedy is this project's advice.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_provider_kucoin.api.errors import (
    AuthenticationFailed,
    ClockSkewed,
    FatalError,
    PermissionDenied,
    RateLimited,
    RequestRefused,
)

if TYPE_CHECKING:
    from airflow_provider_kucoin.api.errors import KucoinError

SUCCESS = "200000"


@dataclass(frozen=True, slots=True)
class Code:
    """
    One response code.

    :param error: the class of the error, which says what to do next; ``None`` when the code alone does not tell
        whether the request was acted on
    :param meaning: what KuCoin means by it
    :param remedy: what a person can do about it
    """

    error: type[KucoinError] | None
    meaning: str
    remedy: str


CODES: dict[str, Code] = {
    "400001": Code(
        AuthenticationFailed,
        "a KC-API-* header is missing",
        "check that nothing between Airflow and KuCoin strips request headers (a proxy, a gateway), and the base URL",
    ),
    "400002": Code(
        ClockSkewed,
        "the request's timestamp is more than 5 seconds from KuCoin's clock",
        "set the worker's clock by NTP; the hook has already asked KuCoin for its time and signed again",
    ),
    "400003": Code(
        AuthenticationFailed,
        "the API key does not exist",
        "check the connection's login (API key), that the key was not deleted or expired, and that the base URL is "
        "the site the key was made on (global, Europe, Turkey, ...)",
    ),
    "400004": Code(
        AuthenticationFailed,
        "the API passphrase is wrong",
        "check the connection's extra field 'passphrase': it is the one chosen when the key was made, not the "
        "password of the account or the trading password; and the connection's password (API secret), which it is "
        "signed with",
    ),
    "400005": Code(
        AuthenticationFailed,
        "the signature is wrong",
        "check the connection's password (API secret); do not retry in a loop, KuCoin blocks the caller for a while",
    ),
    "400006": Code(
        PermissionDenied,
        "the caller's IP address is not on the key's whitelist",
        "add the worker's outgoing address (KuCoin names it in its message) to the key's IP whitelist",
    ),
    "400007": Code(
        PermissionDenied,
        "the key lacks a permission for this call",
        "grant the permission to the key on KuCoin's API-management page, or use a connection whose key has it",
    ),
    "400008": Code(
        AuthenticationFailed,
        "keys of version 1 and 2 are no longer accepted",
        "make a new key (version 3) on KuCoin's API-management page and put it into the connection",
    ),
    "400009": Code(
        AuthenticationFailed,
        "the key version that was sent is not a known one",
        "set the connection's extra field 'key_version' to the version that the API-management page shows, or remove "
        "it: the default is 3",
    ),
    "400010": Code(
        PermissionDenied,
        "KuCoin denies access to this account",
        "look at the account's status on KuCoin's site, or ask KuCoin's support",
    ),
    "400100": Code(RequestRefused, "a parameter is not accepted", "see KuCoin's own words for which one"),
    "400200": Code(FatalError, "the partner is unknown, or the account may not do this", "ask KuCoin's support"),
    "400201": Code(FatalError, "the partner signature is wrong", "ask KuCoin's support"),
    "400202": Code(FatalError, "the partner's IP address is not accepted", "ask KuCoin's support"),
    "400301": Code(PermissionDenied, "restricted by local law or policy", "ask KuCoin's support"),
    "400303": Code(PermissionDenied, "the account's identity is not verified", "complete the verification at KuCoin"),
    "400401": Code(AuthenticationFailed, "not logged in", "check the connection's credentials"),
    "401000": Code(RequestRefused, "the endpoint is deprecated", "use its successor"),
    "404000": Code(RequestRefused, "no such path", "check the path and the connection's base URL"),
    "411100": Code(PermissionDenied, "the account is frozen", "ask KuCoin's support"),
    "415000": Code(RequestRefused, "the content type is not accepted", "send application/json"),
    "200004": Code(RequestRefused, "the balance is not sufficient", "bring funds into the account that pays"),
    "210021": Code(RequestRefused, "the balance is not sufficient", "bring funds into the account that pays"),
    "230003": Code(RequestRefused, "the balance is not sufficient", "bring funds into the account that pays"),
    "260100": Code(RequestRefused, "the balance is not sufficient", "bring funds into the funding (main) account"),
    "260210": Code(
        RequestRefused,
        "withdrawing is closed for this currency and chain, or for this account",
        "look at isWithdrawEnabled and at the account's status, and try again when it is open",
    ),
    "260325": Code(
        RequestRefused,
        "the account pays addresses of its withdrawal address book only, and this is not one of them",
        "add the address, with this chain, to the address book on KuCoin's site; it compares upper and lower case",
    ),
    "900001": Code(RequestRefused, "no such symbol", "check the symbol"),
    "900014": Code(RequestRefused, "no such chain", "give the chain's id as the currency's chains list it"),
    "102425": Code(RequestRefused, "the time range is not supported", "ask for a shorter or a later range"),
    "112010": Code(
        RequestRefused, "not a unified account", "use the classic ledgers of this account instead of 'unified'"
    ),
    "116104": Code(
        RequestRefused, "not a unified account", "use the classic ledgers of this account instead of 'unified'"
    ),
    "200002": Code(RateLimited, "too many requests in a short period", "nothing: the call is repeated after a pause"),
    "429000": Code(RateLimited, "too many requests", "nothing: the call is repeated after a pause"),
    # These three say nothing about whether the request was acted on.
    "230005": Code(None, "KuCoin's system is busy", "try again later"),
    "408000": Code(None, "KuCoin's network timed out", "try again later"),
    "500000": Code(None, "KuCoin had an internal error", "try again later"),
}

#: Seconds to pause where KuCoin blocks for a fixed time and sends no reset header: 200002 for 10 s (futures
#: documentation of the 1.0 limits), Cloudflare's 1015 page for 30 s (the older documentation).
PAUSES = {"200002": 10.0, "1015": 30.0}

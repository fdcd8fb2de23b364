"""
The ways in which the exchange says no.

KuCoin's gateway refuses with an HTTP status of its own, the business behind it with HTTP 200 and a code. Statuses that
nobody has reported are marked; `Readings.http_status` overrides any. The words of a message are KuCoin's only where
a source quotes them; never go by the words.
"""

from __future__ import annotations

BAD_PARAMETER = "400100"


class Refusal(Exception):
    """The exchange will not do that. Turned into KuCoin's envelope `{"code": …, "msg": …}`."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message


# code -> HTTP status; a code that is not here comes with 200.
HTTP_STATUS = {
    "400001": 400,  # status not seen
    "400002": 400,  # kucoin-python-sdk issue 82
    "400003": 401,  # hummingbot issue 2968
    "400004": 401,  # status not seen
    "400005": 401,  # status not seen
    "400006": 401,  # status not seen
    "400007": 403,  # status not seen
    "400008": 401,  # status not seen
    "400009": 400,  # status not seen
    "400010": 403,  # status not seen
    "404000": 404,
    "415000": 415,
    "429000": 429,
    "500000": 500,
}

MESSAGES = {
    "400001": "Please check the KC-API-* headers of your request",
    "400002": "KC-API-TIMESTAMP Invalid",
    "400003": "KC-API-KEY not exists",
    "400004": "KC-API-PASSPHRASE error",
    "400005": "Invalid KC-API-SIGN",
    "400007": "Access denied, require more permission",
    "400008": "Version 1 and 2 keys are no longer supported, please create a version 3 key",
    "400009": "Invalid KC-API-KEY-VERSION",
    "400010": "UID access denied",
    "404000": "Url Not Found",
    "415000": "Unsupported Media Type",
    "429000": "Too Many Requests",
    "500000": "Internal Server Error",
}


def gateway(code: str) -> Refusal:
    """Return a refusal with the usual message of its code."""
    return Refusal(code, MESSAGES[code])


def ip_not_allowed(ip: str) -> Refusal:
    """Return 400006, whose message tells the caller's address."""
    return Refusal("400006", f"The requested ip address is not in the api whitelist: {ip}")


def not_in_range() -> Refusal:
    """Return the refusal of an unknown value where a list is given (quoted in ccxt issue 27588)."""
    return Refusal(BAD_PARAMETER, "not in the given range!")


def bad_parameter(message: str) -> Refusal:
    """Return 400100 with words of our own: KuCoin's are not known for this case."""
    return Refusal(BAD_PARAMETER, message)


# Refusals of withdrawals. KuCoin's words; whether it sends exactly these was not seen for all.
def incorrect_address() -> Refusal:
    """Return the refusal of an address that is none on its chain, and of a memo where there are none."""
    return Refusal(BAD_PARAMETER, "Incorrect withdrawal address")


def below_minimum() -> Refusal:
    """Return the refusal of an amount that is too small."""
    return Refusal(BAD_PARAMETER, "The withdrawal amount is below the minimum requirement.")


def bad_increment() -> Refusal:
    """Return the refusal of an amount with too many decimals."""
    return Refusal(BAD_PARAMETER, "The amount increment is invalid.")


def invalid_chain() -> Refusal:
    """Return the refusal of a chain that does not exist at all."""
    return Refusal("900014", "Invalid chainId")


def withdraw_disabled() -> Refusal:
    """Return the refusal of a currency's chain that is closed."""
    return Refusal("260210", "withdraw.disabled")


def not_in_address_book() -> Refusal:
    """Return the refusal of an address that its owner's address book has not."""
    return Refusal("260325", "Already set withdraw whitelist, this address is not favorite address")


def deprecated() -> Refusal:
    """Return the refusal of an endpoint that is no more."""
    return Refusal("401000", "The interface has been deprecated")

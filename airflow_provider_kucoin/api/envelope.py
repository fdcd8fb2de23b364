"""
From an HTTP answer to its data, or to the error that says what to do next.

KuCoin wraps every answer: ``{"code": "200000", "data": ...}`` on success, ``{"code": "400100", "msg": "..."}``
otherwise. HTTP 200 does not mean success, other statuses carry the same envelope, and gateways answer with HTML; so
the body is read at every status. Nor does 200000 alone mean success: KuCoin has answered
``{"code": "200000", "msg": "Unsuccessful! ..."}`` (an exact match in ccxt), so a call that must return something
is successful only when it does.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import msgspec

from airflow_provider_kucoin.api.codes import CODES, PAUSES, SUCCESS
from airflow_provider_kucoin.api.errors import FatalError, KucoinError, RateLimited, RequestRefused
from airflow_provider_kucoin.api.ratelimits import Quota

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

#: How much of what KuCoin says may go into an error message, and so into a log.
MESSAGE_LIMIT = 256

# Numbers with a fraction become exact decimals; a float would already have lost digits.
_decode = msgspec.json.Decoder(float_hook=Decimal).decode


class Unreadable(Exception):
    """
    An answer that does not tell whether the request was acted on.

    Never leaves this package: a call that is safe to repeat turns it into ``Unavailable``, any other into
    ``OutcomeUnknown``.
    """


@dataclass(frozen=True, slots=True)
class Answer:
    """
    What came back over the wire.

    :param status: the HTTP status
    :param headers: header names in lower case
    :param body: the whole body, decompressed
    """

    status: int
    headers: Mapping[str, str]
    body: bytes


def unwrap(answer: Answer, *, data_expected: bool = True, decode: Callable[[bytes], Any] | None = None) -> Any:
    """
    Return the ``data`` of a successful answer.

    :param data_expected: whether success means that there is data; ``False`` for calls documented to return null
    :param decode: returns the data of a successful answer in a shape of its own, ``None`` when it is not of that shape
    :raise KucoinError: of the class that the code stands for
    :raise Unreadable: when the answer does not tell whether the request was acted on
    """
    if decode is not None and answer.status == HTTPStatus.OK and (known := decode(answer.body)) is not None:
        return known
    try:
        envelope = _decode(answer.body)
    except (msgspec.DecodeError, UnicodeDecodeError, InvalidOperation, RecursionError):
        # The last two: an exponent of 19 digits, and brackets by the thousand.
        raise _not_json(answer) from None
    if not isinstance(envelope, dict) or "code" not in envelope:
        raise Unreadable(f"HTTP {answer.status} with JSON that is not KuCoin's envelope")
    # CCXT also lets a bare "200" pass; no source shows KuCoin sending it, so here it is not success.
    code = str(envelope["code"])[:MESSAGE_LIMIT]
    if code != SUCCESS:
        raise error(answer, code, envelope.get("msg"))
    if answer.status != HTTPStatus.OK:
        raise Unreadable(f"HTTP {answer.status} with code {SUCCESS}: contradictory")
    data = envelope.get("data")
    if data is None and data_expected:
        raise Unreadable(f"code {SUCCESS} without data{_quote(envelope.get('msg'))}")
    return data


def error(answer: Answer, code: str, message: object) -> KucoinError | Unreadable:
    """Return the error that ``code`` stands for."""
    words = _quote(message)
    known = CODES.get(code)
    if known is None:
        if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return Unreadable(f"HTTP {answer.status}, KuCoin code {code}{words}")
        return RequestRefused(
            f"KuCoin refused the request with code {code}{words}", code=code, http_status=answer.status
        )
    text = f"KuCoin code {code}: {known.meaning}{words}. What to do: {known.remedy}."
    if known.error is None:
        return Unreadable(text)
    if known.error is RateLimited:
        if code == "200002" and "suspend" in str(message).lower():
            # The same number also means that cancelling is suspended (the spot documentation).
            return FatalError(text, code=code, http_status=answer.status)
        return _rate_limited(answer, code, text)
    return known.error(text, code=code, http_status=answer.status)


def _rate_limited(answer: Answer, code: str, text: str) -> RateLimited:
    """Tell this key's own empty quota, whose reset is known, from an overload of KuCoin, whose end is not."""
    quota = Quota.from_headers(answer.headers)
    # Whether the reset header means anything under a system overload is UNVERIFIED: it is used only when the
    # quota is seen to be empty.
    if quota is not None and quota.remaining <= 0:
        pause = quota.reset_ms / 1000
        return RateLimited(text, code=code, http_status=answer.status, retry_after=pause, quota_used_up=True)
    return RateLimited(text, code=code, http_status=answer.status, retry_after=PAUSES.get(code))


def _not_json(answer: Answer) -> KucoinError | Unreadable:
    text = answer.body[:4096].decode(errors="replace")
    what = "an HTML page" if "<html" in text.lower() or "<!doctype" in text.lower() else "a body that is not JSON"
    if "1015" in text and "cloudflare" in text.lower():
        # Seen as the page itself (rotki#2841); its HTTP status is not recorded anywhere.
        return RateLimited(
            f"HTTP {answer.status} with Cloudflare's page 1015: too many requests from this IP address",
            code="1015",
            http_status=answer.status,
            retry_after=PAUSES["1015"],
        )
    if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
        return _rate_limited(answer, "429000", f"HTTP 429 with {what}: too many requests")
    return Unreadable(f"HTTP {answer.status} with {what}")


def _quote(message: object) -> str:
    """Return KuCoin's own words, cut to a length fit for a log."""
    if not message:
        return ""
    words = " ".join(str(message).split())
    return f" ({words[:MESSAGE_LIMIT]}{'...' if len(words) > MESSAGE_LIMIT else ''})"

"""
What a general call may do: reach any endpoint of KuCoin's, but those that move money, which have verbs of their own.

A general call knows nothing of the connection's withdrawal policy, and nothing of how to find out after a lost answer
whether money has moved. So whatever moves it, or by its path looks as if it did, is refused with the verb to use. Which
endpoints these are is told by the table (:mod:`~airflow_provider_kucoin.api.endpoint_table`).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote
from uuid import UUID

import msgspec

from airflow_provider_kucoin.api.endpoints import Endpoint, Method, Moves, find, known
from airflow_provider_kucoin.api.errors import InvalidInput

if TYPE_CHECKING:
    from airflow_provider_kucoin.api.signing import Value

#: The methods that KuCoin's endpoints have.
METHODS: tuple[Method, ...] = ("GET", "POST", "PUT", "DELETE")
#: Headers by which some servers let a request be of another method than it says.
OVERRIDES = frozenset({"x-http-method", "x-http-method-override", "x-method-override"})
#: KuCoin's code for a path that it does not have.
NO_SUCH_PATH = "404000"
#: How much of a path goes into a message.
SHOWN = 120

# Every endpoint that is known to move money out, or between accounts, has one of these in its path.
_TELLTALES = (("withdraw", Moves.OUT), ("transfer", Moves.BETWEEN))
_WHY = {
    Moves.OUT: (
        "money out of the account, and is not reached by a general call, which knows nothing of the connection's "
        "withdrawal policy: use KucoinHook.withdraw or KucoinWithdrawOperator"
    ),
    Moves.BETWEEN: (
        "money between accounts, and is not reached by a general call, which cannot find out after a lost answer "
        "whether it has moved: use KucoinHook.transfer or KucoinTransferOperator"
    ),
}
# What servers read in one way only: no escapes, no parameters of a segment, no empty or dotted segments.
_PLAIN = re.compile(r"(?:/(?!\.+(?:/|$))[A-Za-z0-9._~-]+)+/?")
# Names of fields whose values belong in no log. KuCoin's are password, passphrase, apiSecret and token.
_SECRET = re.compile(r"pass|secret|token", re.IGNORECASE)


def prepare(
    method: str, path: str, params: Mapping[str, Value] | None, json: Any, *, futures: bool = False
) -> tuple[Endpoint, bytes]:
    """
    Return the endpoint of a general call, and the bytes of its body.

    :param json: the body: a mapping or a list; ``None`` for no body
    :raise InvalidInput: for what cannot be sent, and for what moves money
    :raise TypeError: for a float anywhere in it: an amount that went through a float is no longer exact
    """
    verb = _verb(method)
    if not isinstance(path, str):
        raise InvalidInput(f"path={path!r} is not text such as '/api/v1/accounts'")
    if "{" in path:
        raise InvalidInput(f"path {path[:SHOWN]!r}: put the id itself where the braces are")
    refuse_money(verb, path)
    if params is not None and not isinstance(params, Mapping):
        raise InvalidInput(f"params={params!r} is not a mapping of names and values")
    _exact(params)
    if verb == "GET" and json is not None:
        raise InvalidInput(f"{verb} {path}: a GET has no body (KuCoin refuses one); give params instead of json")
    endpoint = find(verb, path, futures=futures)
    if endpoint.is_safe_to_repeat:
        # KuCoin answers an empty result with null now and then, and a read that finds nothing has not failed.
        endpoint = replace(endpoint, data_expected=False)
    return endpoint, b"" if json is None else encode_body(json)


def _verb(method: object) -> Method:
    for verb in METHODS:
        if isinstance(method, str) and method.upper() == verb:
            return verb
    raise InvalidInput(f"method={method!r} is not one of {', '.join(METHODS)}")


# --------------------------------------------------------------------------------------------------------------- money


def refuse_money(method: str, path: str) -> None:
    """
    Refuse a request that moves money out of the account or between accounts, however its path is spelled.

    :param path: as it is sent, without the query
    :raise InvalidInput: naming the verb to use
    """
    if method == "GET":
        return
    rows = [row for futures in (False, True) if (row := known(method, path, futures=futures))]
    moves = next((row.moves for row in rows if row.moves in _WHY), None)
    is_plain = _PLAIN.fullmatch(path) is not None
    is_known = bool(moves) or (is_plain and bool(rows))
    moves = moves or (None if is_known else _looks_like(path))
    if moves:
        how = "moves" if is_known else "looks as if it moved"
        raise InvalidInput(f"{method} {path[:SHOWN]} {how} {_WHY[moves]}")
    if not is_plain:
        raise InvalidInput(
            f"path {path[:SHOWN]!r}: KuCoin's paths begin with '/' and are of letters, digits and . _ ~ - only"
        )


def _looks_like(path: str) -> Moves | None:
    """Return what a path would do if a server, or one in front of it, read it in the most daring way."""
    while (decoded := unquote(path)) != path:
        path = decoded
    letters = re.sub("[^a-z]", "", unicodedata.normalize("NFKC", path).casefold())
    return next((moves for telltale, moves in _TELLTALES if telltale in letters), None)


# --------------------------------------------------------------------------------------------------------------- bodies


def encode_body(json: Any) -> bytes:
    """
    Return a JSON body as the bytes that are signed and sent; a ``Decimal`` becomes text without exponent.

    :raise TypeError: for a float anywhere in it, and for what JSON does not have
    :raise InvalidInput: for a body that is neither an object nor a list, and for numbers that are none
    """
    body = _exact(json)
    if not isinstance(body, dict | list):
        raise InvalidInput(f"json is of type {type(json).__name__}: a body is a mapping or a list")
    return msgspec.json.encode(body)


def _exact(value: Any) -> Any:
    """Return the value with its decimals as text, which KuCoin takes for amounts; refuse floats."""
    match value:
        case float():
            raise TypeError(f"{value!r} is a float: give amounts as Decimal or as decimal text")
        case Decimal():
            if not value.is_finite():
                raise InvalidInput(f"{value} is not an amount")
            return f"{value:f}"
        case Mapping():
            return {name: _exact(part) for name, part in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_exact(part) for part in value]
        case UUID():
            return str(value)
        case None | str() | bool():
            return value
        case int():
            if value.bit_length() >= 64:  # noqa: PLR2004 - bits
                raise InvalidInput(f"{value} does not fit into 64 bits")
            return value
        case _:
            raise TypeError(f"a {type(value).__name__} cannot be sent: give text, numbers, lists and mappings")


# --------------------------------------------------------------------------------------------------------------- advice


def advice(endpoint: Endpoint, path: str) -> str:
    """Return what may be meant instead of a path that KuCoin does not have; empty when nothing comes near."""
    if known(endpoint.method, path, futures=not endpoint.futures):
        other = "the futures host: futures=True" if not endpoint.futures else "the spot host: futures=False"
        return f"It is an endpoint of {other}"
    methods = [method for method in METHODS if known(method, path, futures=endpoint.futures)]
    return f"Its methods are: {', '.join(methods)}" if methods and endpoint.method not in methods else ""


def secrets_in(value: Any, name: str = "") -> Iterator[str]:
    """Yield the texts in a request or an answer that belong in no log, by the names of their fields."""
    match value:
        case str() if value and _SECRET.search(name):
            yield value
        case Mapping():
            for field, part in value.items():
                yield from secrets_in(part, str(field))
        case list() | tuple():
            for part in value:
                yield from secrets_in(part, name)

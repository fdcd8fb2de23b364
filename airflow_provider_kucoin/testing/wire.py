"""What passes between the server, which has the socket, and the exchange, which has none."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

if TYPE_CHECKING:
    from collections.abc import Mapping

JSON_TYPE = "application/json"
HTML_TYPE = "text/html"


@dataclass(frozen=True, slots=True)
class Request:
    """
    One HTTP request; `target` is path and query exactly as on the request line, header names are lower case.

    `futures` says to which of KuCoin's two hosts it came.
    """

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes = b""
    remote: str = "127.0.0.1"
    futures: bool = False

    @property
    def path(self) -> str:
        """The target without its query."""
        return self.target.partition("?")[0]

    @property
    def params(self) -> dict[str, str]:
        """The query, decoded; of a name that is given twice the last one counts."""
        return dict(parse_qsl(self.target.partition("?")[2], keep_blank_values=True))


@dataclass(slots=True)
class Reply:
    """One HTTP reply and how it is delivered: after a delay, and perhaps not whole."""

    body: bytes
    status: int = 200
    content_type: str = JSON_TYPE
    headers: dict[str, str] = field(default_factory=dict)
    code: str | None = None
    weight: int = 0
    delay: float = 0.0
    sent: int | None = None
    """How much of the body is sent before the connection breaks: None is all of it, 0 not even the status line."""


def success(data: bytes) -> Reply:
    """Wrap data that is JSON already into KuCoin's envelope."""
    return Reply(b'{"code":"200000","data":' + data + b"}", code="200000")


def refusal(code: str, message: str, status: int) -> Reply:
    """Return KuCoin's envelope of a failure: no `data`."""
    return Reply(encode({"code": code, "msg": message}), status, code=code)


def page(title: str, status: int) -> Reply:
    """Return a page made for people, as the machines in front of KuCoin do."""
    html = f"<!DOCTYPE html><html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>"
    return Reply(html.encode(), status, HTML_TYPE)


def encode(value: Any) -> bytes:
    """Return compact JSON."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()

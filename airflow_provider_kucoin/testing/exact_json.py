"""
JSON whose numbers are `Decimal`, written as KuCoin's futures host writes them.

It writes what Java makes of its numbers: `20.0`, `394.439280806`, but `6.41E-4` below a thousandth and `1.5E8` from ten
millions on. (The small ones are in KuCoin's samples; that the large ones do the same is Java's habit.) No digit is
lost here; that is what makes a reader stumble who takes them for floats.
"""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any, Final

_SMALLEST_PLAIN: Final = -3
_LARGEST_PLAIN: Final = 6


def number(value: Decimal) -> str:
    """Return a number as JSON; all digits are kept, and there is always a fraction or an exponent."""
    if not value.is_finite():
        raise ValueError(f"{value} is no JSON number")
    if not value:
        return "0.0"
    if not _SMALLEST_PLAIN <= value.adjusted() <= _LARGEST_PLAIN:
        return f"{value:E}".replace("E+", "E")
    text = format(value, "f")
    return text if "." in text else f"{text}.0"


def encode(value: Any) -> str:
    """Return compact JSON; `Decimal` becomes a number."""
    if isinstance(value, Decimal):
        return number(value)
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(name)}:{encode(each)}" for name, each in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(map(encode, value)) + "]"
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def decode(text: str | bytes) -> Any:
    """Return what JSON says, its fractions as `Decimal`."""
    return json.loads(text, parse_float=Decimal)

"""Money is text here, or `Decimal`; never a float."""

from __future__ import annotations

import re
from decimal import Context, Decimal
from typing import Final

# Sums of money never round here; the usual 28 digits would, with 18 decimals.
EXACT: Final = Context(prec=200)

_PLAIN: Final = re.compile(r"-?[0-9]+(\.[0-9]+)?")


def plain(amount: str | Decimal) -> str:
    """Return an amount as KuCoin writes it: digits, no exponent. Text is kept as it is, so its trailing zeros stay."""
    if isinstance(amount, Decimal):
        amount = format(amount, "f")
    if not isinstance(amount, str):
        raise TypeError(f"an amount is text or Decimal, not {type(amount).__name__}")
    if not is_plain(amount):
        raise ValueError(f"{amount!r} is no amount")
    return amount


def is_plain(text: str) -> bool:
    """Whether text is an amount as KuCoin writes it."""
    return _PLAIN.fullmatch(text) is not None


def fits(amount: Decimal, precision: int) -> bool:
    """Whether an amount is a multiple of 10^-precision. Zeros at its end do not count."""
    _, _, fraction = format(amount, "f").partition(".")
    return len(fraction.rstrip("0")) <= precision


def padded(amount: Decimal) -> str:
    """Return an amount as the lists of withdrawals and deposits show it: with 8 decimals, or more if it has more."""
    exponent = amount.as_tuple().exponent
    decimals = -exponent if isinstance(exponent, int) else 0
    return f"{amount:.{max(decimals, 8)}f}"


def trimmed(amount: Decimal) -> str:
    """Return an amount without zeros at its end, as sums and prices are shown."""
    text = format(amount, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text

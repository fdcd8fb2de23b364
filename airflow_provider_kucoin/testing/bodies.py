"""
The JSON body of a POST, read field by field.

What KuCoin does with a body that is no JSON object, with a field of another type and with one that it does not know is
told nowhere: here the first two are refused, in words of our own, and the last is ignored. Null is as good as absent.
"""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from airflow_provider_kucoin.testing.amounts import is_plain
from airflow_provider_kucoin.testing.refusals import bad_parameter, not_in_range

if TYPE_CHECKING:
    from collections.abc import Collection


class Body:
    """The fields of a JSON object; numbers with a fraction are `Decimal`."""

    def __init__(self, body: bytes) -> None:
        try:
            fields = json.loads(body, parse_float=Decimal)
        except ValueError as error:
            raise bad_parameter("the body is not JSON") from error
        if not isinstance(fields, dict):
            raise bad_parameter("the body is not a JSON object")
        self._fields: dict[str, Any] = fields

    def get(self, name: str) -> Any:
        """Return a field's value as it came, None if it is absent."""
        return self._fields.get(name)

    def optional_text(self, name: str) -> str | None:
        """Return a field that is text, or None if it is absent."""
        value = self.get(name)
        if value is not None and not isinstance(value, str):
            raise bad_parameter(f"{name} must be a string")
        return value

    def text(self, name: str) -> str:
        """Return a field that is text and not empty."""
        value = self.optional_text(name)
        if not value:
            raise bad_parameter(f"{name} is required")
        return value

    def choice(self, name: str, choices: Collection[str]) -> str:
        """Return one of a list of values, written exactly so."""
        value = self.text(name)
        if value not in choices:
            raise not_in_range()
        return value

    def optional_choice(self, name: str, choices: Collection[str]) -> str | None:
        """Return one of a list of values, or None if the field is absent."""
        return None if self.get(name) is None else self.choice(name, choices)

    def flag(self, name: str) -> bool:
        """Return a truth value, False if the field is absent."""
        value = self.get(name)
        if value is not None and not isinstance(value, bool):
            raise bad_parameter(f"{name} must be a boolean")
        return bool(value)

    def amount(self, name: str, kinds: tuple[type[str | int | Decimal], ...]) -> Decimal:
        """Return a positive amount of money that came as one of the JSON types asked for: `str`, `int`, `Decimal`."""
        value = self.get(name)
        if value is None:
            raise bad_parameter(f"{name} is required")
        if isinstance(value, bool) or not isinstance(value, kinds):
            raise bad_parameter(f"{name} must be {' or '.join(kind.__name__ for kind in kinds)}")
        if isinstance(value, str) and not is_plain(value):
            raise bad_parameter(f"{name} is not a plain decimal")
        amount = Decimal(value)
        if not amount > 0:
            raise bad_parameter(f"{name} must be positive")
        return amount

"""An accepted request on its way to the function that answers it, and the reading of its parameters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_provider_kucoin.testing.refusals import bad_parameter, not_in_range

if TYPE_CHECKING:
    from collections.abc import Collection

    from airflow_provider_kucoin.testing.exchange import Exchange
    from airflow_provider_kucoin.testing.keys import ApiKey


@dataclass(frozen=True, slots=True)
class Call:
    """What an endpoint gets to see. Public endpoints, which ask for no key, see the default one."""

    exchange: Exchange
    key: ApiKey
    params: dict[str, str]
    variables: dict[str, str]
    ip: str
    now_ms: int
    body: bytes = b""

    def required(self, name: str) -> str:
        """Return a parameter that must be given."""
        text = self.params.get(name)
        if not text:
            # How KuCoin answers this is not known.
            raise bad_parameter(f"{name} is required")
        return text

    def integer(self, name: str, default: int) -> int:
        """Return a whole number."""
        number = self.optional_integer(name)
        return default if number is None else number

    def optional_integer(self, name: str) -> int | None:
        """Return a whole number, or None if the parameter was not given."""
        text = self.params.get(name)
        if text is None:
            return None
        if not (text.isascii() and text.isdigit()):
            # How KuCoin answers this is not known.
            raise bad_parameter(f"{name} must be a whole number")
        return int(text)

    def optional_offset(self, name: str) -> int | None:
        """Return a whole number; -1, which is the offset of rows that have none, is as good as nothing."""
        # How KuCoin answers -1 is not known.
        return None if self.params.get(name) == "-1" else self.optional_integer(name)

    def flag(self, name: str, *, default: bool) -> bool:
        """Return a truth value."""
        text = self.params.get(name)
        if text is None:
            return default
        # KuCoin's own client sends Python's words.
        if text.lower() not in ("true", "false"):
            # How KuCoin answers this is not known.
            raise bad_parameter(f"{name} must be a boolean")
        return text.lower() == "true"

    def choice(self, name: str, choices: Collection[str]) -> str | None:
        """Return one of a list of values, written exactly so, or None if the parameter was not given."""
        text = self.params.get(name)
        if text is not None and text not in choices:
            raise not_in_range()
        return text

"""What an endpoint is: a row of the exchange's table of paths."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_kucoin.testing.call import Call
    from airflow_provider_kucoin.testing.wire import Reply

    Answer = Callable[[Call], Reply]


@dataclass(frozen=True, slots=True)
class Route:
    """
    One endpoint. `permission` is the documentation's tag, None that of a public endpoint; `{…}` is one segment.

    `futures` says which of KuCoin's two hosts answers it. A path that both know is two routes: their weights differ.
    """

    method: str
    path: str
    permission: str | None
    pool: str
    weight: int
    answer: Answer
    futures: bool = False
    pattern: re.Pattern[str] = field(init=False)

    def __post_init__(self) -> None:
        pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", self.path)
        object.__setattr__(self, "pattern", re.compile(pattern))

    @property
    def is_public(self) -> bool:
        """Whether it is answered without a key."""
        return self.permission is None


# A route, and the variables that its path had.
Found = tuple[Route, dict[str, str]]

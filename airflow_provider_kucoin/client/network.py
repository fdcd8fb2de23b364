"""How to reach KuCoin from this machine, and what both transports share."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from airflow_provider_kucoin.api.calls import Surroundings

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Seconds without an answer after which a request counts as lost.
DEFAULT_TIMEOUT = 20.0


@dataclass(frozen=True, slots=True)
class Network:
    """
    The settings that a connection's extra has in common with the HTTP provider's.

    :param timeout: seconds without an answer after which a request counts as lost
    :param proxies: URL by scheme, as ``requests`` takes them; never shown, since it may hold a password
    :param verify: whether to check the server's certificate, or the path of the authorities to trust
    :param cert: the path of a client certificate, or of certificate and key
    :param trust_env: whether to heed proxy settings of the environment
    """

    timeout: float = DEFAULT_TIMEOUT
    proxies: Mapping[str, str] = field(default_factory=dict, repr=False)
    verify: bool | str = True
    cert: str | tuple[str, str] | None = None
    trust_env: bool = True


def wall_ms() -> int:
    """Return milliseconds since the epoch by this machine's clock."""
    return time.time_ns() // 1_000_000


#: The real clocks. The random number spreads retries; it guards nothing.
REAL = Surroundings(monotonic=time.monotonic, wall_ms=wall_ms, random=random.random)

"""
An exchange on a loopback port: strict like KuCoin's, settled by nobody, broken on demand.

KuCoin has closed its sandbox. This is one to test DAGs against; `python -m airflow_provider_kucoin.testing` runs it::

    exchange = Exchange()
    exchange.book(created_at=exchange.now_ms(), currency="USDT", amount="1.5")
    with Server(exchange) as server:
        os.environ["AIRFLOW_CONN_KUCOIN_DEFAULT"] = json.dumps(server.connection())

It is a second reading of KuCoin's documentation: it imports nothing of the provider, and the provider nothing of it.
Where the documentation is silent, the exchange does not guess: it has a *reading* (see `Readings`).
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow_provider_kucoin.testing.exchange import Exchange
    from airflow_provider_kucoin.testing.faults import Fault
    from airflow_provider_kucoin.testing.keys import ApiKey
    from airflow_provider_kucoin.testing.readings import Readings
    from airflow_provider_kucoin.testing.server import Server
    from airflow_provider_kucoin.testing.withdrawals import Step, Withdrawal

__all__ = ["ApiKey", "Exchange", "Fault", "Readings", "Server", "Step", "Withdrawal"]

# Names are fetched when first used: pytest loads the plugin of this package into every test run of whoever has the
# provider installed, and that may cost nothing.
_HOMES = {
    "ApiKey": "keys",
    "Exchange": "exchange",
    "Fault": "faults",
    "Readings": "readings",
    "Server": "server",
    "Step": "withdrawals",
    "Withdrawal": "withdrawals",
}


def __getattr__(name: str) -> Any:
    """Import a public name from the module where it lives."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)

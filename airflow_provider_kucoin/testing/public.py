"""Endpoints that need no key. They ignore signature headers: what KuCoin does with wrong ones is not documented."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_kucoin.testing import wire
from airflow_provider_kucoin.testing.refusals import bad_parameter

if TYPE_CHECKING:
    from airflow_provider_kucoin.testing.call import Call
    from airflow_provider_kucoin.testing.wire import Reply


def timestamp(call: Call) -> Reply:
    """Answer GET /api/v1/timestamp."""
    return wire.success(wire.encode(call.exchange.now_ms()))


def status(call: Call) -> Reply:
    """Answer GET /api/v1/status."""
    state, message = call.exchange.service_status
    return wire.success(wire.encode({"status": state, "msg": message}))


def my_ip(call: Call) -> Reply:
    """Answer GET /api/v1/my-ip."""
    return wire.success(wire.encode(call.ip))


def currencies(call: Call) -> Reply:
    """Answer GET /api/v3/currencies."""
    return wire.success(wire.encode(list(call.exchange.currencies.values())))


def currency(call: Call) -> Reply:
    """Answer GET /api/v3/currencies/{currency}."""
    detail = call.exchange.currencies.get(call.variables["currency"])
    if detail is None:
        # How KuCoin answers this is not known.
        raise bad_parameter("currency does not exist")
    if chain := call.params.get("chain"):
        # The documentation gives chain names as values ("ERC20"), later pages chain ids ("eth").
        chains = [one for one in detail["chains"] or () if chain in (one["chainName"], one["chainId"])]
        detail = {**detail, "chains": chains}
    return wire.success(wire.encode(detail))

"""A withdrawal whose answer is lost, in every way that the exchange knows: did it happen or not?"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import requests

from airflow_provider_kucoin.testing import Fault

if TYPE_CHECKING:
    from airflow_provider_kucoin.testing import Exchange

V3 = "/api/v3/withdrawals"
BODY = json.dumps(
    {
        "currency": "USDT",
        "toAddress": "TKFRQXSDcY4kd3QLzw7uK16GmLrjJggwX8",
        "amount": "10",
        "withdrawType": "ADDRESS",
        "chain": "trx",
    }
)
ACTS = [
    (Fault.RESET_AFTER, {}),
    (Fault.BAD_GATEWAY, {"acts": True}),
    (Fault.UNAVAILABLE, {"acts": True}),
    (Fault.SERVER_ERROR, {"acts": True}),
    (Fault.SERVER_ERROR, {"acts": True, "code": "230005", "message": "System busy", "status": 200}),
    (Fault.HTML_BODY, {"acts": True}),
    (Fault.TRUNCATED_JSON, {}),
    (Fault.BROKEN_BODY, {}),
    (Fault.MISSING_DATA, {}),
    (Fault.NULL_DATA, {}),
    (Fault.NULL_DATA, {"data": {}}),
    (Fault.REDIRECT, {"acts": True}),
]
DOES_NOTHING = [
    (Fault.RESET_BEFORE, {}),
    (Fault.RATE_LIMITED, {}),
    (Fault.OVERLOADED, {}),
    (Fault.CLOUDFLARE_1015, {}),
    (Fault.CLOCK_SKEW, {}),
    (Fault.BAD_GATEWAY, {}),
    (Fault.UNAVAILABLE, {}),
    (Fault.SERVER_ERROR, {}),
    (Fault.HTML_BODY, {}),
    (Fault.REDIRECT, {}),
]


def told(http: Any) -> str | None:
    """The withdrawal id that a client was told, if any."""
    try:
        answer = http(V3, body=BODY)
        return str(answer.json()["data"]["withdrawalId"])
    except (requests.RequestException, ValueError, KeyError, TypeError):
        return None


@pytest.mark.parametrize(("fault", "how"), ACTS)
def test_the_exchange_acts_and_tells_no_id(rich: Exchange, http: Any, fault: Fault, how: dict[str, Any]) -> None:
    rich.faults.inject(fault, path=V3, **how)
    assert told(http) is None
    (withdrawal,) = rich.withdrawals
    assert told(http) is not None
    assert len(rich.withdrawals) == 2
    assert rich.withdrawals[0] is withdrawal


@pytest.mark.parametrize(("fault", "how"), DOES_NOTHING)
def test_the_exchange_does_nothing_and_tells_no_id(
    rich: Exchange, http: Any, fault: Fault, how: dict[str, Any]
) -> None:
    rich.faults.inject(fault, path=V3, **how)
    assert told(http) is None
    assert rich.withdrawals == []
    assert rich.balances.get("USDT", "main").available == "1000"


def test_the_log_has_the_body_whose_answer_was_lost(rich: Exchange, http: Any) -> None:
    rich.faults.inject(Fault.RESET_AFTER, path=V3)
    told(http)
    assert (rich.requests[-1].json["amount"], rich.requests[-1].fault) == ("10", "RESET_AFTER")


def test_a_delayed_act_happens_when_nobody_thinks_of_it_any_more(
    rich: Exchange, http: Any, ask: Any, clock: Any
) -> None:
    rich.faults.inject(Fault.DELAYED_ACT, path=V3, delay_ms=3000)
    assert told(http) is None
    sent = clock.now_ms
    clock.now_ms += 2999
    assert rich.withdrawals == []
    assert ask("/api/v1/withdrawals", {"currency": "USDT"}).ids == []
    clock.now_ms += 60_000
    (withdrawal,) = rich.withdrawals
    assert withdrawal.created_at_ms == sent + 3000
    assert rich.balances.get("USDT", "main").available == "989"
    assert ask("/api/v1/withdrawals", {"currency": "USDT"}).ids == [withdrawal.id]


@pytest.mark.parametrize(("delay_ms", "happens"), [(5000, True), (5001, False)])
def test_a_delayed_act_is_fenced_by_the_age_of_its_signature(
    rich: Exchange, http: Any, clock: Any, *, delay_ms: int, happens: bool
) -> None:
    rich.faults.inject(Fault.DELAYED_ACT, path=V3, delay_ms=delay_ms)
    told(http)
    clock.now_ms += 60_000
    assert bool(rich.withdrawals) is happens


def test_a_delayed_act_is_refused_like_any_other(rich: Exchange, http: Any, clock: Any) -> None:
    rich.faults.inject(Fault.DELAYED_ACT, path=V3)
    told(http)
    rich.balances.set("USDT", "main", "1")
    clock.now_ms += 60_000
    assert rich.withdrawals == []


def test_a_transfer_whose_answer_is_lost_has_happened(rich: Exchange, http: Any) -> None:
    rich.faults.inject(Fault.RESET_AFTER)
    fields = {"clientOid": "1", "type": "INTERNAL", "currency": "USDT", "amount": "1"}
    accounts = {"fromAccountType": "MAIN", "toAccountType": "TRADE"}
    with pytest.raises(requests.ConnectionError):
        http("/api/v3/accounts/universal-transfer", body=json.dumps(fields | accounts))
    assert len(rich.transfers) == 1

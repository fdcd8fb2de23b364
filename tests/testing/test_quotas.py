"""GET /api/v1/withdrawals/quotas."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from airflow_provider_kucoin.testing import Exchange

QUOTAS = "/api/v1/withdrawals/quotas"


def test_a_quota_is_that_of_the_chain_asked_for(rich: Exchange, ask: Any) -> None:
    found = ask(QUOTAS, {"currency": "USDT", "chain": "trx"}).data
    assert (found["chain"], found["precision"], found["isWithdrawEnabled"]) == ("TRC20", 6, True)
    assert (found["withdrawMinSize"], found["withdrawMinFee"]) == ("3", "1")
    assert found["availableAmount"] == rich.balances.get("USDT", "main").available


def test_a_closed_chain_says_so(ask: Any) -> None:
    assert ask(QUOTAS, {"currency": "USDT", "chain": "optimism"}).data["isWithdrawEnabled"] is False


def test_a_precision_may_be_nothing(ask: Any) -> None:
    assert ask(QUOTAS, {"currency": "SHIB"}).data["precision"] == 0


def test_use_makes_it_less_and_the_next_day_all_again(rich: Exchange, ask: Any, withdraw: Any, clock: Any) -> None:
    rich.daily_limits["USDT"] = "100"

    def left() -> tuple[str, str]:
        found = ask(QUOTAS, {"currency": "USDT", "chain": "trx"}).data
        return found["remainAmount"], found["availableAmount"]

    assert left() == ("100", "1000")
    withdrawal_id = withdraw().data["withdrawalId"]
    withdraw()
    assert left() == ("80", "978")
    rich.fail(withdrawal_id)
    assert left() == ("90", "989")
    clock.now_ms += 12 * 3_600_000  # midnight: it was noon
    assert left() == ("100", "989")
    rich.readings.quota_day = "rolling_24h"
    assert left() == ("90", "989")
    clock.now_ms += 12 * 3_600_000
    assert left() == ("100", "989")


@pytest.mark.parametrize("params", [{"currency": "BTC"}, {"currency": "BTC", "chain": "eth"}])
def test_a_chain_that_the_currency_has_not_gives_its_default(ask: Any, params: dict[str, str]) -> None:
    assert ask(QUOTAS, params).data["chain"] == "BTC"


def test_a_chain_that_the_currency_has_not_may_be_refused(exchange: Exchange, ask: Any) -> None:
    exchange.readings.quota_of_other_chain = "refused"
    assert ask(QUOTAS, {"currency": "BTC", "chain": "eth"}).code == "900014"
    assert ask(QUOTAS, {"currency": "BTC"}).data["chain"] == "BTC"


def test_a_chain_may_be_asked_for_by_name(exchange: Exchange, ask: Any) -> None:
    assert ask(QUOTAS, {"currency": "USDT", "chain": "TRC20"}).data["chain"] == "ERC20"
    exchange.readings.chain_names_accepted = True
    assert ask(QUOTAS, {"currency": "USDT", "chain": "TRC20"}).data["chain"] == "TRC20"


@pytest.mark.parametrize("params", [{}, {"currency": ""}, {"currency": "NOPE"}])
def test_a_quota_needs_a_currency(ask: Any, params: dict[str, str]) -> None:
    assert ask(QUOTAS, params).code == "400100"

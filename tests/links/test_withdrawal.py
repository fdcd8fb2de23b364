"""Links lead to where the money is, or nowhere; never to a wrong place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_kucoin import get_provider_info
from airflow_provider_kucoin.api.explorers import EXPLORERS, explorer_url
from airflow_provider_kucoin.links import withdrawal as links
from airflow_provider_kucoin.operators.withdrawal import KucoinWithdrawOperator
from airflow_provider_kucoin.sensors.withdrawal import KucoinWithdrawalSensor

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def link(monkeypatch: pytest.MonkeyPatch) -> Callable[[Any], tuple[str, str]]:
    """Both links of a task with a given result."""
    operator = KucoinWithdrawOperator(task_id="pay", currency="USDT", amount="1", to_address="T", chain="trx")

    def link(result: Any) -> tuple[str, str]:
        monkeypatch.setattr(links.XCom, "get_value", lambda **_: result)
        withdrawal, transaction = operator.operator_extra_links
        return withdrawal.get_link(operator, ti_key=None), transaction.get_link(operator, ti_key=None)  # type: ignore[arg-type]

    return link


def test_a_settled_withdrawal_has_both_links(link: Callable[[Any], tuple[str, str]]) -> None:
    result = {"withdrawal_id": "1", "chain": "trx", "wallet_tx_id": "ab01"}
    assert link(result) == ("https://www.kucoin.com/assets/record", "https://tronscan.org/#/transaction/ab01")


@pytest.mark.parametrize(
    "result", [None, {}, "text", [], {"dry_run": True, "chain": "trx"}, {"withdrawal_id": None}], ids=str
)
def test_without_a_withdrawal_there_is_no_link(link: Callable[[Any], tuple[str, str]], result: Any) -> None:
    assert link(result) == ("", "")


@pytest.mark.parametrize(
    ("chain", "transaction"), [("unheard-of", "ab01"), ("trx", None), ("", "ab01"), (None, "ab01"), ("trx", "")]
)
def test_an_unknown_chain_or_transaction_has_no_explorer(
    link: Callable[[Any], tuple[str, str]], chain: str | None, transaction: str | None
) -> None:
    assert link({"withdrawal_id": "1", "chain": chain, "wallet_tx_id": transaction})[1] == ""


@pytest.mark.parametrize("evil", ["../../x", "a?b=c", "a#b", "javascript:alert(1)", "a b", "<script>"])
def test_what_is_no_transaction_id_makes_no_link(evil: str) -> None:
    assert explorer_url("eth", evil) is None


@pytest.mark.parametrize("chain", EXPLORERS)
def test_every_explorer_is_reached_over_https_with_the_transaction_at_its_end(chain: str) -> None:
    url = explorer_url(chain.upper(), "ab01")
    assert url is not None
    assert url.startswith("https://")
    assert url.endswith("/ab01")


def test_operator_and_sensor_have_the_links_that_the_provider_declares() -> None:
    declared = set(get_provider_info()["extra-links"])
    for thing in (KucoinWithdrawOperator, KucoinWithdrawalSensor):
        found = {f"{type(one).__module__}.{type(one).__qualname__}" for one in thing.operator_extra_links}
        assert found <= declared

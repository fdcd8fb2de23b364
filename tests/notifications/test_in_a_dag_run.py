"""The notifier in a real run of a DAG by Airflow."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_kucoin.testing import Exchange, Server


def test_a_payment_and_a_refusal_are_told_by_the_callbacks_of_their_tasks(
    airflow_with: Callable[[Path], Any],
    exchange: Exchange,
    server: Server,
    connect: Callable[..., Any],
    tmp_path: Path,
) -> None:
    exchange.allow_withdrawals()
    exchange.balances.set("USDT", "main", "100")
    connect(server.connection(), extra={"withdrawals_enabled": True})
    said = tmp_path / "said"
    airflow = airflow_with(Path(__file__).parent / "dags")
    done = airflow(["dags", "test", "told", "2026-02-03"], KUCOIN_SAID=str(said))
    assert said.exists(), done.stdout[-6000:]
    paid, refused = sorted(said.read_text().splitlines())
    [withdrawal] = exchange.withdrawals
    assert paid.startswith("KuCoin withdrawal 10.5 USDT on trx to TKFRQ...ggwX8: sent, not settled yet; status ")
    assert f"id {withdrawal.id}; marker {withdrawal.remark}; task told.pay, run " in paid
    assert refused.startswith(
        "KuCoin withdrawal 99999999 USDT on trx to TKFRQ...ggwX8: the task FAILED, see the error for whether money has "
        "moved; error "
    )
    assert "99999999" in refused.partition("; error ")[2]
    assert "task told.too_much, run " in refused

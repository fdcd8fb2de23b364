"""Links from a task to its withdrawal at KuCoin and to its transaction in a block explorer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import BaseOperatorLink, XCom

from airflow_provider_kucoin.api.explorers import explorer_url

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import BaseOperator

#: The account's history of withdrawals. KuCoin documents no address for a single one.
HISTORY_URL = "https://www.kucoin.com/assets/record"


def _result(ti_key: Any) -> dict[str, Any]:
    found = XCom.get_value(key="return_value", ti_key=ti_key)
    return found if isinstance(found, dict) else {}


class KucoinWithdrawalLink(BaseOperatorLink):
    """The withdrawal at KuCoin: its history of withdrawals, for who is signed in there."""

    name = "Withdrawals at KuCoin"

    def get_link(self, operator: BaseOperator, *, ti_key: Any) -> str:  # noqa: ARG002 - Airflow's signature
        """Return the link, or nothing as long as there is no withdrawal."""
        return HISTORY_URL if _result(ti_key).get("withdrawal_id") else ""


class KucoinTransactionLink(BaseOperatorLink):
    """The transaction in a public block explorer of its chain."""

    name = "Transaction in a block explorer"

    def get_link(self, operator: BaseOperator, *, ti_key: Any) -> str:  # noqa: ARG002 - Airflow's signature
        """Return the link, or nothing where the chain's explorer or the transaction is not known."""
        found = _result(ti_key)
        return explorer_url(found.get("chain"), found.get("wallet_tx_id")) or ""

"""What operators that call KuCoin themselves have in common."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import BaseOperator

from airflow_provider_kucoin.api.durations import check_duration

if TYPE_CHECKING:
    from datetime import timedelta
    from decimal import Decimal

    from airflow_provider_kucoin.hooks.kucoin import KucoinHook


class HookedOperator(BaseOperator):
    """
    An operator with a hook, which is made when the task runs and not when its DAG file is parsed.

    :param kucoin_conn_id: the connection
    """

    ui_color = "#24ae8f"
    ui_fgcolor = "#ffffff"

    def __init__(self, *, kucoin_conn_id: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.kucoin_conn_id = kucoin_conn_id

    @cached_property
    def hook(self) -> KucoinHook:
        """The hook that calls."""
        from airflow_provider_kucoin.hooks.kucoin import KucoinHook

        return KucoinHook(self.kucoin_conn_id)


class MoneyOperator(HookedOperator):
    """
    An operator that moves money.

    :param amount: decimal text, a ``Decimal`` or an ``int``; never a float
    :param settle: how long after KuCoin has accepted it its lists must show it
    """

    def __init__(self, *, amount: str | Decimal | int, settle: timedelta, **kwargs: Any) -> None:
        if isinstance(amount, float):
            raise TypeError(f"amount={amount!r} is a float: give decimal text such as '10.5', a Decimal or an int")
        super().__init__(**kwargs)
        check_duration("settle", settle)
        self.amount = amount
        self.settle = settle

"""All balances of an account: several questions, one answer."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from airflow_provider_kucoin.api import balances, endpoints
from airflow_provider_kucoin.api.endpoints import CONTRACTS
from airflow_provider_kucoin.api.errors import RequestRefused, UnexpectedData
from airflow_provider_kucoin.client.listing import read_settled_listing

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from airflow_provider_kucoin.api.balances import Row, Source
    from airflow_provider_kucoin.client.blocking import BlockingClient

log = logging.getLogger(__name__)

#: KuCoin's codes for an account that has no such balances: margin trading is not enabled; not a unified account, or not
#: a classic one.
NOT_THERE = ("101030", "112010", "116104")


class Snapshot:
    """
    Reads balances.

    :param now_ms: KuCoin's time
    """

    def __init__(self, client: BlockingClient, now_ms: Callable[[], int]) -> None:
        self._client = client
        self._now_ms = now_ms

    def take(self, include: str | Sequence[str] | None, currencies: Collection[str] = ()) -> list[Row]:
        """
        Return balances as rows of :data:`airflow_provider_kucoin.api.balances.BALANCES`.

        :param include: which; nothing for all that the key may read and the account has
        :param currencies: settlement currencies to ask for beside those of the contracts that are listed now
        """
        # A name that does not exist is refused before anything is asked.
        balances.choose(include, (), is_master=True)
        permissions, is_master = ((), True) if include else self._key()
        sources, left_out = balances.choose(include, permissions, is_master=is_master)
        for why in left_out:
            log.warning("left out: %s", why)
        return [row for source in sources for row in self._read(source, currencies, may_lack=not include)]

    def _key(self) -> tuple[Sequence[str], bool]:
        found = self._client.call(endpoints.API_KEY)
        try:
            return str(found["permission"]).split(","), bool(found["isMaster"])
        except (KeyError, TypeError):
            raise UnexpectedData("KuCoin does not tell what the key may do") from None

    def _read(self, source: Source, currencies: Collection[str], *, may_lack: bool) -> list[Row]:
        queries = [dict(source.params)]
        if source.each_currency:
            queries = [{**query, "currency": code} for query in queries for code in self._settled_in(currencies)]
        try:
            return [row for query in queries for row in self._ask(source, query)]
        except RequestRefused as problem:
            if may_lack and problem.code in NOT_THERE:
                log.warning("left out: %s: the account has none (%s)", source.name, problem)
                return []
            raise

    def _ask(self, source: Source, query: dict[str, str]) -> list[Row]:
        data: Any
        if source.page_size:
            data = read_settled_listing(self._client, source.endpoint, query, page_size=source.page_size)
        else:
            data = self._client.call(source.endpoint, params=query)
        return balances.parse(source, data, self._now_ms())

    def _settled_in(self, currencies: Collection[str]) -> list[str]:
        listed = self._client.call(CONTRACTS)
        try:
            found = {str(contract["settleCurrency"]) for contract in listed}
        except (KeyError, TypeError):
            raise UnexpectedData("KuCoin's list of contracts has a row without settleCurrency") from None
        return sorted(found.union(balances.SETTLEMENT_CURRENCIES, currencies))

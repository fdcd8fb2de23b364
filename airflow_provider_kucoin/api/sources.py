"""
What lineage calls KuCoin's data: ``kucoin://<host>/accounts/<uid>/ledgers/<ledger>``, ``.../histories/<dataset>``.

There is no standard for it. The host tells the exchange's sites and the sandbox apart, the uid the accounts: the same
ledger of two accounts is two sources, and of two keys of one account one. Public data is under ``/public``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from airflow_provider_kucoin.api.datasets import Dataset

SCHEME = "kucoin"
#: Whose rows of a public dataset are.
PUBLIC = "public"
_PLURALS = {"ledger": "ledgers", "history": "histories"}


@dataclass(frozen=True, slots=True)
class Source:
    """
    A list of rows at KuCoin.

    :param namespace: the scheme and the host
    :param name: the path
    """

    namespace: str
    name: str

    @property
    def uri(self) -> str:
        """Both together."""
        return f"{self.namespace}/{self.name}"


def source_of(dataset: Dataset, url: str, account: str) -> Source:
    """
    Return what a dataset is called.

    :param url: of the host that serves it
    :param account: the uid of the account, or ``public``
    """
    owner = PUBLIC if account == PUBLIC else f"accounts/{account}"
    return Source(f"{SCHEME}://{urlsplit(url).netloc}", f"{owner}/{_PLURALS[dataset.kind]}/{dataset.name}")

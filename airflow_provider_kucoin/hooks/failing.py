"""From this provider's errors to Airflow's: what will be refused again is not retried."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_provider_kucoin.api.errors import FatalError, OutcomeUnknown

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def no_retry_when_fatal() -> Iterator[None]:
    """
    Make a task fail at once, retries or not, where trying again would change nothing or could do harm.

    That is: what KuCoin, or a rule here, would refuse again; an amount of a type that money must not have; and money of
    which it is not known whether it has moved.

    Everything else is left as it is: Airflow retries any other exception.
    """
    try:
        yield
    except (FatalError, OutcomeUnknown, TypeError) as problem:
        raise AirflowFailException(str(problem)) from problem

"""Hooks that do not wait long for what will not come."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from moments import YESTERDAY

from airflow_provider_kucoin.api.calls import Retry
from airflow_provider_kucoin.hooks.kucoin import KucoinHook

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def hook(connection: dict[str, Any]) -> KucoinHook:  # noqa: ARG001 - it is there
    """A hook on `kucoin_default`."""
    return KucoinHook()


@pytest.fixture
def impatient() -> Callable[[], KucoinHook]:
    """A hook on `kucoin_default` that asks once."""
    return lambda: KucoinHook(retry=Retry(attempts=1))


@pytest.fixture(params=["blocking", "concurrent"])
def reach(request: pytest.FixtureRequest) -> Callable[[KucoinHook], object]:
    """Reach the exchange by one of the hook's two transports; the clock and the key are asked for by the first."""
    if request.param == "blocking":
        return lambda hook: hook.get_accounts()

    def reach(hook: KucoinHook) -> object:
        from airflow_provider_kucoin.api.ledgers import SPOT
        from airflow_provider_kucoin.api.selections import select
        from airflow_provider_kucoin.api.windows import Window

        piece = Window(YESTERDAY, YESTERDAY + 1000)
        with hook.read_pieces(SPOT, [piece], select(SPOT, {})) as reader:
            return list(reader.pages(piece))

    return reach

"""Triggers, run in an event loop of their own as the triggerer would."""

from __future__ import annotations

import asyncio
import gc
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from airflow_provider_kucoin.testing import Exchange


@pytest.fixture(autouse=True)
def nothing_is_left_open() -> Iterator[None]:
    """Whatever was left open is found by the garbage collector here, and its warning is this test's failure."""
    yield
    gc.collect()


@pytest.fixture
def fast(exchange: Exchange, connection: dict[str, Any]) -> Exchange:  # noqa: ARG001 - it is there
    """The exchange behind `kucoin_default`, its quota as large as the waits are short, its clock this machine's."""
    exchange.clock_offset_ms = 0
    exchange.set_quota("Management", 1_000_000)
    return exchange


@pytest.fixture
def sent(fast: Exchange) -> Any:
    """A withdrawal in PROCESSING."""
    return fast.add_withdrawal(
        currency="USDT", amount="10.5", address="T" + "2" * 33, chain="trx", fee="1", status="PROCESSING"
    )


async def _first_event(trigger: Any) -> dict[str, Any]:
    events = [event async for event in trigger.run()]
    assert len(events) == 1, "a trigger yields one event"
    payload: dict[str, Any] = events[0].payload
    return payload


@pytest.fixture
def first_event() -> Callable[[Any], Any]:
    """What a trigger yields, as a coroutine."""
    return _first_event


@pytest.fixture
def run() -> Callable[[Any], Any]:
    """Run coroutines or triggers in an event loop; nothing may be left in it but what runs it."""

    def run(*work: Any) -> Any:
        async def all_of_it() -> Any:
            async with asyncio.timeout(20):
                coroutines = [one if asyncio.iscoroutine(one) else _first_event(one) for one in work]
                found = await asyncio.gather(*coroutines)
            assert asyncio.all_tasks() == {asyncio.current_task()}
            return found if len(work) > 1 else found[0]

        return asyncio.run(all_of_it())

    return run

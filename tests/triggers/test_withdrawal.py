"""The trigger: it survives what KuCoin and the triggerer go through, shares what it asks, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_kucoin.hooks.waiting import watch_on
from airflow_provider_kucoin.testing import Fault, Step
from airflow_provider_kucoin.triggers.withdrawal import KucoinWithdrawalTrigger

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_kucoin.testing import Exchange

LIST = "/api/v1/withdrawals"


def trigger(withdrawal: Any, **how: Any) -> KucoinWithdrawalTrigger:
    given = {"poll_interval": 0.05, "timeout": 15.0, "currency": "USDT", **how}
    return KucoinWithdrawalTrigger(getattr(withdrawal, "id", withdrawal), "kucoin_default", **given)


async def after(seconds: float, do: Callable[[], object]) -> None:
    await asyncio.sleep(seconds)
    do()


def test_it_ends_with_the_withdrawal(sent: Any, fast: Exchange, run: Callable[..., Any]) -> None:
    event, _ = run(trigger(sent), after(0.1, lambda: fast.settle(sent.id, wallet_tx_id="a1")))
    assert (event["withdrawal"]["status"], event["withdrawal"]["walletTxId"]) == ("SUCCESS", "a1")
    json.dumps(event)


def test_it_ends_with_a_failure_and_its_reason(sent: Any, fast: Exchange, run: Callable[..., Any]) -> None:
    event, _ = run(trigger(sent), after(0.1, lambda: fast.fail(sent.id, "AML", "declined")))
    assert (event["withdrawal"]["status"], event["withdrawal"]["failureReason"]) == ("FAILURE", "AML")


def test_it_waits_through_every_status(sent: Any, run: Callable[..., Any]) -> None:
    sent.steps = [Step(status, looks=1) for status in ("REVIEW", "UNHEARD_OF", "WALLET_PROCESSING", "SUCCESS")]
    assert run(trigger(sent))["withdrawal"]["status"] == "SUCCESS"


def test_it_can_be_made_again_from_what_it_is_stored_as(sent: Any, fast: Exchange) -> None:
    made = trigger(sent, created_at_ms=5)
    path, arguments = made.serialize()
    assert path == "airflow_provider_kucoin.triggers.withdrawal.KucoinWithdrawalTrigger"
    again = KucoinWithdrawalTrigger(**json.loads(json.dumps(arguments)))
    assert again.serialize() == (path, arguments)
    for secret in (fast.key.key, fast.key.secret, fast.key.passphrase):
        assert secret not in json.dumps(arguments) + repr(made)


@pytest.mark.parametrize("status", ["REVIEW", "UNHEARD_OF"])
def test_it_gives_up_when_time_is_up_and_tells_the_last_status(
    sent: Any, fast: Exchange, run: Callable[..., Any], status: str
) -> None:
    fast.set_status(sent.id, status)
    # Long enough for a look on a machine that is busy.
    assert run(trigger(sent, timeout=1.5)) == {"timed_out": status}


def test_a_restarted_triggerer_does_not_begin_the_time_anew(sent: Any, run: Callable[..., Any]) -> None:
    _, arguments = trigger(sent, timeout=0.5).serialize()
    time_left = 0.1
    arguments["give_up_at"] = time.time() + time_left
    arguments["timeout"] = 0.1
    began = time.monotonic()
    assert "timed_out" in run(KucoinWithdrawalTrigger(**arguments))
    assert time.monotonic() - began < 5


def test_a_triggerer_that_was_down_until_time_was_up_still_looks_once(
    sent: Any, fast: Exchange, run: Callable[..., Any]
) -> None:
    _, arguments = trigger(sent, timeout=600.0).serialize()
    arguments["give_up_at"] = time.time() - 3600
    fast.settle(sent.id)
    assert run(KucoinWithdrawalTrigger(**arguments))["withdrawal"]["status"] == "SUCCESS"


def test_without_a_timeout_it_waits_for_ever(sent: Any, fast: Exchange, run: Callable[..., Any]) -> None:
    event, _ = run(trigger(sent, timeout=None), after(0.3, lambda: fast.settle(sent.id)))
    assert event["withdrawal"]["status"] == "SUCCESS"


@pytest.mark.parametrize(
    "fault",
    [Fault.RATE_LIMITED, Fault.SERVER_ERROR, Fault.UNAVAILABLE, Fault.RESET_BEFORE, Fault.HTML_BODY,
     Fault.TRUNCATED_JSON, Fault.CLOCK_SKEW, Fault.NULL_DATA],
    ids=lambda fault: fault.name,
)  # fmt: skip
def test_it_survives_kucoins_bad_moments(sent: Any, fast: Exchange, run: Callable[..., Any], fault: Fault) -> None:
    injection = fast.faults.inject(fault, times=3)
    event, _ = run(trigger(sent), after(0.2, lambda: fast.settle(sent.id)))
    assert (event["withdrawal"]["status"], injection.hits) == ("SUCCESS", 3)


def test_it_corrects_a_clock_that_is_wrong(sent: Any, fast: Exchange, run: Callable[..., Any]) -> None:
    fast.clock_offset_ms = 86_400_000
    fast.settle(sent.id)
    assert run(trigger(sent))["withdrawal"]["status"] == "SUCCESS"


def test_a_refusal_to_be_asked_is_an_event_and_not_an_exception(
    sent: Any, fast: Exchange, run: Callable[..., Any]
) -> None:
    fast.remove_key(fast.key)
    assert "400003" in run(trigger(sent))["problem"]


def test_a_connection_that_cannot_be_used_is_an_event(
    sent: Any, connect: Callable[..., Any], server: Any, run: Callable[..., Any]
) -> None:
    connect(server.connection(), {"passphrase": None})
    assert "passphrase" in run(trigger(sent))["problem"]


def test_a_connection_that_does_not_exist_breaks_the_trigger(sent: Any, run: Callable[..., Any]) -> None:
    """So that Airflow retries: it may be the API server that is away."""
    with pytest.raises(Exception, match="nowhere"):
        run(KucoinWithdrawalTrigger(sent.id, "nowhere"))


# ------------------------------------------------------------------------------------------------------------- together


def test_two_hundred_triggers_on_one_connection_share_session_and_looks(
    fast: Exchange, run: Callable[..., Any]
) -> None:
    sent = [
        fast.add_withdrawal(currency="USDT", amount="1", address="T" + "2" * 33, chain="trx", status="PROCESSING")
        for _ in range(200)
    ]

    def looks() -> list[str]:
        return [record.path for record in fast.requests if record.path.startswith(LIST)]

    async def settle() -> None:
        while looks().count(LIST) < 4:  # noqa: ASYNC110 - the exchange is another thread's
            await asyncio.sleep(0.01)
        for one in sent:
            fast.settle(one.id)

    *events, _ = run(*(trigger(one, poll_interval=0.2) for one in sent), settle())
    assert {event["withdrawal"]["id"] for event in events} == {one.id for one in sent}
    # Of its own, each would have looked five times at the least: a thousand looks.
    assert len(looks()) <= 20
    assert set(looks()) == {LIST}


def test_different_connections_have_sessions_of_their_own(
    sent: Any, fast: Exchange, monkeypatch: pytest.MonkeyPatch, server: Any, run: Callable[..., Any]
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_KUCOIN_OTHER", json.dumps(server.connection()))
    fast.settle(sent.id)
    found: list[Any] = []

    async def watches() -> None:
        async with (
            watch_on("kucoin_default") as one,
            watch_on("kucoin_other") as other,
            watch_on("kucoin_default") as same,
        ):
            found.extend([one, other, same])

    run(watches())
    assert found[0] is found[2] is not found[1]


def test_the_last_to_leave_closes_the_session(sent: Any, fast: Exchange, run: Callable[..., Any]) -> None:
    sessions: list[Any] = []

    async def work(first_event: Any) -> None:
        waiting = asyncio.ensure_future(first_event)
        async with watch_on("kucoin_default") as watch:
            await asyncio.sleep(0.1)
            sessions.append(watch.client._session)
        assert not sessions[0].closed, "one still waits"
        fast.settle(sent.id)
        await waiting
        assert sessions[0].closed

    async def event() -> Any:
        return [one async for one in trigger(sent).run()]

    run(work(event()))


def test_a_wait_after_the_last_one_left_opens_another_session(
    sent: Any, fast: Exchange, run: Callable[..., Any]
) -> None:
    fast.settle(sent.id)

    async def twice() -> list[Any]:
        return [event.payload for _ in range(2) async for event in trigger(sent).run()]

    assert [event["withdrawal"]["status"] for event in run(twice())] == ["SUCCESS", "SUCCESS"]


@pytest.mark.parametrize("when", [0.0, 0.001, 0.005, 0.02, 0.1])
def test_triggers_that_are_cancelled_leave_nothing_behind(
    sent: Any, run: Callable[..., Any], first_event: Callable[[Any], Any], when: float
) -> None:
    """The triggerer cancels what a person clears, at any moment."""

    async def work() -> None:
        tasks = [asyncio.ensure_future(first_event(trigger(sent))) for _ in range(5)]
        await asyncio.sleep(when)
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(isinstance(one, asyncio.CancelledError) for one in ended)

    run(work())


def test_one_that_is_cancelled_does_not_stop_the_others(
    sent: Any, fast: Exchange, run: Callable[..., Any], first_event: Callable[[Any], Any]
) -> None:
    async def work() -> Any:
        first, second = (asyncio.ensure_future(first_event(trigger(sent))) for _ in range(2))
        await asyncio.sleep(0.1)
        first.cancel()
        fast.settle(sent.id)
        return await second

    assert run(work())["withdrawal"]["status"] == "SUCCESS"


def test_two_triggers_may_wait_for_the_same_withdrawal(sent: Any, fast: Exchange, run: Callable[..., Any]) -> None:
    *events, _ = run(trigger(sent), trigger(sent), after(0.2, lambda: fast.settle(sent.id)))
    assert [event["withdrawal"]["status"] for event in events] == ["SUCCESS", "SUCCESS"]


def test_each_loop_has_its_own(sent: Any, fast: Exchange, run: Callable[..., Any]) -> None:
    fast.settle(sent.id)
    for _ in range(3):
        run(trigger(sent))


def test_whoever_stops_the_wait_does_not_cancel_the_money(sent: Any, fast: Exchange, run: Callable[..., Any]) -> None:
    run(trigger(sent).on_kill())
    assert sent.status == "PROCESSING"
    assert len(fast.requests) == 0

"""Many waits on one connection: few calls, nobody forgotten, and nothing left behind."""

from __future__ import annotations

import asyncio
import contextlib
import gc
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_kucoin.api.errors import AuthenticationFailed
from airflow_provider_kucoin.client.concurrent import ConcurrentClient
from airflow_provider_kucoin.client.network import REAL
from airflow_provider_kucoin.client.watching import Watch
from airflow_provider_kucoin.testing import Exchange, Fault, Step

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from airflow_provider_kucoin.api.calls import Line, Retry, Surroundings
    from airflow_provider_kucoin.client.network import Network

LIST = "/api/v1/withdrawals"


@pytest.fixture
def exchange() -> Exchange:
    """An exchange whose time goes by. Waits are hundreds of times as short here as they are, so its quota is larger."""
    exchange = Exchange()
    exchange.set_quota("Management", 1_000_000)
    return exchange


@pytest.fixture
def watching(line: Line, network: Network, hasty: Retry) -> Callable[..., Any]:
    """A watch on the exchange."""

    @contextlib.asynccontextmanager
    async def watching(surroundings: Surroundings = REAL) -> AsyncIterator[Watch]:
        async with ConcurrentClient(line, network, retry=hasty) as client:
            watch = Watch(client, surroundings)
            try:
                yield watch
            finally:
                await watch.close()

    return watching


@pytest.fixture
def many(exchange: Exchange) -> Callable[..., list[Any]]:
    """Withdrawals on their way."""

    def many(count: int, currency: str = "USDT", **fields: Any) -> list[Any]:
        given = {"currency": currency, "amount": "1", "address": "T" + "2" * 33, "status": "PROCESSING", **fields}
        return [exchange.add_withdrawal(**given) for _ in range(count)]

    return many


async def when(condition: Callable[[], object], seconds: float = 10) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - the exchange is another thread's
            await asyncio.sleep(0.005)


def lists(exchange: Exchange) -> int:
    return sum(record.path == LIST for record in exchange.requests)


def by_id(exchange: Exchange) -> int:
    return sum(record.path.startswith(f"{LIST}/") for record in exchange.requests)


def waits(watch: Watch, withdrawals: list[Any], interval: float = 0.05, **known: Any) -> list[asyncio.Task[Any]]:
    """Wait for each of them, as a task each."""
    given = {"currency": "USDT", **known}
    return [asyncio.ensure_future(watch.until_final(one.id, first_interval=interval, **given)) for one in withdrawals]


def run(work: Awaitable[Any]) -> Any:
    async def limited() -> Any:
        async with asyncio.timeout(15):
            return await work

    return asyncio.run(limited())


def test_one_wait_ends_with_its_withdrawal(
    exchange: Exchange, watching: Callable[[], Any], many: Callable[..., list[Any]]
) -> None:
    (one,) = many(1)

    async def work() -> Any:
        async with watching() as watch:
            (task,) = waits(watch, [one])
            await when(lambda: by_id(exchange) >= 2)
            exchange.settle(one.id, wallet_tx_id="a1")
            return await task

    found = run(work())
    assert (found["id"], found["status"], found["walletTxId"]) == (one.id, "SUCCESS", "a1")


def test_two_hundred_waits_share_their_looks(
    exchange: Exchange, watching: Callable[[], Any], many: Callable[..., list[Any]]
) -> None:
    sent = many(200)

    async def work() -> Any:
        async with watching() as watch:
            tasks = waits(watch, sent, interval=0.2)
            await when(lambda: lists(exchange) >= 4)
            assert by_id(exchange) == 0
            for one in sent:
                exchange.settle(one.id)
            found = await asyncio.gather(*tasks)
            assert len(watch) == 0
            return found

    assert {row["id"] for row in run(work())} == {one.id for one in sent}
    weight = exchange.requests.totals()["weight"]["Management"]
    assert weight <= 20 * 12, "one by one it would have been 4,000 for every look"


def test_waits_stay_together_however_long_it_takes_to_tell_people(
    exchange: Exchange, watching: Callable[..., Any], many: Callable[..., list[Any]]
) -> None:
    sent = many(2)
    told: list[str] = []

    async def work() -> None:
        # A second goes by for each of them.
        async with watching(replace(REAL, monotonic=lambda: REAL.monotonic() + len(told))) as watch:
            tasks = waits(watch, sent, interval=0.2, notes=told.append)
            await when(lambda: lists(exchange) >= 4)
            for one in sent:
                exchange.settle(one.id)
            await asyncio.gather(*tasks)

    run(work())
    assert len(told) == 2
    assert by_id(exchange) == 0


def test_a_thousand_that_settle_at_once_are_seen_with_a_few_pages(
    exchange: Exchange, watching: Callable[[], Any], many: Callable[..., list[Any]]
) -> None:
    sent = many(1000)

    async def work() -> Any:
        async with watching() as watch:
            tasks = waits(watch, sent, interval=0.2)
            await when(lambda: lists(exchange) >= 2)
            for one in sent:
                exchange.settle(one.id)
            return await asyncio.gather(*tasks)

    assert len(run(work())) == 1000
    assert exchange.requests.totals()["weight"]["Management"] <= 400


def test_a_failure_comes_with_its_reason_which_only_the_look_by_id_gives(
    exchange: Exchange, watching: Callable[[], Any], many: Callable[..., list[Any]]
) -> None:
    sent = many(3)

    async def work() -> Any:
        async with watching() as watch:
            tasks = waits(watch, sent)
            await when(lambda: lists(exchange) >= 1)
            exchange.settle(sent[0].id)
            exchange.settle(sent[1].id)
            exchange.fail(sent[2].id, "AML", "declined")
            return await asyncio.gather(*tasks)

    found = run(work())
    assert [row["status"] for row in found] == ["SUCCESS", "SUCCESS", "FAILURE"]
    assert (found[2]["failureReason"], found[2]["failureReasonMsg"]) == ("AML", "declined")


def test_every_currency_has_a_list_of_its_own(
    exchange: Exchange, watching: Callable[[], Any], many: Callable[..., list[Any]]
) -> None:
    coins = {code: many(5, code) for code in ("USDT", "BTC", "ETH")}

    async def work() -> None:
        async with watching() as watch:
            tasks = [task for code, sent in coins.items() for task in waits(watch, sent, currency=code)]
            await when(lambda: lists(exchange) >= 6)
            for sent in coins.values():
                for one in sent:
                    exchange.settle(one.id)
            await asyncio.gather(*tasks)

    run(work())
    assert {record.params["currency"] for record in exchange.requests if record.path == LIST} == set(coins)


def test_a_wait_that_knows_no_currency_learns_it_by_the_first_look(
    exchange: Exchange, watching: Callable[[], Any], many: Callable[..., list[Any]]
) -> None:
    sent = many(20)

    async def work() -> None:
        async with watching() as watch:
            tasks = waits(watch, sent, currency=None)
            await when(lambda: lists(exchange) >= 3)
            assert by_id(exchange) == 20
            for one in sent:
                exchange.settle(one.id)
            await asyncio.gather(*tasks)

    run(work())


def test_a_restarted_triggerer_asks_the_list_for_what_is_hours_old(
    exchange: Exchange, watching: Callable[[], Any], many: Callable[..., list[Any]]
) -> None:
    """The operator hands over no time of creation."""
    sent = many(100, created_at_ms=exchange.now_ms() - 20 * 3_600_000)

    async def work() -> None:
        async with watching() as watch:
            tasks = waits(watch, sent)
            await when(lambda: lists(exchange) >= 3)
            for one in sent:
                exchange.settle(one.id)
            await asyncio.gather(*tasks)

    run(work())
    assert by_id(exchange) == 0


def test_what_is_older_than_the_list_is_asked_for_is_found_by_id_once_and_then_in_the_list(
    exchange: Exchange, watching: Callable[[], Any], many: Callable[..., list[Any]]
) -> None:
    sent = many(30, created_at_ms=exchange.now_ms() - 20 * 86_400_000)

    async def work() -> None:
        async with watching() as watch:
            tasks = waits(watch, sent)
            await when(lambda: lists(exchange) >= 4)
            for one in sent:
                exchange.settle(one.id)
            await asyncio.gather(*tasks)

    run(work())
    assert by_id(exchange) <= 30


def test_rows_without_id_fall_back_to_looks_by_id(
    exchange: Exchange, watching: Callable[[], Any], many: Callable[..., list[Any]]
) -> None:
    exchange.readings.list_rows_have_id = False
    sent = many(10)

    async def work() -> None:
        async with watching() as watch:
            tasks = waits(watch, sent)
            await when(lambda: by_id(exchange) >= 60)
            asked = lists(exchange)
            await when(lambda: by_id(exchange) >= 90)
            assert lists(exchange) == asked, "it has given up on the list"
            for one in sent:
                exchange.settle(one.id)
            await asyncio.gather(*tasks)

    run(work())


@pytest.mark.parametrize("unknown", ["refused", "null"])
def test_withdrawals_that_show_late_are_waited_for_and_then_found_in_the_list(
    exchange: Exchange, watching: Callable[[], Any], many: Callable[..., list[Any]], unknown: Any
) -> None:
    exchange.readings.unknown_withdrawal = unknown
    exchange.readings.history_lag_ms = 150
    sent = many(10)

    async def work() -> None:
        async with watching() as watch:
            tasks = waits(watch, sent)
            await asyncio.sleep(0.3)
            for one in sent:
                exchange.settle(one.id)
            assert [row["status"] for row in await asyncio.gather(*tasks)] == ["SUCCESS"] * 10

    run(work())


@pytest.mark.parametrize(
    "fault",
    [Fault.RATE_LIMITED, Fault.OVERLOADED, Fault.SERVER_ERROR, Fault.BAD_GATEWAY, Fault.RESET_BEFORE, Fault.HTML_BODY,
     Fault.TRUNCATED_JSON, Fault.NULL_DATA, Fault.EMPTY_PAGE, Fault.SHORT_PAGE, Fault.CLOCK_SKEW],
    ids=lambda fault: fault.name,
)  # fmt: skip
@pytest.mark.parametrize("path", [None, LIST], ids=["any", "list"])
def test_bad_moments_are_outlasted(
    exchange: Exchange, watching: Callable[[], Any], many: Callable[..., list[Any]], fault: Fault, path: str | None
) -> None:
    sent = many(5)

    async def work() -> None:
        async with watching() as watch:
            await watch.client.call(_timestamp())
            injection = exchange.faults.inject(fault, path=path or LIST, times=12)
            tasks = waits(watch, sent)
            await when(lambda: injection.hits >= 12)
            for one in sent:
                exchange.settle(one.id)
            assert len(await asyncio.gather(*tasks)) == 5

    run(work())


def _timestamp() -> Any:
    from airflow_provider_kucoin.api.endpoints import TIMESTAMP

    return TIMESTAMP


@pytest.mark.parametrize("count", [1, 5])
def test_who_is_refused_for_good_is_told_so(
    exchange: Exchange, watching: Callable[[], Any], many: Callable[..., list[Any]], count: int
) -> None:
    sent = many(count)

    async def work() -> list[Any]:
        async with watching() as watch:
            tasks = waits(watch, sent)
            await when(lambda: lists(exchange) + by_id(exchange) >= 2)
            exchange.remove_key(exchange.key)
            return await asyncio.gather(*tasks, return_exceptions=True)

    assert [type(problem) for problem in run(work())] == [AuthenticationFailed] * count


def test_a_list_that_is_refused_is_done_without(
    exchange: Exchange, watching: Callable[[], Any], many: Callable[..., list[Any]]
) -> None:
    sent = many(4)
    exchange.faults.inject(
        Fault.SERVER_ERROR, path=LIST, times=None, code="102425", message="range not supported", status=200
    )

    async def work() -> None:
        async with watching() as watch:
            tasks = waits(watch, sent)
            await when(lambda: by_id(exchange) >= 8)
            for one in sent:
                exchange.settle(one.id)
            await asyncio.gather(*tasks)

    run(work())


def test_every_new_status_is_told_once(
    exchange: Exchange, watching: Callable[[], Any], many: Callable[..., list[Any]]
) -> None:
    (one,) = many(1)
    told: list[str] = []

    async def work() -> None:
        async with watching() as watch:
            task = asyncio.ensure_future(
                watch.until_final(one.id, first_interval=0.01, currency="USDT", notes=told.append)
            )
            for status in ("REVIEW", "UNHEARD_OF", "WALLET_PROCESSING"):
                await when(lambda: by_id(exchange) >= 2 * (len(told) + 1))
                exchange.set_status(one.id, status)
                await when(lambda status=status: told[-1:] == [status])
            exchange.settle(one.id)
            await task

    run(work())
    assert told == ["PROCESSING", "REVIEW", "UNHEARD_OF", "WALLET_PROCESSING"]


def test_waits_that_are_cancelled_are_forgotten_and_the_others_go_on(
    exchange: Exchange, watching: Callable[[], Any], many: Callable[..., list[Any]]
) -> None:
    sent = many(20)

    async def work() -> None:
        async with watching() as watch:
            tasks = waits(watch, sent)
            await when(lambda: lists(exchange) >= 1)
            for task in tasks[:19]:
                task.cancel()
            await asyncio.gather(*tasks[:19], return_exceptions=True)
            assert len(watch) == 1
            exchange.settle(sent[19].id)
            assert (await tasks[19])["status"] == "SUCCESS"

    run(work())


def test_a_watch_that_is_closed_leaves_no_task_behind(
    exchange: Exchange, watching: Callable[[], Any], many: Callable[..., list[Any]]
) -> None:
    sent = many(3)

    async def work() -> None:
        async with watching() as watch:
            tasks = waits(watch, sent)
            await when(lambda: lists(exchange) >= 1)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    run(work())


@pytest.mark.parametrize("turns", range(12))
def test_a_watch_closed_on_its_way_into_a_pause_leaves_nothing_unawaited(
    watching: Callable[[], Any], many: Callable[..., list[Any]], turns: int
) -> None:
    (one,) = many(1)

    async def work() -> None:
        looked = asyncio.get_running_loop().create_future()
        async with watching() as watch:
            waiting = asyncio.ensure_future(
                watch.until_final(one.id, first_interval=10, currency="USDT", notes=looked.set_result)
            )
            assert await looked == "PROCESSING"
            for _ in range(turns):
                await asyncio.sleep(0)
            await watch.close()
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)

    # What is never awaited is a warning, and so an error.
    run(work())
    gc.collect()


def test_the_event_loop_stays_responsive_with_five_hundred_waits(
    exchange: Exchange, watching: Callable[[], Any], many: Callable[..., list[Any]]
) -> None:
    sent = many(500)
    delays: list[float] = []

    async def pulse() -> None:
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            await asyncio.sleep(0.01)
            delays.append(loop.time() - began - 0.01)

    async def work() -> None:
        async with watching() as watch:
            heart = asyncio.ensure_future(pulse())
            tasks = waits(watch, sent, interval=0.1)
            await when(lambda: lists(exchange) >= 5)
            for one in sent:
                exchange.settle(one.id)
            await asyncio.gather(*tasks)
            heart.cancel()
            await asyncio.gather(heart, return_exceptions=True)

    run(work())
    # The exchange shares this process and its lock with the loop; alone it is a tenth of that.
    assert sorted(delays)[len(delays) // 2] < 0.1


def test_a_life_cycle_is_followed_to_its_end(
    exchange: Exchange, watching: Callable[[], Any], many: Callable[..., list[Any]]
) -> None:
    (one,) = many(1)
    one.steps = [Step("REVIEW", looks=1), Step("WALLET_PROCESSING", looks=1), Step("SUCCESS", looks=1)]

    async def work() -> Any:
        async with watching() as watch:
            return await waits(watch, [one])[0]

    assert run(work())["status"] == "SUCCESS"
    assert by_id(exchange) >= 4

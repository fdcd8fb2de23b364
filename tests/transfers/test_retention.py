"""What KuCoin no longer has is never written short: refused, skipped, or told; also when it is lost meanwhile."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException, AirflowSkipException
from moments import NOON, TODAY, YESTERDAY

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_kucoin.testing import Exchange, Server

    Copy = Callable[..., list[dict[str, Any]]]
    Exactly = Callable[..., None]

HOUR, DAY = 3_600_000, 86_400_000

#: Days that are kept, and where the ledger is asked for.
KEPT = {
    "trade_hf": (3, "/api/v1/hf/accounts/ledgers"),
    "margin_hf": (3, "/api/v3/hf/margin/account/ledgers"),
    "unified": (7, "/api/ua/v1/account/ledger"),
}


class Edge:
    """The moment of a ledger from which on KuCoin still has its rows: noon, some days ago."""

    def __init__(self, exchange: Exchange, ledger: str, beyond: str) -> None:
        exchange.account_mode = "unified" if ledger == "unified" else "classic"
        exchange.readings.beyond_hf_retention = beyond
        exchange.readings.beyond_retention = "error" if beyond == "replaced" else "empty"
        days, self.path = KEPT[ledger]
        self.ledger, self.days = ledger, days
        self.words = "72 hours" if days == 3 else f"{days} days"
        self.horizon = NOON - days * DAY
        #: The day that holds it is not whole any more.
        self.day = self.horizon // DAY * DAY
        self.exchange = exchange
        exchange.seed_ledger(self.day - DAY, self.day + 3 * DAY, rows_per_day=40, ledger=ledger)

    def truth(self, start_ms: int, end_ms: int) -> list[dict[str, Any]]:
        return list(self.exchange.entries(start_ms, end_ms, ledger=self.ledger))


@pytest.fixture(params=list(KEPT))
def ledger(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def edge(exchange: Exchange, ledger: str) -> Edge:
    """The edge of a ledger, with rows on both sides."""
    return Edge(exchange, ledger, "clipped")


@pytest.fixture(params=["clipped", "replaced"])
def either_edge(exchange: Exchange, ledger: str, request: pytest.FixtureRequest) -> Edge:
    """The same, whatever KuCoin makes of a range that reaches beyond it."""
    return Edge(exchange, ledger, request.param)


def day(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


# ------------------------------------------------------------------------------------------- where it is known how long


def test_a_window_that_reaches_further_back_fails_before_the_ledger_is_read(
    copy: Copy, either_edge: Edge, bucket: Any, asked: Callable[..., list[Any]]
) -> None:
    edge = either_edge
    message = (
        rf"KuCoin keeps the {edge.ledger} ledger for {edge.words}, that is since {day(edge.horizon)[:16]}.*"
        rf"1 of the window's days.*\[{day(edge.day)}, {day(edge.day + DAY)}\).*on_out_of_retention='skip'"
    )
    with pytest.raises(AirflowFailException, match=message):
        copy(ledger=edge.ledger, window_start=edge.day, window_end=edge.day + 3 * DAY)
    assert (bucket.keys, asked(edge.path)) == ([], [])


def test_the_part_of_a_window_that_is_still_there_can_be_written_whole(
    copy: Copy, either_edge: Edge, bucket: Any, exactly: Exactly
) -> None:
    edge = either_edge
    result = copy(
        ledger=edge.ledger,
        window_start=edge.day - DAY,
        window_end=edge.day + 3 * DAY,
        on_out_of_retention="skip",
    )
    assert [found["window_start"] for found in result] == [day(edge.day + DAY), day(edge.day + 2 * DAY)]
    assert len(bucket.keys) == 2
    exactly(edge.ledger, [found["uri"] for found in result], edge.truth(edge.day + DAY, edge.day + 3 * DAY))


def test_a_window_that_is_wholly_gone_can_skip_the_task(
    copy: Copy, edge: Edge, bucket: Any, asked: Callable[..., list[Any]]
) -> None:
    with pytest.raises(AirflowSkipException, match=edge.words):
        copy(
            ledger=edge.ledger,
            window_start=edge.day - DAY,
            window_end=edge.day + DAY,
            on_out_of_retention="skip",
        )
    assert (bucket.keys, asked(edge.path)) == ([], [])


def test_the_last_hour_that_is_still_there_is_whole_and_the_one_before_it_fails(
    copy: Copy, either_edge: Edge, exactly: Exactly
) -> None:
    # The exchange's clock runs on: the hour that began at the horizon has lost its first seconds already.
    edge, start = either_edge, either_edge.horizon
    [result] = copy(ledger=edge.ledger, window_start=start + HOUR, window_end=start + 2 * HOUR)
    exactly(edge.ledger, result["uri"], edge.truth(start + HOUR, start + 2 * HOUR))
    with pytest.raises(AirflowFailException, match=edge.words):
        copy(ledger=edge.ledger, window_start=start, window_end=start + HOUR)


@pytest.fixture
def slow(
    edge: Edge,
    server: Server,
    connect: Callable[..., Any],
    tap: Callable[..., Any],
    through: Callable[..., Any],
    clock: Callable[[int], None],
) -> Edge:
    """Have two hours pass while the first answer of the ledger is made: KuCoin has dropped what was beyond them."""
    respond, name = through(), f"{edge.ledger}_retention_ms"
    moved: list[int] = []

    def later(heard: Any) -> Any:
        if heard.path != edge.path or moved:
            return respond(heard)
        # The request was signed before they passed.
        setattr(edge.exchange.readings, name, edge.days * DAY - 2 * HOUR)
        said = respond(heard)
        setattr(edge.exchange.readings, name, edge.days * DAY)
        moved.append(2 * HOUR)
        clock(2 * HOUR)
        return said

    connect(server.connection(), host=tap(later).url)
    return edge


def test_a_day_that_drops_out_while_it_is_read_fails_and_is_not_written_short(
    copy: Copy, slow: Edge, bucket: Any
) -> None:
    start = slow.horizon + HOUR
    with pytest.raises(AirflowFailException, match=rf"since {day(start + HOUR)[:16]}.*{day(start)}"):
        copy(ledger=slow.ledger, window_start=start, window_end=slow.day + 2 * DAY)
    assert bucket.keys == []


def test_a_day_that_drops_out_while_it_is_read_can_be_skipped_and_the_others_are_whole(
    copy: Copy, slow: Edge, exactly: Exactly, bucket: Any
) -> None:
    start, end = slow.horizon + HOUR, slow.day + 3 * DAY
    result = copy(ledger=slow.ledger, window_start=start, window_end=end, on_out_of_retention="skip")
    assert [found["window_start"] for found in result] == [day(slow.day + DAY), day(slow.day + 2 * DAY)]
    exactly(slow.ledger, bucket.keys, slow.truth(slow.day + DAY, end))


def test_an_hour_that_drops_out_while_it_is_read_can_skip_the_task(copy: Copy, slow: Edge, bucket: Any) -> None:
    start = slow.horizon + HOUR
    with pytest.raises(AirflowSkipException, match=r"nothing of .* could be read"):
        copy(ledger=slow.ledger, window_start=start, window_end=start + HOUR, on_out_of_retention="skip")
    assert bucket.keys == []


def test_lookback_ends_where_retention_does(
    copy: Copy,
    edge: Edge,
    bucket: Any,
    exactly: Exactly,
    asked: Callable[..., list[Any]],
    capfd: pytest.CaptureFixture[str],
) -> None:
    start = edge.day + 2 * DAY
    result = copy(ledger=edge.ledger, window_start=start, window_end=start + DAY, lookback=timedelta(days=5))
    assert [found["window_start"] for found in result] == [day(start), day(start - DAY)]
    exactly(edge.ledger, bucket.keys, edge.truth(start - DAY, start + DAY))
    assert min(int(record.params["startAt"]) for record in asked(edge.path)) >= edge.horizon
    assert "KuCoin no longer has 4 of 5 objects to look back at" in "".join(capfd.readouterr())


def test_an_object_of_before_that_drops_out_while_it_is_read_stays_as_it_is(
    copy: Copy, slow: Edge, bucket: Any, exactly: Exactly, connection: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The task's own window is there, and that is what it is for."""
    start = slow.horizon + HOUR
    with monkeypatch.context() as patched:
        patched.setenv("AIRFLOW_CONN_KUCOIN_DEFAULT", json.dumps(connection))
        [before] = copy(ledger=slow.ledger, window_start=start, window_end=start + HOUR)
    body, window = bucket.read(before["uri"]), (start + 2 * HOUR, start + 3 * HOUR)
    [result] = copy(ledger=slow.ledger, window_start=window[0], window_end=window[1], lookback=timedelta(hours=2))
    assert bucket.read(before["uri"]) == body
    exactly(slow.ledger, result["uri"], slow.truth(*window))


# ---------------------------------------------------------------------------------------- where no source says how long


#: Of a day before this, an empty answer proves nothing.
OLD = TODAY - 90 * DAY


def test_an_old_day_that_comes_back_empty_fails_and_says_what_can_be_done(copy: Copy, bucket: Any) -> None:
    message = r"futures ledger of .* came back empty.*nothing was written.*on_out_of_retention='skip'"
    with pytest.raises(AirflowFailException, match=message):
        copy(ledger="futures", window_start=OLD, window_end=OLD + DAY)
    assert bucket.keys == []


def test_an_old_day_that_comes_back_empty_can_be_skipped(copy: Copy, bucket: Any) -> None:
    with pytest.raises(AirflowSkipException):
        copy(ledger="futures", window_start=OLD, window_end=OLD + DAY, on_out_of_retention="skip")
    assert bucket.keys == []


def test_an_old_day_that_has_rows_is_written(copy: Copy, exchange: Exchange, exactly: Exactly) -> None:
    exchange.seed_ledger(OLD - DAY, OLD + 2 * DAY, rows_per_day=30, ledger="futures")
    [result] = copy(ledger="futures", window_start=OLD, window_end=OLD + DAY)
    exactly("futures", result["uri"], list(exchange.entries(OLD, OLD + DAY, ledger="futures")))


def test_an_old_day_that_comes_back_empty_is_no_reason_not_to_write_the_window_itself(
    copy: Copy, exchange: Exchange, bucket: Any, exactly: Exactly
) -> None:
    exchange.book(ledger="futures", created_at=OLD + DAY)
    copy(ledger="futures", window_start=OLD + DAY, window_end=OLD + 2 * DAY, lookback=timedelta(days=2))
    exactly("futures", bucket.keys, list(exchange.entries(OLD + DAY, OLD + 2 * DAY, ledger="futures")))


@pytest.mark.parametrize("wide", ["refused", "cut"])
@pytest.mark.parametrize("exactly_24h", [True, False], ids=["24-h-pass", "24-h-do-not"])
@pytest.mark.parametrize("ledger", ["futures", "unified"])
def test_no_range_is_asked_for_that_may_be_too_long(
    copy: Copy,
    exchange: Exchange,
    exactly: Exactly,
    wide: Any,
    exactly_24h: bool,  # noqa: FBT001 - a reading
    ledger: str,
) -> None:
    exchange.account_mode = "unified" if ledger == "unified" else "classic"
    exchange.readings.futures_window_ms = exchange.readings.unified_window_ms = DAY
    exchange.readings.wide_window, exchange.readings.exactly_24h_allowed = wide, exactly_24h
    exchange.seed_ledger(YESTERDAY, TODAY, rows_per_day=60, ledger=ledger)
    [result] = copy(ledger=ledger)
    exactly(ledger, result["uri"], list(exchange.entries(YESTERDAY, TODAY, ledger=ledger)))


# -------------------------------------------------------------------------------------------------------- account modes


@pytest.mark.parametrize("codes", [("116104", "112010"), ("112010", "116104")], ids="-".join)
@pytest.mark.parametrize("ledger", ["spot", "trade_hf", "margin_hf", "futures", "unified"])
def test_a_ledger_of_the_other_account_mode_fails_with_kucoins_code_and_what_to_do(
    copy: Copy, exchange: Exchange, bucket: Any, ledger: str, codes: tuple[str, str]
) -> None:
    exchange.account_mode = "classic" if ledger == "unified" else "unified"
    exchange.readings.wrong_mode_codes = dict(zip(("classic", "unified"), codes, strict=True))
    code = exchange.readings.wrong_mode_codes["unified" if ledger == "unified" else "classic"]
    with pytest.raises(AirflowFailException, match=rf"KuCoin code {code}.*(?i:unified account)"):
        copy(ledger=ledger)
    assert bucket.keys == []

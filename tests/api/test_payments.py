"""Paying once, step by step: what is done in which order, and what comes of every answer."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from airflow_provider_kucoin.api.errors import FatalError, InvalidInput, OutcomeUnknown, Unavailable
from airflow_provider_kucoin.api.payments import (
    LOOKED_MS,
    SIGNATURE_LIFE_MS,
    STAGES,
    STAMPS,
    TURN_MS,
    Accepted,
    AskTime,
    Doubtful,
    Journal,
    Note,
    NotSent,
    Paid,
    Pause,
    Post,
    Prepare,
    Search,
    Turn,
    fingerprint,
    pay,
)
from airflow_provider_kucoin.api.withdrawals import marker, order

T0 = 1_770_076_800_000
SETTLE_MS = 60_000
MUST_SHOW_MS = SIGNATURE_LIFE_MS + SETTLE_MS
BEGAN_MS = T0 - 600_000
ADDRESS = "TKFRQXSDcY4kd3QLzw7uK16GmLrjJggwX8"
ORDER = order(currency="USDT", amount="3", to_address=ADDRESS, chain="trx")
MARK, OTHER = marker("run", "a"), marker("run", "b")
SENDING = Journal(MARK, fingerprint(ORDER), T0, T0)


def row(**changes: Any) -> dict[str, Any]:
    shown = {
        "id": "5bffb63303aa675e8bbe18f9",
        "currency": "USDT",
        "chain": "trx",
        "address": ADDRESS,
        "memo": "",
        "amount": "3.00000000",
        "fee": "1.00000000",
        "status": "PROCESSING",
        "remark": MARK,
        "createdAt": T0,
    }
    return {name: value for name, value in {**shown, **changes}.items() if value is not ...}


class Script:
    """Tells a payment what comes of its steps, one answer after the other, and keeps what it wanted done."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.seen: list[Any] = []

    def __call__(self, **changes: Any) -> Paid:
        given = {"journal": None, "certainly_first": True, "since_ms": BEGAN_MS, "settle_ms": SETTLE_MS, **changes}
        steps = pay(ORDER, MARK, **given)
        told = None
        try:
            step = next(steps)
            while True:
                self.seen.append(step)
                told = self.answers.pop(0)
                step = steps.throw(told) if isinstance(told, Exception) else steps.send(told)
        except StopIteration as end:
            assert not self.answers
            paid: Paid = end.value
            return paid

    @property
    def noted(self) -> list[tuple[str, str | None]]:
        return [(step.journal.stage, step.journal.withdrawal_id) for step in self.seen if isinstance(step, Note)]

    @property
    def posts(self) -> list[int]:
        return [step.stamp_ms for step in self.seen if isinstance(step, Post)]

    @property
    def kinds(self) -> str:
        return " ".join(type(step).__name__ for step in self.seen)


FIRST_TRY = (T0, [], None, T0 + 200, None)  # time, history, prepared, time, noted


# ------------------------------------------------------------------------------------------------------- a first try


def test_a_first_try_looks_checks_writes_down_sends_and_writes_the_id_down() -> None:
    script = Script(*FIRST_TRY, Accepted("id1"), None)
    assert script() == Paid(ORDER, "id1", adopted=False)
    kept = Journal(MARK, fingerprint(ORDER), T0 + 200, T0 + 200)
    assert script.seen == [
        AskTime(),
        Search(BEGAN_MS),
        Prepare(),
        AskTime(),
        Note(kept),
        Post(T0 + 200),
        Note(replace(kept, stage="sent", withdrawal_id="id1")),
    ]


def test_a_first_try_that_finds_its_marker_adopts_and_sends_nothing() -> None:
    script = Script(T0, [row(remark=OTHER), row()])
    assert script() == Paid(ORDER, row()["id"], adopted=True, row=row())
    assert script.kinds == "AskTime Search"


def test_a_first_try_does_not_mind_unmarked_rows_of_the_same_amount_and_address() -> None:
    script = Script(T0, [row(remark="")], None, T0 + 200, None, Accepted("id1"), None)
    assert script().adopted is False


@pytest.mark.parametrize(
    ("step", "answers"),
    [("Prepare", (T0, [])), ("Note", FIRST_TRY[:4]), ("AskTime", ()), ("Search", (T0,))],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_goes_wrong_before_the_request_ends_the_try_without_one(step: str, answers: tuple[Any, ...]) -> None:
    script = Script(*answers, InvalidInput("no"))
    with pytest.raises(InvalidInput, match=r"^no$"):
        script()
    assert script.kinds.endswith(step)
    assert not script.posts


def test_a_refusal_of_the_request_ends_the_try_and_leaves_the_intent() -> None:
    script = Script(*FIRST_TRY, FatalError("not enough"))
    with pytest.raises(FatalError, match=r"^not enough$"):
        script()
    assert script.noted == [("sending", None)]


def test_a_crash_while_the_id_is_written_down_is_not_swallowed() -> None:
    script = Script(*FIRST_TRY, Accepted("id1"), RuntimeError("killed"))
    with pytest.raises(RuntimeError, match="killed"):
        script()


# ------------------------------------------------------------------------------------------------------- sent in time


def test_a_request_that_came_too_late_is_signed_and_written_down_anew() -> None:
    script = Script(*FIRST_TRY, NotSent(), T0 + 3_000, None, Accepted("id1"), None)
    assert script().withdrawal_id == "id1"
    assert script.posts == [T0 + 200, T0 + 3_000]
    journals = [step.journal for step in script.seen if isinstance(step, Note)]
    assert [(kept.since_ms, kept.stamp_ms) for kept in journals[:2]] == [(T0 + 200, T0 + 200), (T0 + 200, T0 + 3_000)]


def test_a_request_that_always_comes_too_late_gives_up_and_may_be_retried() -> None:
    script = Script(*FIRST_TRY, NotSent(), *(T0 + 300, None, NotSent()) * (STAMPS - 1))
    with pytest.raises(Unavailable, match=f"{STAMPS} times in a row too much time passed"):
        script()
    assert len(script.posts) == STAMPS


@pytest.mark.parametrize(("later_ms", "looks"), [(LOOKED_MS, 1), (LOOKED_MS + 1, 2)])
def test_an_old_look_into_the_history_is_repeated(later_ms: int, looks: int) -> None:
    again = ([], T0 + later_ms) * (looks - 1)
    script = Script(T0, [], None, T0 + later_ms, *again, None, Accepted("id1"), None)
    assert script().withdrawal_id == "id1"
    assert script.kinds.count("Search") == looks


def test_what_a_repeated_look_finds_is_adopted() -> None:
    script = Script(T0, [], None, T0 + 20_000, [row()])
    assert script().adopted
    assert not script.posts


# ------------------------------------------------------------------------------------------------------ lost answers

LOST = (*FIRST_TRY, Doubtful("time-out"), None)


def test_a_lost_answer_is_looked_for_until_the_history_must_show_it() -> None:
    script = Script(*LOST, T0 + 1_000, [], None, T0 + 2_000, [], None, T0 + 4_000, [row()], None)
    assert script() == Paid(ORDER, row()["id"], adopted=True, row=row())
    assert script.noted == [("sending", None), ("lost", None), ("sent", row()["id"])]
    assert [step.seconds for step in script.seen if isinstance(step, Pause)] == [1.0, 2.0]
    assert len(script.posts) == 1


def test_pauses_grow_to_fifteen_seconds_and_the_last_look_is_due_to_the_millisecond() -> None:
    stamp_ms, answers, now = T0 + 200, [], T0 + 300
    for seconds in (1, 2, 4, 8, 15, 15, 15):
        answers += [now, [], None]
        now += seconds * 1000
    answers += [now, [], None, stamp_ms + MUST_SHOW_MS - 1, [], None, stamp_ms + MUST_SHOW_MS, [], None]
    script = Script(*LOST, *answers)
    with pytest.raises(OutcomeUnknown):
        script()
    pauses = [step for step in script.seen if isinstance(step, Pause)]
    assert [pause.seconds for pause in pauses] == [1, 2, 4, 8, 15, 15, 15, pytest.approx(4.9), 0.001]
    assert "must show by 2026-02-03T00:01:05.200Z" in pauses[0].why


def test_a_lost_answer_that_the_history_does_not_explain_stops_for_a_person() -> None:
    script = Script(*LOST, T0 + 200 + MUST_SHOW_MS, [row(remark=OTHER)], None)
    with pytest.raises(OutcomeUnknown, match=f"2026-02-03T00:00:00.200Z with the marker {MARK}, time-out") as unknown:
        script()
    assert "if it is there, clear the task and it is adopted" in str(unknown.value)
    assert script.noted == [("sending", None), ("lost", None), ("unknown", None)]
    assert len(script.posts) == 1


@pytest.mark.parametrize("remark", ["", None, "own words", MARK[:7]], ids=repr)
def test_after_a_lost_answer_a_look_alike_stops_for_a_person_who_is_told_which(remark: str | None) -> None:
    script = Script(*LOST, T0 + 200 + MUST_SHOW_MS, [row(remark=remark)], None)
    with pytest.raises(
        OutcomeUnknown, match=r"the history holds 5bffb63303aa675e8bbe18f9 \(3.00000000 USDT, PROCESSING"
    ):
        script()
    assert script.noted[-1] == ("unknown", None)


@pytest.mark.parametrize(
    ("created_ms", "words"),
    [(T0 - SIGNATURE_LIFE_MS, "look-alike"), (T0 - SIGNATURE_LIFE_MS - 1, "the history does not show it")],
)
def test_a_look_alike_may_be_as_much_older_than_its_signature_as_kucoin_allows(created_ms: int, words: str) -> None:
    # KuCoin takes what was signed up to 5 seconds ahead of its clock: a worker's idea of its time can be ahead.
    script = Script(*LOST, T0 + 200 + MUST_SHOW_MS, [row(remark="", createdAt=created_ms)], None)
    with pytest.raises(OutcomeUnknown, match="without the marker" if words == "look-alike" else words):
        script()


def test_a_look_alike_without_id_or_time_is_named_all_the_same() -> None:
    script = Script(*LOST, T0 + 200 + MUST_SHOW_MS, [row(remark="x" * 50, id=..., createdAt=...)], None)
    with pytest.raises(OutcomeUnknown, match=r"without id \(3.* time unknown, remark 'x{40}'\)"):
        script()


# ------------------------------------------------------------------------------------------------------- later tries


def test_an_id_in_the_journal_is_the_answer() -> None:
    script = Script()
    kept = replace(SENDING, stage="sent", withdrawal_id="id1")
    assert script(journal=kept, certainly_first=False) == Paid(ORDER, "id1", adopted=True)
    assert script.seen == []


def test_an_intent_is_waited_for_until_the_history_must_show_it_and_then_paid() -> None:
    script = Script(
        *(T0 + 1_000, [], None, T0 + MUST_SHOW_MS, []),
        *(None, T0 + MUST_SHOW_MS + 100, [], T0 + MUST_SHOW_MS + 200, None, Accepted("id1"), None),
    )
    assert script(journal=SENDING, certainly_first=False).withdrawal_id == "id1"
    (sending, sent) = [step.journal for step in script.seen if isinstance(step, Note)]
    # The first intent's time stays: what is older cannot be ours.
    assert (sending.since_ms, sending.stamp_ms, sent.since_ms) == (T0, T0 + MUST_SHOW_MS + 200, T0)


def test_an_old_intent_is_looked_for_once() -> None:
    late = T0 + 10**7
    script = Script(late, [], None, late + 100, None, Accepted("id1"), None)
    assert script(journal=SENDING, certainly_first=False).withdrawal_id == "id1"


@pytest.mark.parametrize("stage", STAGES[:3])
def test_an_intent_whose_withdrawal_is_found_is_adopted(stage: str) -> None:
    script = Script(T0 + 1_000, [row(id=...)])
    paid = script(journal=replace(SENDING, stage=stage), certainly_first=False)
    assert (paid.adopted, paid.withdrawal_id) == (True, None)
    assert not script.posts


def test_an_intent_with_a_look_alike_stops_for_a_person() -> None:
    script = Script(T0 + MUST_SHOW_MS, [row(remark="")])
    with pytest.raises(OutcomeUnknown, match="an earlier try may have sent it"):
        script(journal=SENDING, certainly_first=False)
    assert script.kinds == "AskTime Search"


def test_a_worker_that_died_while_it_searched_is_followed_by_a_person() -> None:
    script = Script(T0 + MUST_SHOW_MS, [], None)
    with pytest.raises(OutcomeUnknown, match="its answer was lost"):
        script(journal=replace(SENDING, stage="lost"), certainly_first=False)
    assert script.noted == [("unknown", None)]


def test_a_person_who_clears_what_is_unknown_lets_it_look_once_more_and_pay() -> None:
    late = T0 + 10**7
    script = Script(late, [], None, late + 100, None, Accepted("id1"), None)
    assert script(journal=replace(SENDING, stage="unknown"), certainly_first=False).withdrawal_id == "id1"
    assert len(script.posts) == 1


def test_without_a_journal_a_later_try_waits_as_if_it_had_been_sent_just_now() -> None:
    script = Script(
        *(T0, [], None, T0 + MUST_SHOW_MS - 1, [], None, T0 + MUST_SHOW_MS, []),
        *(None, T0 + MUST_SHOW_MS + 1, [], T0 + MUST_SHOW_MS + 2, None, Accepted("id1"), None),
    )
    assert script(certainly_first=False).withdrawal_id == "id1"


def test_without_a_journal_a_look_alike_since_the_run_began_stops_for_a_person() -> None:
    script = Script(
        T0 + MUST_SHOW_MS, [row(remark="", createdAt=BEGAN_MS)], None, T0 + 2 * MUST_SHOW_MS, [row(remark="")]
    )
    with pytest.raises(OutcomeUnknown, match="an earlier try may have sent it"):
        script(certainly_first=False)


def test_without_a_journal_what_is_older_than_the_run_does_not_matter() -> None:
    old = row(remark="", createdAt=BEGAN_MS - 1_000)
    now = T0 + MUST_SHOW_MS
    script = Script(T0, [old], None, now, [old], None, now, [old], now, None, Accepted("id1"), None)
    assert script(certainly_first=False).withdrawal_id == "id1"


def test_the_history_is_read_from_the_earlier_of_run_and_intent() -> None:
    script = Script(T0 + 10**7, [row()])
    script(journal=SENDING, certainly_first=False, since_ms=T0 + 500)
    assert script.seen[1] == Search(T0 - SIGNATURE_LIFE_MS)


# --------------------------------------------------------------------------------------------------- turns of tries


def test_a_try_without_a_fence_may_send_until_its_turn_is_over() -> None:
    script = Script(T0, [], None, T0 + TURN_MS, [], T0 + TURN_MS, None, Accepted("id1"), None)
    assert script(turn=Turn(1)).withdrawal_id == "id1"


def test_a_try_whose_turn_is_over_sends_nothing() -> None:
    script = Script(T0, [], None, T0 + TURN_MS + 1)
    with pytest.raises(
        Unavailable, match=r"by now another try may be at it. This one had to send by 2026-02-03T00:01:00Z"
    ):
        script(turn=Turn(1))
    assert not script.posts


def test_a_turn_begins_when_airflow_began_the_try() -> None:
    script = Script(T0, [], None, T0)
    with pytest.raises(Unavailable):
        script(turn=Turn(1, T0 - TURN_MS - 1))
    script = Script(T0, [], None, T0, None, Accepted("id1"), None)
    assert script(turn=Turn(1, T0 + 10**6)).withdrawal_id == "id1"


@pytest.mark.parametrize("number", [2, 3, 5])
def test_a_later_try_waits_for_the_turns_of_all_before_it(number: int) -> None:
    until = T0 + (number - 1) * (TURN_MS + MUST_SHOW_MS)
    script = Script(T0, [], None, until - 1, [], None, until, [], None, until, [], until, None, Accepted("id1"), None)
    assert script(certainly_first=False, turn=Turn(number)).withdrawal_id == "id1"
    script = Script(T0, [], None, until, [], None, until + TURN_MS + 1)
    with pytest.raises(Unavailable):
        script(certainly_first=False, turn=Turn(number))


# ------------------------------------------------------------------------------------------------------ adopting


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"amount": "4"}, "amount '4' instead of '3'"),
        ({"currency": "USDC"}, "currency 'USDC' instead of 'USDT'"),
        ({"address": "TXsomewhereelse"}, "address 'TXsom...eelse'"),
        ({"memo": "7"}, "memo '7' instead of None"),
        ({"chain": "eth"}, "chain 'eth' instead of 'trx'"),
    ],
)
def test_our_marker_on_another_payment_is_refused_loudly(change: dict[str, Any], words: str) -> None:
    script = Script(T0, [row(**change)])
    with pytest.raises(FatalError, match=re.escape(words) + ".*Nothing was sent"):
        script()


@pytest.mark.parametrize("second", [row(id="other"), row(id=...)], ids=["another id", "no id"])
def test_two_withdrawals_with_our_marker_stop_everything(second: dict[str, Any]) -> None:
    for rows in ([row(), second], [second, row()]):
        with pytest.raises(FatalError, match=f"2 withdrawals bear the marker {MARK}"):
            Script(T0, rows)()


def test_one_withdrawal_that_was_listed_twice_is_one() -> None:
    script = Script(T0, [row(status="SUCCESS"), row()])
    assert script().withdrawal_id == row()["id"]


# --------------------------------------------------------------------------------------------------------- journal


@pytest.mark.parametrize("withdrawal_id", [None, "id1"])
@pytest.mark.parametrize("stage", STAGES)
def test_a_journal_comes_back_as_it_was_kept(stage: str, withdrawal_id: str | None) -> None:
    kept = replace(SENDING, stage=stage, withdrawal_id=withdrawal_id)
    assert Journal.from_dict(kept.as_dict()) == kept
    assert None not in kept.as_dict().values()


@pytest.mark.parametrize(
    "kept",
    [
        *(None, [], "text", 5, {}, {"marker": MARK}),
        *({**SENDING.as_dict(), **change} for change in ({"since_ms": "0"}, {"since_ms": 1.5}, {"stamp_ms": True})),
        *({**SENDING.as_dict(), **change} for change in ({"stamp_ms": None}, {"stage": "done"}, {"stage": None})),
        *({**SENDING.as_dict(), **change} for change in ({"withdrawal_id": ""}, {"withdrawal_id": 5}, {"stage": []})),
        *({**SENDING.as_dict(), **change} for change in ({"marker": ""}, {"marker": None}, {"fingerprint": 5})),
        {**SENDING.as_dict(), "note": "by hand"},
    ],
    ids=str,
)
def test_a_journal_that_cannot_be_understood_stops_the_task(kept: Any) -> None:
    with pytest.raises(FatalError, match="cannot be understood: look into KuCoin's withdrawal history"):
        Journal.from_dict(kept)


@pytest.mark.parametrize("change", [{"marker": OTHER}, {"fingerprint": "0" * 32}], ids=str)
@pytest.mark.parametrize("withdrawal_id", [None, "id1"])
def test_a_journal_of_another_payment_stops_the_task(change: dict[str, Any], withdrawal_id: str | None) -> None:
    script = Script()
    with pytest.raises(FatalError, match=r"stage 'sending'\) than 3 USDT to .* Nothing was sent"):
        script(journal=replace(SENDING, withdrawal_id=withdrawal_id, **change), certainly_first=False)
    assert script.seen == []


def test_orders_that_differ_in_anything_have_different_fingerprints() -> None:
    base: dict[str, Any] = {"currency": "USDT", "amount": "3", "to_address": ADDRESS, "chain": "trx"}
    changes: list[dict[str, Any]] = [
        *({}, {"amount": "4"}, {"currency": "USDC"}, {"to_address": "T2"}, {"chain": "eth"}, {"memo": "1"}),
        *({"is_inner": True}, {"fee_deduct_type": "INTERNAL"}, {"api_version": "v1"}),
        *({"withdraw_type": "UID", "chain": None}, {"withdraw_type": "MAIL", "chain": None}),
    ]
    assert len({fingerprint(order(**{**base, **change})) for change in changes}) == len(changes)


def test_the_words_of_a_remark_do_not_make_another_payment() -> None:
    assert fingerprint(replace(ORDER, remark="note")) == fingerprint(ORDER)

"""Transfers between accounts of one owner: what is sent, how the ledger bears witness, and moving once."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_kucoin.api.errors import FatalError, InvalidInput, OutcomeUnknown, RequestRefused, Unavailable
from airflow_provider_kucoin.api.payments import (
    SIGNATURE_LIFE_MS,
    STAMPS,
    Accepted,
    AskTime,
    Doubtful,
    Journal,
    Note,
    NotSent,
    Pause,
    Post,
    Search,
)
from airflow_provider_kucoin.api.transfers import (
    ACCOUNT_TYPES,
    Moved,
    Transfer,
    client_oid,
    fulfilled_by,
    move,
    transfer,
)

SAMPLES = Path(__file__).parents[1] / "samples"
T0 = 1_770_076_800_700
SETTLE_MS = 60_000
MUST_SHOW_MS = SIGNATURE_LIFE_MS + SETTLE_MS
OID = client_oid("dag", "task", "run", -1)


def moving(**changes: Any) -> Transfer:
    base = {"currency": "USDT", "amount": "12.5", "from_account_type": "TRADE", "to_account_type": "MAIN"}
    return transfer(**{**base, **changes})


SWEEP = moving()
SENDING = Journal(OID, SWEEP.fingerprint(), T0, T0)


def entry(**changes: Any) -> dict[str, Any]:
    shown = {
        "currency": "USDT",
        "amount": "12.50000000",
        "accountType": "MAIN",
        "bizType": "Transfer",
        "direction": "in",
        "createdAt": T0,
    }
    return {name: value for name, value in {**shown, **changes}.items() if value is not ...}


# ------------------------------------------------------------------------------------------------------------ bodies


def test_the_body_holds_what_applies_and_nothing_else() -> None:
    assert SWEEP.body("oid") == {
        "clientOid": "oid",
        "currency": "USDT",
        "amount": "12.5",
        "type": "INTERNAL",
        "fromAccountType": "TRADE",
        "toAccountType": "MAIN",
    }


def test_the_body_of_kucoins_sample_is_made_again() -> None:
    documented = json.loads((SAMPLES / "money_requests.json").read_text())["POST /api/v3/accounts/universal-transfer"]
    found = transfer(
        currency="USDT",
        amount="0.01",
        from_account_type="TRADE",
        to_account_type="TRADE",
        transfer_type="PARENT_TO_SUB",
        to_user_id="63743f07e0c5230001761d08",
    )
    assert found.body("64ccc0f164781800010d8c09") == documented


def test_isolated_margin_names_its_pairs() -> None:
    found = moving(
        from_account_type="ISOLATED", to_account_type="ISOLATED", from_account_tag="BTC-USDT", to_account_tag="ETH-USDT"
    )
    body = found.body("oid")
    assert (body["fromAccountTag"], body["toAccountTag"]) == ("BTC-USDT", "ETH-USDT")


@pytest.mark.parametrize("account", [name for name in ACCOUNT_TYPES if name != "MAIN"])
def test_every_account_can_be_swept_into_main(account: str) -> None:
    tag = "BTC-USDT" if account.startswith("ISOLATED") else None
    found = moving(from_account_type=account, from_account_tag=tag)
    assert found.summary() == f"12.5 USDT from {account} to MAIN (INTERNAL)"


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"transfer_type": "internal"}, "transfer_type='internal' is not one of"),
        ({"from_account_type": "main"}, "from_account_type='main' is not one of"),
        ({"to_account_type": "FUNDING"}, "to_account_type='FUNDING' is not one of"),
        ({"currency": ""}, "currency=''"),
        ({"currency": "USDT "}, "currency='USDT '"),
        ({"transfer_type": "SUB_TO_PARENT"}, "from_user_id is missing"),
        ({"transfer_type": "PARENT_TO_SUB"}, "to_user_id is missing"),
        ({"from_user_id": "1"}, "from_user_id='1': INTERNAL TRADE to MAIN does not take it"),
        ({"to_user_id": "1"}, "to_user_id='1'"),
        ({"transfer_type": "PARENT_TO_SUB", "to_user_id": "1", "from_user_id": "2"}, "from_user_id='2'"),
        ({"from_account_type": "ISOLATED"}, "from_account_tag is missing"),
        ({"to_account_type": "ISOLATED_V2"}, "to_account_tag is missing"),
        ({"from_account_tag": "BTC-USDT"}, "from_account_tag='BTC-USDT'"),
        ({"to_account_tag": "BTC-USDT"}, "to_account_tag='BTC-USDT'"),
        ({"to_account_type": "TRADE"}, "from and to are the same account, TRADE"),
        ({"amount": "0"}, "amount is zero"),
        ({"amount": "-1"}, "is not a plain positive number"),
        ({"amount": "1e3"}, "is not a plain positive number"),
    ],
    ids=str,
)
def test_a_transfer_that_breaks_a_rule_is_refused_with_the_rule(change: dict[str, Any], rule: str) -> None:
    with pytest.raises(InvalidInput, match=re.escape(rule)):
        moving(**change)


def test_the_same_kind_of_account_of_parent_and_sub_are_two_accounts() -> None:
    moving(to_account_type="TRADE", transfer_type="SUB_TO_PARENT", from_user_id="1")


def test_a_float_amount_is_a_type_error() -> None:
    with pytest.raises(TypeError):
        moving(amount=12.5)


SCOPES = [(), ("a",), ("a", "b"), ("ab",), ("a", 1), ("a", "1"), ("a", -1)]


def test_a_client_id_is_of_128_bits_the_same_for_one_scope_and_another_for_others() -> None:
    found = [client_oid(*scope) for scope in SCOPES]
    assert found == [client_oid(*scope) for scope in SCOPES]
    assert len(set(found)) == len(SCOPES)
    assert all(re.fullmatch(r"[0-9a-f]{32}", oid) for oid in found)


def test_a_client_id_is_the_same_for_ever() -> None:
    assert client_oid("dag", "task", "manual__2026-01-01", -1) == "9b8e388297317b77e0ad91f9d2f9cc31"


def test_transfers_that_differ_have_different_fingerprints() -> None:
    changes: list[dict[str, Any]] = [
        *({}, {"amount": "12.6"}, {"currency": "USDC"}, {"from_account_type": "MARGIN"}),
        {"transfer_type": "SUB_TO_PARENT", "from_user_id": "1"},
        {"transfer_type": "SUB_TO_PARENT", "from_user_id": "2"},
    ]
    assert len({moving(**change).fingerprint() for change in changes}) == len(changes)


# ----------------------------------------------------------------------------------------------------------- witness


@pytest.mark.parametrize(
    ("change", "direction"),
    [
        ({}, "in"),
        ({"from_account_type": "MAIN", "to_account_type": "TRADE"}, "out"),
        ({"from_account_type": "MARGIN", "to_account_type": "TRADE"}, None),
        ({"from_account_type": "MAIN", "transfer_type": "PARENT_TO_SUB", "to_user_id": "1"}, "out"),
        ({"transfer_type": "PARENT_TO_SUB", "to_user_id": "1"}, None),
        ({"from_account_type": "MAIN", "transfer_type": "SUB_TO_PARENT", "from_user_id": "1"}, "in"),
        (
            {
                "from_account_type": "MAIN",
                "to_account_type": "TRADE",
                "transfer_type": "SUB_TO_PARENT",
                "from_user_id": "1",
            },
            None,
        ),
    ],
    ids=str,
)
def test_the_owners_main_account_sees_what_passes_through_it(change: dict[str, Any], direction: str | None) -> None:
    assert moving(**change).witnessed_direction() == direction


@pytest.mark.parametrize(
    ("change", "counts"),
    [
        ({}, True),
        ({"amount": "12.5"}, True),
        ({"bizType": "TRANSFER"}, True),
        ({"bizType": "Sub Account Transfer"}, True),
        ({"bizType": "SUB_TRANSFER"}, True),
        ({"createdAt": T0 // 1000 * 1000}, True),
        ({"createdAt": str(T0)}, True),
        ({"createdAt": ...}, True),
        ({"createdAt": None}, True),
        ({"createdAt": T0 // 1000 * 1000 - 1}, False),
        ({"currency": "USDC"}, False),
        ({"amount": "12.50000001"}, False),
        ({"amount": None}, False),
        ({"accountType": "TRADE"}, False),
        ({"direction": "out"}, False),
        ({"bizType": "Deposit"}, False),
        ({"bizType": None}, False),
    ],
    ids=str,
)
def test_the_ledger_shows_a_transfer_by_account_direction_amount_and_time(
    change: dict[str, Any], *, counts: bool
) -> None:
    rows = [entry(**change)]
    assert fulfilled_by(SWEEP, rows, T0) == (rows if counts else [])


# -------------------------------------------------------------------------------------------------------- moving once


class Script:
    """Tells a transfer what comes of its steps, one answer after the other, and keeps what it wanted done."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.seen: list[Any] = []

    def __call__(
        self, wanted: Transfer = SWEEP, *, journal: Journal | None = None, certainly_first: bool = True
    ) -> Moved:
        steps = move(wanted, OID, journal=journal, settle_ms=SETTLE_MS, certainly_first=certainly_first)
        try:
            step = next(steps)
            while True:
                self.seen.append(step)
                told = self.answers.pop(0)
                step = steps.throw(told) if isinstance(told, Exception) else steps.send(told)
        except StopIteration as end:
            assert not self.answers
            moved: Moved = end.value
            return moved

    @property
    def posts(self) -> list[int]:
        return [step.stamp_ms for step in self.seen if isinstance(step, Post)]


def test_a_first_try_writes_down_sends_and_writes_the_id_down() -> None:
    script = Script(T0, None, Accepted("order1"), None)
    assert script() == Moved("order1")
    sent = Journal(OID, SWEEP.fingerprint(), T0, T0, "sent", "order1")
    assert script.seen == [AskTime(), Note(SENDING), Post(T0), Note(sent)]


def test_without_a_journal_a_later_try_stops_for_a_person() -> None:
    script = Script()
    with pytest.raises(OutcomeUnknown, match=r"has no task state store.*Nothing was sent"):
        script(certainly_first=False)
    assert script.seen == []


def test_an_id_in_the_journal_is_the_answer() -> None:
    kept = Journal(OID, SWEEP.fingerprint(), T0, T0, "sent", "order1")
    assert Script()(journal=kept, certainly_first=False) == Moved("order1")


@pytest.mark.parametrize(
    "kept",
    [Journal("other", SWEEP.fingerprint(), T0, T0), Journal(OID, "0" * 32, T0, T0, "sent", "order1")],
    ids=["another client id", "another transfer"],
)
def test_a_journal_of_another_transfer_stops_the_task(kept: Journal) -> None:
    with pytest.raises(FatalError, match="an earlier try at another transfer, of 2026-02-03"):
        Script()(journal=kept, certainly_first=False)


def test_a_refusal_ends_the_try() -> None:
    script = Script(T0, None, RequestRefused("not enough"))
    with pytest.raises(RequestRefused, match="not enough"):
        script()
    assert len(script.posts) == 1


def test_a_request_that_came_too_late_is_signed_and_written_down_anew() -> None:
    script = Script(T0, None, NotSent(), T0 + 3_000, None, Accepted("order1"), None)
    assert script() == Moved("order1")
    assert script.posts == [T0, T0 + 3_000]


def test_a_request_that_always_comes_too_late_gives_up_and_may_be_retried() -> None:
    script = Script(*(T0, None, NotSent()) * STAMPS)
    with pytest.raises(Unavailable, match=f"in {STAMPS} attempts no request reached KuCoin in time"):
        script()


def test_after_a_lost_answer_the_ledger_says_that_it_moved() -> None:
    script = Script(T0, None, Doubtful("time-out"), T0 + 100, [], None, T0 + 1_100, [entry()])
    assert script() == Moved(None)
    assert len(script.posts) == 1
    assert Search(T0 - SIGNATURE_LIFE_MS) in script.seen


def test_after_a_lost_answer_it_is_sent_again_only_when_the_ledger_must_show_it_and_does_not() -> None:
    must_show = T0 + MUST_SHOW_MS
    script = Script(
        *(T0, None, Doubtful("time-out"), must_show - 1, [], None, must_show, []),
        *(must_show + 1, None, Accepted("order1"), None),
    )
    assert script() == Moved("order1")
    assert script.posts == [T0, must_show + 1]
    assert [step.seconds for step in script.seen if isinstance(step, Pause)] == [0.001]


def test_pauses_grow_to_fifteen_seconds() -> None:
    answers: list[Any] = []
    for second in (0, 1, 3, 7, 15, 30, 45):
        answers += [T0 + second * 1000, [], None]
    script = Script(*answers, T0 + MUST_SHOW_MS, [entry()])
    assert script(journal=SENDING, certainly_first=False) == Moved(None)
    assert [step.seconds for step in script.seen if isinstance(step, Pause)] == [1, 2, 4, 8, 15, 15, 15]


def test_a_crashed_try_is_looked_for_before_anything_is_sent() -> None:
    script = Script(T0 + 10**6, [entry()])
    assert script(journal=SENDING, certainly_first=False) == Moved(None)
    assert not script.posts


def test_a_crashed_try_that_did_nothing_is_made_up_for() -> None:
    late = T0 + 10**6
    script = Script(late, [], late + 1, None, Accepted("order1"), None)
    assert script(journal=SENDING, certainly_first=False) == Moved("order1")


def test_two_such_transfers_in_the_ledger_stop_for_a_person() -> None:
    script = Script(T0 + 100, [entry(), entry()])
    with pytest.raises(OutcomeUnknown, match=f"clientOid {OID}, its answer was lost, and the ledger shows 2 such"):
        script(journal=SENDING, certainly_first=False)


def test_one_from_a_moment_before_could_be_ours_and_stops_for_a_person() -> None:
    before = entry(createdAt=T0 // 1000 * 1000 - 1)
    script = Script(T0 + 100, [before], None, T0 + MUST_SHOW_MS, [before])
    with pytest.raises(OutcomeUnknown, match="such a transfer from a moment before"):
        script(journal=SENDING, certainly_first=False)


def test_one_from_before_any_signature_of_ours_does_not_matter() -> None:
    before = entry(createdAt=T0 - SIGNATURE_LIFE_MS - 1_000)
    script = Script(T0 + MUST_SHOW_MS, [before], T0 + MUST_SHOW_MS, None, Accepted("order1"), None)
    assert script(journal=SENDING, certainly_first=False) == Moved("order1")


def test_where_no_ledger_bears_witness_a_lost_answer_stops_for_a_person() -> None:
    wanted = moving(to_account_type="MARGIN")
    script = Script(T0, None, Doubtful("time-out"))
    with pytest.raises(OutcomeUnknown, match="neither side is the MAIN account, whose ledger could tell"):
        script(wanted)
    assert len(script.posts) == 1


def test_where_no_ledger_bears_witness_a_crashed_try_stops_for_a_person() -> None:
    wanted = moving(to_account_type="MARGIN")
    script = Script()
    with pytest.raises(OutcomeUnknown, match="neither side is the MAIN account"):
        script(wanted, journal=Journal(OID, wanted.fingerprint(), T0, T0), certainly_first=False)
    assert script.seen == []


def test_answers_that_are_always_lost_are_given_up_and_may_be_retried() -> None:
    answers: list[Any] = []
    for attempt in range(STAMPS):
        now = T0 + attempt * 10**6
        answers += [now, None, Doubtful("time-out"), now + MUST_SHOW_MS, []]
    script = Script(*answers)
    with pytest.raises(Unavailable):
        script()
    assert len(script.posts) == STAMPS

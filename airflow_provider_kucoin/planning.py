"""
``kucoin-plan``: what a range of ledgers and histories will cost to read, and what of it is lost.

Asks KuCoin for a few sample days with the connection that the tasks will use, so the quota shown is the one that its
key really has.
"""

from __future__ import annotations

import argparse
import os
import sys
from contextlib import redirect_stdout
from typing import TYPE_CHECKING, NoReturn

from airflow_provider_kucoin.api.calls import Retry
from airflow_provider_kucoin.api.errors import InvalidInput, KucoinError, RequestRefused
from airflow_provider_kucoin.api.histories import HISTORIES
from airflow_provider_kucoin.api.ledgers import LEDGERS
from airflow_provider_kucoin.api.plans import rendered

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow_provider_kucoin.api.plans import Plan
    from airflow_provider_kucoin.hooks.kucoin import KucoinHook

NAMES = {**LEDGERS, **HISTORIES}
#: By what datasets can be narrowed down here.
PARAMETERS = ("currency", "symbol", "interval", "account_type")
#: How often a question is asked that gets no answer.
ATTEMPTS = 4


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command."""
    found = _parser().parse_args(arguments)
    # Airflow writes its log to the standard output, which is for the plan alone.
    with redirect_stdout(sys.stderr):
        try:
            said, code = _run(found), 0
        except KucoinError as problem:
            said, code = "", 1
            sys.stderr.write(f"kucoin-plan: {' '.join(str(problem).split())}\n")
    sys.stdout.write(said)
    return code


def _run(found: argparse.Namespace) -> str:
    """
    Return what is to be shown.

    :raise KucoinError: with what is wrong, for people
    """
    given = _given(found)
    # As Airflow's own commands do, so that connections are found that were made in its UI.
    os.environ.setdefault("_AIRFLOW_PROCESS_CONTEXT", "server")
    # Airflow is imported only now: `--help` need not wait for it.
    from airflow.providers.common.compat.sdk import AirflowException

    from airflow_provider_kucoin.hooks.kucoin import KucoinHook

    # Somebody waits at a terminal.
    hook = KucoinHook(found.conn_id, retry=Retry(attempts=ATTEMPTS))
    try:
        plans, left_out = _plans(hook, found, given)
    except AirflowException as problem:
        # There is no such connection, in Airflow's words.
        raise InvalidInput(str(problem)) from problem
    notes = [f"{NAMES[name]}: left out: {problem}" for name, problem in left_out.items()]
    return "\n".join([rendered(plans, hook.now_ms()), "", *notes]).rstrip() + "\n"


def _given(found: argparse.Namespace) -> Mapping[str, Sequence[str]]:
    """
    Return by what the datasets are narrowed down.

    :raise InvalidInput: for what none of them takes
    """
    given = {name: value.split(",") for name in PARAMETERS if (value := getattr(found, name))}
    names = [name for name in found.names or LEDGERS if name in NAMES]
    taken = {parameter.name for name in names for parameter in NAMES[name].parameters}
    if unused := [name for name in given if names and name not in taken]:
        raise InvalidInput(f"none of these takes --{unused[0].replace('_', '-')}: {', '.join(names)}")
    return given


def _plans(
    hook: KucoinHook, found: argparse.Namespace, given: Mapping[str, Sequence[str]]
) -> tuple[list[Plan], dict[str, KucoinError]]:
    """Return the plans, and what is left out: of all ledgers, those that the account has not."""
    from airflow_provider_kucoin.hooks.balances import NOT_THERE

    plans: list[Plan] = []
    left_out: dict[str, KucoinError] = {}
    names = list(dict.fromkeys(found.names or LEDGERS))
    for name in names:
        try:
            plans += hook.plan([name], found.start, found.end, given, rows_per_day=found.rows_per_day)
        except RequestRefused as problem:
            if found.names or problem.code not in NOT_THERE or (not plans and name == names[-1]):
                raise
            left_out[name] = problem
    return plans, left_out


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Say what is wrong in one line."""
        self.exit(2, f"{self.prog}: {message}; {self.prog} --help shows what there is\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="kucoin-plan",
        description="What reading a range from KuCoin takes: calls, weight, time at the key's quota; what is lost.",
    )
    parser.add_argument("names", nargs="*", metavar="name", help=f"of {', '.join(NAMES)}; all ledgers unless given")
    parser.add_argument("--start", required=True, help="first moment: 2026-01-01, or ISO 8601 with a zone")
    parser.add_argument("--end", required=True, help="first moment after the range, likewise")
    parser.add_argument("--conn-id", default="kucoin_default", help="Airflow connection (default: %(default)s)")
    parser.add_argument(
        "--rows-per-day", type=float, metavar="ROWS", help="rows of a day in each, instead of what samples tell"
    )
    parser.add_argument("--currency", metavar="CODES", help="with commas between")
    parser.add_argument("--symbol", metavar="SYMBOLS", help="with commas between, or all")
    parser.add_argument("--interval", help="of klines")
    parser.add_argument("--account-type", metavar="TYPES", help="of the unified ledger, with commas between")
    return parser


if __name__ == "__main__":
    sys.exit(main())

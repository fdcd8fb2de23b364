"""Write the table of KuCoin's codes in docs/errors.md from the table of the code; with --check, only compare."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from airflow_provider_kucoin.api.codes import CODES
from airflow_provider_kucoin.api.errors import OutcomeUnknown, Unavailable

PAGE = Path(__file__).resolve().parent.parent / "docs" / "errors.md"
BEGIN, END = "<!-- codes of the code -->", "<!-- end of the codes -->"
#: Codes that leave open whether the request was acted on become one of these.
OPEN = f"`{Unavailable.__name__}` of a GET, `{OutcomeUnknown.__name__}` of anything else"


def main() -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; fail when the page is not up to date")
    checking = parser.parse_args().check
    before, rest = PAGE.read_text().split(BEGIN)
    page = f"{before}{BEGIN}\n\n{table()}\n\n{END}{rest.split(END)[1]}"
    if page == PAGE.read_text():
        return 0
    if checking:
        sys.stderr.write(f"{PAGE.name} is not up to date: run {Path(__file__).name}\n")
        return 1
    PAGE.write_text(page)
    return 0


def table() -> str:
    """Return one line for each code."""
    head = ["| code | meaning | class | what to do |", "| --- | --- | --- | --- |"]
    lines = []
    for code, known in sorted(CODES.items()):
        kind = OPEN if known.error is None else f"`{known.error.__name__}`"
        lines.append(f"| {code} | {known.meaning} | {kind} | {known.remedy} |")
    return "\n".join([*head, *lines])


if __name__ == "__main__":
    sys.exit(main())

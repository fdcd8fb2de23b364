"""Write the table of KuCoin's codes in docs/errors.md from the table of the code; with --check, only compare."""

from __future__ import annotations

import sys

from page_parts import Part, command

from airflow_provider_kucoin.api.codes import CODES
from airflow_provider_kucoin.api.errors import OutcomeUnknown, Unavailable

PART = Part("docs/errors.md", "<!-- codes of the code -->", "<!-- end of the codes -->")
#: Codes that leave open whether the request was acted on become one of these.
OPEN = f"`{Unavailable.__name__}` of a GET, `{OutcomeUnknown.__name__}` of anything else"


def table() -> str:
    """Return one line for each code."""
    head = ["| code | meaning | class | what to do |", "| --- | --- | --- | --- |"]
    lines = []
    for code, known in sorted(CODES.items()):
        kind = OPEN if known.error is None else f"`{known.error.__name__}`"
        lines.append(f"| {code} | {known.meaning} | {kind} | {known.remedy} |")
    return "\n".join([*head, *lines])


if __name__ == "__main__":
    sys.exit(command(__doc__, PART, table))

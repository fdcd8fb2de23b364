"""What the demo writes to a terminal: steps that show how long they take, headings, and tables."""

from __future__ import annotations

import os
import sys
import threading
import time
from contextlib import contextmanager
from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

IS_LIVE = sys.stdout.isatty()
_CODES = {"bold": "1", "dim": "2", "red": "31", "green": "32"} if IS_LIVE and "NO_COLOR" not in os.environ else {}
_SECONDS_AT = 70


def styled(text: str, style: str) -> str:
    """Return text in bold, dim, red or green, where the terminal can show that."""
    return f"\033[{_CODES[style]}m{text}\033[0m" if style in _CODES else text


class Step:
    """A step under way."""

    def __init__(self, text: str) -> None:
        self.text = text
        #: What it came to, shown when it is done.
        self.result = ""
        self._began = time.monotonic()

    def line(self, sign: str) -> str:
        """Return the step as one line."""
        return f"{sign} {self.text:<{_SECONDS_AT}}{time.monotonic() - self._began:5.1f} s"


@contextmanager
def step(text: str) -> Iterator[Step]:
    """Show a step, for how long it has been going on while it does, and what came of it."""
    this, over = Step(text), threading.Event()

    def tick() -> None:
        while not over.wait(0.1):
            sys.stdout.write(f"\r{styled(this.line('…'), 'dim')}")
            sys.stdout.flush()

    ticker = threading.Thread(target=tick, daemon=True)
    if IS_LIVE:
        ticker.start()
    else:
        print(f"… {text}", flush=True)
    sign = styled("✗", "red")
    try:
        yield this
        sign = styled("✓", "green")
    finally:
        over.set()
        if IS_LIVE:
            ticker.join()
            sys.stdout.write("\r")
        print(this.line(sign), flush=True)
        if this.result:
            print(styled(f"  {this.result}", "dim"), flush=True)


def heading(text: str) -> None:
    """Print a heading."""
    print(f"\n{styled(text, 'bold')}")


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> list[str]:
    """Return a table's lines: text to the left, numbers to the right, decimals under each other's point."""
    columns = [_column(name, [row[number] for row in rows]) for number, name in enumerate(head)]
    lines = ["  ".join(cells).rstrip() for cells in zip(*columns, strict=True)]
    return [styled(lines[0], "dim"), *lines[1:]]


def _column(name: str, values: Sequence[object]) -> list[str]:
    if all(isinstance(value, Decimal) for value in values):
        parts = [f"{value:,f}".partition(".") for value in values]
        fractions = [fraction.rstrip("0") for _, _, fraction in parts]
        longest = max(map(len, fractions), default=0)
        texts = [
            (f"{whole}.{fraction}" if fraction else f"{whole} ") + " " * (longest - len(fraction))
            for (whole, _, _), fraction in zip(parts, fractions, strict=True)
        ]
    else:
        texts = [f"{value:,}" if isinstance(value, int) else str(value) for value in values]
    width = max(map(len, [name, *texts]))
    if all(isinstance(value, int | Decimal) for value in values):
        return [name.rjust(width), *(text.rjust(width) for text in texts)]
    return [name.ljust(width), *(text.ljust(width) for text in texts)]


def side_by_side(left: Sequence[str], right: Sequence[str], gap: int = 6) -> list[str]:
    """Return two plain blocks of lines beside each other."""
    width = max(map(len, left), default=0)
    padded = [*left, *[""] * (len(right) - len(left))]
    others = [*right, *[""] * (len(left) - len(right))]
    return [f"{one:<{width + gap}}{other}".rstrip() for one, other in zip(padded, others, strict=True)]

"""Parts of pages that commands write: each stands between two marks of its own."""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Part:
    """
    A part of a page.

    :param page: the page's path, from the root of the project
    :param begin: the mark in front, which the page has once, as it has the other
    :param end: the mark behind
    """

    page: str
    begin: str
    end: str

    def read(self) -> str:
        """Return what stands there."""
        return self._parts()[1].strip()

    def write(self, text: str) -> None:
        """Put a text there."""
        before, _, after = self._parts()
        (ROOT / self.page).write_text(f"{before}{self.begin}\n\n{text}\n\n{self.end}{after}")

    def _parts(self) -> tuple[str, str, str]:
        before, rest = (ROOT / self.page).read_text().split(self.begin)
        here, after = rest.split(self.end)
        return before, here, after


def command(about: str | None, part: Part, made: Callable[[], str]) -> int:
    """Write a part as it is made from the code; with --check, only compare. Return the command's exit code."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--check", action="store_true", help="change nothing; fail when the page is not up to date")
    checking = parser.parse_args().check
    if part.read() == made():
        return 0
    if checking:
        sys.stderr.write(f"{part.page} is not up to date: run {Path(sys.argv[0]).name}\n")
        return 1
    part.write(made())
    return 0

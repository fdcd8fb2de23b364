"""The audit of dependencies: what was found fails, and what was not looked up never looks like a pass."""

from __future__ import annotations

from typing import Any

import audit
import pytest

FINE: dict[str, Any] = {"name": "a", "version": "1", "vulns": []}
BAD: dict[str, Any] = {"name": "b", "version": "2", "vulns": [{"id": "PYSEC-1", "fix_versions": ["3"]}]}
SKIPPED: dict[str, Any] = {"name": "c", "skip_reason": "not found"}


@pytest.mark.parametrize(
    ("dependencies", "code", "said"),
    [
        ([FINE], 0, "1 packages looked up at osv, 0 with vulnerabilities"),
        ([FINE, BAD], 1, "b 2: PYSEC-1, mended in 3"),
        ([FINE, SKIPPED], 2, "NOT CHECKED: c: not found"),
        ([BAD, SKIPPED], 1, "NOT CHECKED: c: not found"),
    ],
)
def test_what_it_ends_with(
    capsys: pytest.CaptureFixture[str], dependencies: list[dict[str, Any]], code: int, said: str
) -> None:
    assert audit.tell("constraints.txt", "osv", dependencies) == code
    assert said in capsys.readouterr().out


def test_without_a_database_nothing_is_checked_and_that_is_said(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    silent = tmp_path / "pip-audit"
    silent.write_text("#!/bin/sh\necho no route to host >&2\nexit 1\n")
    silent.chmod(0o755)
    monkeypatch.setattr(audit, "PIP_AUDIT", silent)
    assert audit.main([tmp_path / "constraints.txt"]) == 2
    said = capsys.readouterr().err
    assert "constraints.txt: NOT CHECKED" in said
    assert "no route to host" in said

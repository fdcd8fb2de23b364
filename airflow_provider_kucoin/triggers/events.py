"""What the triggers' events are made of, and so what sensors and operators find in them."""

from __future__ import annotations

#: The event's key that says how a wait ended.
WITHDRAWAL, TIMED_OUT, PROBLEM = "withdrawal", "timed_out", "problem"
#: The event's key of a deposit that arrived, and of one that failed.
DEPOSIT, FAILED = "deposit", "failed"

"""The day on which tests play: the exchange's clock stands at its noon."""

from __future__ import annotations

#: Milliseconds, as KuCoin counts.
DAY = 86_400_000
#: 2026-02-03 12:00 UTC.
NOON = 1_770_120_000_000
TODAY = NOON // DAY * DAY
YESTERDAY = TODAY - DAY

"""How long to wait between looks at something that takes its time. Pure: chance is an argument."""

from __future__ import annotations

#: Each wait is longer than the one before by this factor, up to this many times the first.
GROWTH, LONGEST = 1.5, 4.0
#: Waits differ by so much either way, so that many who began together do not stay together.
SPREAD = 0.1


def interval(first: float, looks: int, random: float) -> float:
    """
    Return the seconds to wait after a look.

    :param first: seconds after the first look
    :param looks: how many looks there were, from 1
    :param random: in [0, 1)
    """
    grown = first * min(LONGEST, GROWTH ** min(looks - 1, 16))
    return float(grown * (1 - SPREAD + 2 * SPREAD * random))

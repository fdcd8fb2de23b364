"""What the transports tell about their calls, to whoever counts them; nobody does unless told to."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from http import HTTPStatus
from typing import TYPE_CHECKING, Protocol

from airflow_provider_kucoin.api.endpoints import TIMESTAMP
from airflow_provider_kucoin.api.envelope import Answer
from airflow_provider_kucoin.api.ratelimits import Quota

if TYPE_CHECKING:
    from airflow_provider_kucoin.api.calls import Line, NoAnswer, Send, Surroundings
    from airflow_provider_kucoin.api.endpoints import Endpoint, Pool

#: Refusals are short; nothing longer is looked into.
_SHORT = 512
# KuCoin's codes for "too many requests", which need not come with HTTP 429. The second also means that cancelling is
# suspended (the spot documentation).
_TOO_MANY = re.compile(rb'"code"\s*:\s*"?(?:429000|200002)\b(?!.*suspend)', re.IGNORECASE | re.DOTALL)


class Cause(StrEnum):
    """Why a call waits."""

    QUOTA = "quota"  # the key's own quota is used up
    OVERLOAD = "overload"  # KuCoin, or what is in front of it, has asked all calls to hold back
    RETRY = "retry"  # an answer was lost or of no use, and the call is repeated after a pause


class Observer(Protocol):
    """
    Is told of every request and every wait. Must be quick, and must not raise.

    :ivar answered: a request was sent, and this came of it
    :ivar waiting: a call of an endpoint is about to wait; ``now`` is on a clock that never jumps
    """

    def answered(self, endpoint: Endpoint, outcome: Answer | NoAnswer) -> None: ...  # noqa: D102 - see above

    def waiting(self, endpoint: Endpoint, seconds: float, cause: Cause, now: float) -> None: ...  # noqa: D102


class Unobserved:
    """Counts nothing."""

    def answered(self, endpoint: Endpoint, outcome: Answer | NoAnswer) -> None:
        """Do nothing."""

    def waiting(self, endpoint: Endpoint, seconds: float, cause: Cause, now: float) -> None:
        """Do nothing."""


UNOBSERVED = Unobserved()


@dataclass(slots=True)
class Usage:
    """
    Counts.

    :param calls: requests that were sent
    :param weight: what they cost, as far as it is known, by KuCoin's table of weights
    :param refusals: answers that said "too many requests"
    :param waited: seconds in which at least one call stood still. Many calls that wait for one reset count once
    """

    calls: int = 0
    weight: int = 0
    refusals: int = 0
    waited: float = 0.0
    _waiting_until: float = 0.0
    _last: dict[Pool, Answer] = field(default_factory=dict, repr=False)

    def answered(self, endpoint: Endpoint, outcome: Answer | NoAnswer) -> None:
        """Count a request."""
        self.calls += 1
        self.weight += endpoint.weight
        if isinstance(outcome, Answer):
            self.refusals += too_many(outcome)
            if endpoint.pool is not None:
                self._last[endpoint.pool] = outcome

    def waiting(self, endpoint: Endpoint, seconds: float, cause: Cause, now: float) -> None:  # noqa: ARG002 - Observer
        """Count a wait."""
        self.add_wait(seconds, now)

    def add_wait(self, seconds: float, now: float) -> float:
        """Count a wait, and return how many seconds of it no other wait covers."""
        new = max(0.0, now + seconds - max(now, self._waiting_until))
        self._waiting_until = max(self._waiting_until, now + seconds)
        self.waited += new
        return new

    def quota(self, pool: Pool | None) -> Quota | None:
        """Return what the last answer said of a pool's quota, if it said anything."""
        last = self._last.get(pool) if pool is not None else None
        return Quota.from_headers(last.headers) if last is not None else None


def too_many(answer: Answer) -> bool:
    """Return whether an answer says "too many requests"."""
    if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
        return True
    return len(answer.body) < _SHORT and _TOO_MANY.search(answer.body) is not None


def refused_for(answer: Answer) -> Cause:
    """Return whose fault a "too many requests" is: this key's own quota, or an overload of KuCoin's."""
    quota = Quota.from_headers(answer.headers)
    return Cause.QUOTA if quota is not None and quota.remaining <= 0 else Cause.OVERLOAD


def asked(step: Send, endpoint: Endpoint) -> Endpoint:
    """Return what a request asks for: within any call KuCoin's clock may be asked for first."""
    return TIMESTAMP if step.url.endswith(TIMESTAMP.path) else endpoint


def cause_of_wait(
    line: Line, endpoint: Endpoint, surroundings: Surroundings, last: Answer | NoAnswer | None = None
) -> Cause:
    """
    Return what a call that is told to wait has to wait for.

    :param last: what came of its last request, if it comes from one
    """
    if isinstance(last, Answer) and too_many(last):
        return refused_for(last)
    now = surroundings.monotonic()
    if line.backoff.wait(now) > 0:
        return Cause.OVERLOAD
    budget = line.budget(endpoint)
    return Cause.QUOTA if budget is not None and budget.wait(endpoint.weight, now) > 0 else Cause.RETRY

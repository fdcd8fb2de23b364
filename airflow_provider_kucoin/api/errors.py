"""
What can go wrong with KuCoin, arranged by what the caller should do next.

.. code-block:: text

   * KucoinError
     + RetryableError          it was not acted on, or asking again is harmless: again
       - RateLimited             ... after ``retry_after`` seconds
       - ClockSkewed             ... signed with KuCoin's time
       - Unavailable             ... when KuCoin, or the way to it, is back
       - Incomplete              ... a read that contradicts itself; nothing of it may be kept
     + FatalError              the answer will not change: never
       - InvalidInput            refused here, before any request
         . PolicyRefused             by the connection's withdrawal policy
       - RequestRefused          KuCoin refused what was asked
       - AuthenticationFailed    KuCoin does not accept the credentials
       - PermissionDenied        the credentials are right, but may not do this
       - OutOfRetention          KuCoin no longer has the data
       - UnexpectedData          KuCoin sent what the declared schema cannot hold exactly
       - ProofFailed             what was written is not complete, or not what KuCoin has
     + OutcomeUnknown          it may have happened: find out before anything else

``code`` is KuCoin's own code (text, such as ``"400003"``) where there was one, ``http_status`` the status it came with.
Messages never hold credentials, signatures or whole bodies: what KuCoin says is cut at 256 characters.
"""

from __future__ import annotations

__all__ = [
    "AuthenticationFailed",
    "ClockSkewed",
    "FatalError",
    "Incomplete",
    "InvalidInput",
    "KucoinError",
    "OutOfRetention",
    "OutcomeUnknown",
    "PermissionDenied",
    "PolicyRefused",
    "ProofFailed",
    "RateLimited",
    "RequestRefused",
    "RetryableError",
    "Unavailable",
    "UnexpectedData",
]


class KucoinError(Exception):
    """
    Anything that went wrong with KuCoin.

    :param message: what happened and what to do about it
    :param code: KuCoin's code, as text
    :param http_status: the HTTP status of the answer
    """

    def __init__(self, message: str, *, code: str | None = None, http_status: int | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.http_status = http_status


class RetryableError(KucoinError):
    """It was not acted on, or asking again is harmless."""


class RateLimited(RetryableError):
    """
    KuCoin asks for a pause.

    :param retry_after: seconds until the quota is refilled; ``None`` where KuCoin did not say
    :param quota_used_up: True when this key's own quota is empty, False when KuCoin itself is overloaded
    """

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        http_status: int | None = None,
        retry_after: float | None = None,
        quota_used_up: bool = False,
    ) -> None:
        super().__init__(message, code=code, http_status=http_status)
        self.retry_after = retry_after
        self.quota_used_up = quota_used_up


class ClockSkewed(RetryableError):
    """The request's timestamp was more than 5 seconds from KuCoin's clock (code 400002)."""


class Unavailable(RetryableError):
    """There was no usable answer, and asking again is harmless."""


class Incomplete(RetryableError):
    """What was read contradicts itself, so nothing of it may be kept."""


class FatalError(KucoinError):
    """Refused; the same request will be refused again."""


class InvalidInput(FatalError, ValueError):
    """Refused before any request: the message names the rule, the value and what to do."""


class PolicyRefused(InvalidInput):
    """The connection's owner does not allow it."""


class RequestRefused(FatalError):
    """KuCoin refused what was asked."""


class AuthenticationFailed(FatalError):
    """KuCoin does not accept the key, the passphrase, the signature or the key's version."""


class PermissionDenied(FatalError):
    """The credentials are right, but may not do this."""


class OutOfRetention(FatalError):
    """The window reaches further back than KuCoin keeps."""


class UnexpectedData(FatalError):
    """KuCoin sent what the declared schema cannot hold exactly; it is refused, never rounded or dropped."""


class ProofFailed(FatalError):
    """What was written is not complete, or not what KuCoin has; the message names the first place."""


class OutcomeUnknown(KucoinError):
    """It may have happened. Only a look-up can tell; sending it again could do it twice."""

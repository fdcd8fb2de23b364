"""Files on their way into the bucket while the next one is being read."""

from __future__ import annotations

import logging
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

log = logging.getLogger(__name__)

T = TypeVar("T")


#: So many files may be on their way: one that goes up, and one that waits, lest the reader wait for every single one.
ON_THEIR_WAY = 2


class _Abandoned(Exception):
    """An upload was not begun, because the one before failed."""


@dataclass(slots=True)
class _Upload:
    #: What the file needs to stay where it is.
    kept: ExitStack
    under_way: Future[Any]
    then: Callable[[Any], None]


class Uploads:
    """
    Finishes and uploads files one after the other, beside what the caller does.

    A context manager: leaving it waits for the last one. What goes wrong is raised by whatever waits for it: a later
    upload, :meth:`finish`, or the end. Nothing is uploaded after it.
    """

    def __enter__(self) -> Self:
        """Begin."""
        self._worker = ThreadPoolExecutor(1, "kucoin-upload")
        self._uploads: deque[_Upload] = deque()
        self._is_broken = False
        return self

    def begin(self, upload: Callable[[], T], kept: ExitStack, then: Callable[[T], None]) -> None:
        """
        Upload a file when those before are there.

        :param upload: does it, in a thread of its own
        :param kept: what is to be closed afterwards, such as the folder that the file is in
        :param then: is called with what that returned, in the caller's thread, when the object is there
        """
        kept = kept.pop_all()
        with kept:
            while len(self._uploads) >= ON_THEIR_WAY:
                self._wait()
            under_way = self._worker.submit(self._unless_broken, upload)
            self._uploads.append(_Upload(kept.pop_all(), under_way, then))

    def finish(self) -> None:
        """Wait until what is under way is there."""
        while self._uploads:
            self._wait()

    def _wait(self) -> None:
        """Wait for the upload that was begun first."""
        upload = self._uploads.popleft()
        with upload.kept:
            found = upload.under_way.result()
        upload.then(found)

    def _unless_broken(self, upload: Callable[[], T]) -> T:
        if self._is_broken:
            raise _Abandoned
        try:
            return upload()
        except BaseException:
            self._is_broken = True
            raise

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Wait for the last upload; what goes wrong with it counts unless something else has gone wrong before."""
        with ExitStack() as end:
            end.callback(self._worker.shutdown)
            end.callback(self._give_up)
            try:
                self.finish()
            except Exception as problem:
                if kind is None:
                    raise
                if not isinstance(problem, _Abandoned):
                    log.exception("the object before could not be written either")

    def _give_up(self) -> None:
        """Let go of what was not uploaded because something before it failed."""
        while self._uploads:
            with suppress(_Abandoned):
                self._wait()

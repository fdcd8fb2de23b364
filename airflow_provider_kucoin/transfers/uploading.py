"""Files on their way into the bucket while the next one is being read and written."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Upload:
    #: What the file needs to stay where it is.
    kept: ExitStack
    under_way: Future[str]
    then: Callable[[str], None]


class Uploads:
    """
    Uploads one file at a time, beside what the caller does. A context manager: leaving it waits for the last one.

    What goes wrong is raised by whatever waits for it: the next upload, :meth:`finish`, or the end.
    """

    def __enter__(self) -> Self:
        """Begin."""
        self._worker = ThreadPoolExecutor(1, "kucoin-upload")
        self._upload: _Upload | None = None
        return self

    def begin(self, upload: Callable[[], str], kept: ExitStack, then: Callable[[str], None]) -> None:
        """
        Upload a file when the one before is there.

        :param upload: does it, and returns the object's URI
        :param kept: what is to be closed afterwards, such as the folder that the file is in
        :param then: is called in the caller's thread when the object is there
        """
        kept = kept.pop_all()
        with kept:
            self.finish()
            self._upload = _Upload(kept.pop_all(), self._worker.submit(upload), then)

    def finish(self) -> None:
        """Wait until what is under way is there."""
        if self._upload is not None:
            upload, self._upload = self._upload, None
            with upload.kept:
                uri = upload.under_way.result()
            upload.then(uri)

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Wait for the last upload; what goes wrong with it counts unless something else has gone wrong before."""
        with ExitStack() as end:
            end.callback(self._worker.shutdown)
            try:
                self.finish()
            except Exception:
                if kind is None:
                    raise
                log.exception("the object before could not be written either")

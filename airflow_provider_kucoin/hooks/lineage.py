"""
Hook-level lineage: what was read and written, for tasks that use hooks in code of their own.

Airflow has a collector where something is installed that reads it, such as the OpenLineage provider; elsewhere nothing
happens here, and nothing is asked for.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

log = logging.getLogger(__name__)


def was_read(hook: Any, uri: Callable[[], str]) -> None:
    """
    Tell that a hook has read something.

    :param uri: returns what; only asked where somebody listens
    """
    _tell("add_input_asset", hook, uri)


def was_written(hook: Any, uri: Callable[[], str]) -> None:
    """Tell that a hook has written something."""
    _tell("add_output_asset", hook, uri)


def _tell(method: str, hook: Any, uri: Callable[[], str]) -> None:
    try:
        from airflow.providers.common.compat.lineage.hook import get_hook_lineage_collector
        from airflow.providers.common.compat.sdk import NoOpCollector

        collector = get_hook_lineage_collector()
        if not isinstance(collector, NoOpCollector):
            getattr(collector, method)(context=hook, uri=uri())
    except Exception:  # lineage is no reason for a task to fail
        log.debug("no lineage was told", exc_info=True)

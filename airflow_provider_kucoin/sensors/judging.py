"""What sensors that judge money have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import AirflowSensorTimeout, AirflowSkipException, BaseSensorOperator

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow.providers.common.compat.sdk import Context


class JudgingSensor(BaseSensorOperator):
    """A sensor whose judgement ``soft_fail`` does not turn into a skipped task, as it does a wait that took long."""

    ui_color = "#24ae8f"
    ui_fgcolor = "#ffffff"

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context) -> Any:
        """Judge what the trigger saw, outside of what ``soft_fail`` turns into a skipped task."""
        try:
            seen = super().resume_execution(next_method, next_kwargs, context)
        except AirflowSkipException as skipped:
            # soft_fail is for a wait that took too long, not for one that broke.
            if skipped.__cause__ is None or isinstance(skipped.__cause__, AirflowSensorTimeout):
                raise
            raise skipped.__cause__ from None
        return self._judge(seen)

    def _judge(self, seen: Mapping[str, Any]) -> dict[str, Any]:
        """Return what is handed on of what was seen, or fail."""
        raise NotImplementedError

"""One call of any of KuCoin's endpoints, as a task."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import BaseOperator

from airflow_provider_kucoin.hooks.failing import no_retry_when_fatal
from airflow_provider_kucoin.operators.hooked import HookedOperator

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_kucoin.api.signing import Value

#: Decimal places up to which a number is written without an exponent: 1E+999999999 would be a text of a gigabyte.
LONGEST = 64


# The metaclass of operators is found by asking, since it is in another module in Airflow 2 than in 3.
class _TakesParams(type(BaseOperator)):  # type: ignore[misc]
    """Lets an operator have ``params`` of its own: Airflow takes them for a DAG's parameters, and mixes those in."""

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        # A task of a mapping is made by Airflow, which means its own.
        if "params" in kwargs and not kwargs.get("_airflow_from_mapped"):
            if kwargs.get("query") is not None:
                raise TypeError("give either params or query: they are the same")
            kwargs["query"] = kwargs.pop("params")
        return super().__call__(*args, **kwargs)


class KucoinOperator(HookedOperator, metaclass=_TakesParams):
    """
    Call any endpoint of KuCoin's, signed and within its quota, and hand on the ``data`` of its answer.

    What moves money out of the account or between accounts is refused: use ``KucoinWithdrawOperator`` and
    ``KucoinTransferOperator``. Anything else can be called, orders included (``api/endpoint_table.py`` says of every
    endpoint what it moves).

    A GET is repeated when its answer is lost; anything else is not, and the task then fails without a retry, since it
    may have been acted on. So may a call whose task was killed: where doing it twice does harm, let KuCoin refuse the
    second one (most orders take a ``clientOid``), or set ``retries=0``.

    Returns JSON types: objects, lists, text, whole numbers, true, false and null. A number with a fraction is handed on
    as decimal text, since a float would not be exact. It is stored as XCom as a whole, so this is not for histories of
    many rows, nor for answers that hold secrets (those of ``POST /api/v1/sub/api-key``).

    :param method: ``GET``, ``POST``, ``PUT`` or ``DELETE``
    :param path: such as ``/api/v1/accounts``
    :param query: query parameters; may also be called ``params``, as the hook does, but not in ``partial`` and
        ``expand``, nor by a subclass: there ``params`` are Airflow's own
    :param json: the body of a POST: a mapping or a list; amounts as text or ``Decimal``, never a float
    :param futures: send it to the futures host
    :param kucoin_conn_id: the connection
    """

    template_fields: Sequence[str] = ("method", "path", "query", "json", "kucoin_conn_id")
    template_fields_renderers = {"query": "json", "json": "json"}  # noqa: RUF012 - BaseOperator's

    def __init__(
        self,
        *,
        method: str,
        path: str,
        query: Mapping[str, Value] | None = None,
        json: Any = None,
        futures: bool = False,
        kucoin_conn_id: str = "kucoin_default",
        **kwargs: Any,
    ) -> None:
        super().__init__(kucoin_conn_id=kucoin_conn_id, **kwargs)
        self._refuse_strange_params(kwargs.get("default_args") or {})
        self.method = method
        self.path = path
        self.query = query
        self.json = json
        self.futures = futures

    def execute(self, context: Context) -> Any:  # noqa: ARG002 - Airflow's signature
        """Make the call."""
        with no_retry_when_fatal():
            data = self.hook.request(self.method, self.path, self.query, self.json, futures=self.futures)
        self.log.info("%s %s: %s", self.method.upper(), self.path, _summary(data))
        return json_types(data)

    def _refuse_strange_params(self, default_args: Mapping[str, Any]) -> None:
        """Refuse ``params`` that were meant for KuCoin but have reached Airflow, where they would be forgotten."""
        of_dag = _dump(self.dag.params) if self.has_dag() else {}  # type: ignore[no-untyped-call]
        given, expected = _dump(self.params), {**of_dag, **(default_args.get("params") or {})}
        if strange := [name for name in given if name not in expected or given[name] != expected[name]]:
            raise TypeError(f"give query, not params, to partial, expand and super().__init__: {', '.join(strange)}")


def _dump(params: Any) -> dict[str, Any]:
    """Return Airflow's params as they are, those without a value too."""
    return dict(params.dump())


def json_types(data: Any) -> Any:
    """Return an answer in what XCom keeps as it is: decimals as text, and whole numbers beyond 64 bits too."""
    match data:
        case Decimal():
            return f"{data:f}" if abs(data.adjusted()) < LONGEST else str(data)
        case bool():
            return data
        case int() if data.bit_length() >= 64:  # noqa: PLR2004 - bits
            return str(data)
        case dict():
            return {name: json_types(part) for name, part in data.items()}
        case list():
            return [json_types(part) for part in data]
        case _:
            return data


def _summary(data: Any) -> str:
    """Say what kind of answer it is. The answer itself is nobody's business but the next task's."""
    match data:
        case None:
            return "no data"
        case list():
            return f"{len(data)} items"
        case _:
            return type(data).__name__

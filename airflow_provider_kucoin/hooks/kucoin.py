"""The KuCoin hook: the connection's secrets, the signed session, and KuCoin's verbs."""

from __future__ import annotations

import time
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from airflow.providers.common.compat.sdk import mask_secret
from airflow.providers.http.hooks.http import HttpHook

from airflow_provider_kucoin.api import endpoints
from airflow_provider_kucoin.api.balances import BALANCES
from airflow_provider_kucoin.api.calls import Line, Retry, ask_the_time
from airflow_provider_kucoin.api.columns import rows
from airflow_provider_kucoin.api.datasets import out_of_retention
from airflow_provider_kucoin.api.envelope import Answer, Unreadable, unwrap
from airflow_provider_kucoin.api.errors import (
    ClockSkewed,
    InvalidInput,
    KucoinError,
    RequestRefused,
    Unavailable,
    UnexpectedData,
)
from airflow_provider_kucoin.api.general_calls import (
    NO_SUCH_PATH,
    OVERRIDES,
    advice,
    prepare,
    refuse_money,
    secrets_in,
)
from airflow_provider_kucoin.api.histories import history
from airflow_provider_kucoin.api.keycheck import diagnose
from airflow_provider_kucoin.api.ledgers import ledger, symbols
from airflow_provider_kucoin.api.pages import (
    Candles,
    Numbered,
    Stretches,
    as_object,
    as_objects,
    parse_page,
    parse_stretch,
)
from airflow_provider_kucoin.api.plans import estimated
from airflow_provider_kucoin.api.selections import needs_all_symbols, select
from airflow_provider_kucoin.api.sources import PUBLIC, source_of
from airflow_provider_kucoin.api.transfers import transfer
from airflow_provider_kucoin.api.windows import (
    Window,
    parse_moment,
    pieces,
    slices,
    unsettled_for,
)
from airflow_provider_kucoin.api.withdrawals import marker
from airflow_provider_kucoin.client.blocking import BlockingClient, KucoinAuth
from airflow_provider_kucoin.client.network import REAL
from airflow_provider_kucoin.client.reading import PieceReader
from airflow_provider_kucoin.hooks.balances import Snapshot
from airflow_provider_kucoin.hooks.connection import Settings, settings
from airflow_provider_kucoin.hooks.lineage import was_read
from airflow_provider_kucoin.hooks.metrics import Metrics
from airflow_provider_kucoin.hooks.planner import Planner
from airflow_provider_kucoin.hooks.treasury import Treasury, Try

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
    from datetime import datetime
    from decimal import Decimal

    import requests
    from airflow.providers.common.compat.sdk import Connection

    from airflow_provider_kucoin.api.datasets import Dataset
    from airflow_provider_kucoin.api.endpoints import Pool
    from airflow_provider_kucoin.api.plans import Plan
    from airflow_provider_kucoin.api.selections import Selection
    from airflow_provider_kucoin.api.signing import Value
    from airflow_provider_kucoin.api.sources import Source
    from airflow_provider_kucoin.api.windows import Moment
    from airflow_provider_kucoin.api.withdrawals import FeeDeductType, WithdrawType


class KucoinHook(HttpHook):
    """
    Talk to KuCoin with the credentials of an Airflow connection.

    The only holder of secrets: they are read from the connection when first needed, registered with Airflow's masker,
    and never leave but as signatures. One hook has one session, whose connections are kept alive between calls. Every
    attempt is signed afresh; a GET is repeated after lost answers and pauses that KuCoin asks for, nothing else is.

    Errors are those of :mod:`airflow_provider_kucoin.api.errors`, named by what to do next.

    :param kucoin_conn_id: the connection, of type ``kucoin``
    :param retry: how often and how far apart a GET is repeated
    :param sleep: waits so many seconds; for tests whose exchange's clock can be moved instead
    """

    conn_name_attr = "kucoin_conn_id"
    default_conn_name = "kucoin_default"
    conn_type = "kucoin"
    hook_name = "KuCoin"
    default_host = endpoints.SPOT_URL

    def __init__(
        self,
        kucoin_conn_id: str = default_conn_name,
        *,
        retry: Retry | None = None,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        super().__init__(method="GET", http_conn_id=kucoin_conn_id)
        self.kucoin_conn_id = kucoin_conn_id
        self._retry = retry
        self._sleep = sleep

    # ---------------------------------------------------------------------------------------- connection and session

    @cached_property
    def _settings(self) -> Settings:
        found = settings(self.get_connection(self.kucoin_conn_id))
        # Airflow masks the password and the extra by itself; the key and what the passphrase turns into on the wire
        # it cannot know. A request's signature is not registered: it is different every time, dead after 5 seconds,
        # and thousands of them would make masking slower and slower. It is kept out of everything that is logged.
        for secret in found.secrets:
            mask_secret(secret)
        return found

    @cached_property
    def _line(self) -> Line:
        return Line(self._settings.site, self._settings.credentials)

    @cached_property
    def _session(self) -> requests.Session:
        # HttpHook's way to a session, with the parts below that read the connection replaced.
        return super().get_conn(extra_options={"check_response": True})

    @cached_property
    def _client(self) -> BlockingClient:
        return BlockingClient(
            self._line,
            self._settings.network,
            self._session,
            retry=self._retry,
            sleep=self._sleep,
            observer=self.metrics,
        )

    @cached_property
    def metrics(self) -> Metrics:
        """What this hook's calls have come to; Airflow's stats are told as they are made."""
        return Metrics(self.kucoin_conn_id)

    def get_conn(
        self, headers: dict[Any, Any] | None = None, extra_options: dict[str, Any] | None = None
    ) -> requests.Session:
        """
        Return the hook's session: it signs every request to this connection's hosts and refuses any other host.

        :param headers: for another session, on the same connections, that sends them with every request
        :param extra_options: for :meth:`run`, as in the HTTP provider
        """
        session = super().get_conn(headers, {"check_response": True}) if headers else self._session
        self.merged_extra = {
            "timeout": self._settings.network.timeout,
            "allow_redirects": False,
            "check_response": True,
            **(extra_options or {}),
        }
        return session

    def _set_base_url(self, connection: Connection) -> None:  # noqa: ARG002 - HttpHook's signature
        self.base_url = self._settings.site.spot_url
        self._base_url_initialized = True

    def _extract_auth(self, connection: Connection) -> KucoinAuth:  # noqa: ARG002 - HttpHook's signature
        return _CarefulAuth(self._line)

    def _configure_session_from_extra(
        self,
        session: requests.Session,
        connection: Connection,  # noqa: ARG002 - HttpHook's signature
        extra_options: dict[str, Any],  # noqa: ARG002 - HttpHook's signature
    ) -> requests.Session:
        # Not HttpHook's: it sends every extra field that it does not know as a header, the passphrase among them.
        network = self._settings.network
        session.proxies = dict(network.proxies)
        session.verify = network.verify
        session.cert = network.cert
        session.trust_env = network.trust_env
        # A redirect would carry the signature to wherever it points.
        session.max_redirects = 0
        return session

    def run(self, *args: Any, **kwargs: Any) -> Any:
        """Send one request, as :meth:`HttpHook.run` does; once again when only the clock was wrong."""
        try:
            return super().run(*args, **kwargs)
        except ClockSkewed:
            # Refused before anything was acted on, so sending it again does nothing twice, whatever the method.
            self.server_time_ms()
            return super().run(*args, **kwargs)

    def check_response(self, response: requests.Response) -> None:
        """
        Raise what the answer's KuCoin code stands for; for :meth:`run`. Bodies are not logged.

        :raise KucoinError: see :mod:`airflow_provider_kucoin.api.errors`
        """
        headers = {name.lower(): value for name, value in response.headers.items()}
        try:
            unwrap(Answer(response.status_code, headers, response.content), data_expected=False)
        except Unreadable as doubt:
            raise Unavailable(f"no usable answer: {doubt}", http_status=response.status_code) from None

    def __repr__(self) -> str:
        """Show the connection's name, which is all that is not secret."""
        return f"KucoinHook({self.kucoin_conn_id!r})"

    # ------------------------------------------------------------------------------------------------------- any call

    def request(
        self,
        method: str,
        path: str,
        params: Mapping[str, Value] | None = None,
        json: Any = None,
        *,
        futures: bool = False,
    ) -> Any:
        """
        Call any endpoint, signed and within its quota, and return the ``data`` of its answer.

        Amounts that KuCoin sends as JSON numbers are ``Decimal``. What moves money out of the account or between
        accounts is refused: those are :meth:`withdraw` and :meth:`transfer`. Orders, borrowing, Earn and the like are
        not; ``api/endpoint_table.py`` says of every endpoint what it moves.

        :param method: ``GET``, ``POST``, ``PUT`` or ``DELETE``
        :param path: such as ``/api/v1/accounts``
        :param params: query parameters; ``None`` values are left out, lists become comma lists
        :param json: the body of a POST; a ``Decimal`` is sent as text, a ``float`` is a ``TypeError``
        :param futures: send it to the futures host
        :return: ``None`` where a read finds nothing, or success comes without data
        :raise InvalidInput: before any request: for what cannot be sent, and for endpoints that move money
        :raise OutcomeUnknown: when the answer to anything but a GET was lost
        """
        endpoint, body = prepare(method, path, params, json, futures=futures)
        for secret in secrets_in({"params": params, "json": json}):
            mask_secret(secret)
        try:
            data = self._client.call(endpoint, path=path, params=params, body=body)
        except RequestRefused as problem:
            if problem.code != NO_SUCH_PATH or not (meant := advice(endpoint, path)):
                raise
            raise RequestRefused(f"{problem} {meant}.", code=problem.code, http_status=problem.http_status) from None
        if not endpoint.is_safe_to_repeat:
            # Such as the secret of a new key, which KuCoin tells once.
            for secret in secrets_in(data):
                mask_secret(secret)
        return data

    # ----------------------------------------------------------------------------------------------------- the account

    def get_accounts(self, currency: str | None = None, account_type: str | None = None) -> list[dict[str, Any]]:
        """
        Return the key owner's accounts with their balances, as KuCoin lists them; amounts are decimal strings.

        :param currency: only of this currency
        :param account_type: ``main`` (funding), ``trade`` or ``option``
        """
        asked: dict[str, Value] = {"currency": currency, "type": account_type}
        found = as_objects(self._client.call(endpoints.ACCOUNTS, params=asked), "the accounts")
        was_read(self, lambda: self.source(BALANCES).uri)
        return found

    def get_balances(
        self, include: Sequence[str] | None = None, *, currencies: Collection[str] = ()
    ) -> list[dict[str, Any]]:
        """
        Return all balances, as rows of :data:`airflow_provider_kucoin.api.balances.BALANCES`.

        :param include: names of :data:`airflow_provider_kucoin.api.balances.SOURCES`; ``None`` for all that the key may
            read, with a warning for each that it may not
        :param currencies: settlement currencies of futures accounts to ask for beside those of the contracts listed now
        """
        found = Snapshot(self._client, self.server_time_ms).take(include, currencies)
        was_read(self, lambda: self.source(BALANCES).uri)
        return found

    @cached_property
    def account_uid(self) -> str:
        """The uid of the account that the key belongs to."""
        found = self._client.call(endpoints.API_KEY)
        try:
            return str(found["uid"])
        except (KeyError, TypeError):
            raise UnexpectedData("KuCoin does not tell the uid of the account that the key belongs to") from None

    def source(self, dataset: Dataset) -> Source:
        """Return what lineage calls a dataset of this account."""
        account = self.account_uid if dataset.endpoint.is_signed else PUBLIC
        return source_of(dataset, self._settings.site.url(dataset.endpoint), account)

    def server_time_ms(self) -> int:
        """Return KuCoin's time in milliseconds since the epoch, and sign with it from now on."""
        return self._client.server_time_ms()

    def now_ms(self) -> int:
        """Return KuCoin's time by this machine's clock and the difference as last asked for."""
        return REAL.wall_ms() + self._line.clock_offset_ms

    # -------------------------------------------------------------------------------------------------------- ledgers

    def iter_ledger(
        self,
        ledger_name: str,
        start: Moment,
        end: Moment,
        *,
        currency: str | Sequence[str] | None = None,
        direction: str | None = None,
        biz_type: str | None = None,
        account_type: str | Sequence[str] | None = None,
    ) -> Iterator[dict[str, Any]]:
        """
        Yield the rows of ``[start, end)``, oldest first: amounts as ``Decimal``, times as UTC ``datetime``.

        :param ledger_name: ``spot``, ``trade_hf``, ``margin_hf``, ``futures`` or ``unified``
        :param start: the first moment inside: ISO 8601 text with a zone, a datetime with a zone, or milliseconds
        :param end: the first moment after, likewise
        :param account_type: of the unified ledger only; all of them unless given
        :raise OutOfRetention: when KuCoin no longer has all of it
        :raise Incomplete: when rows came while they were read; what was yielded is then worth nothing
        """
        given = {"currency": currency, "direction": direction, "biz_type": biz_type, "account_type": account_type}
        return self._iter(ledger(ledger_name), start, end, given)

    def iter_history(
        self, dataset: str, start: Moment, end: Moment, **parameters: str | Sequence[str] | None
    ) -> Iterator[dict[str, Any]]:
        """
        Yield the rows of a history in ``[start, end)``, oldest first, as :meth:`iter_ledger` does.

        :param dataset: such as ``deposits``, ``spot_fills`` or ``funding``
        :param parameters: what the dataset takes: ``currency``, ``symbol`` (or ``"all"``), ``side``, ...
        """
        return self._iter(history(dataset), start, end, parameters)

    def _iter(
        self, dataset: Dataset, start: Moment, end: Moment, given: Mapping[str, str | Sequence[str] | None]
    ) -> Iterator[dict[str, Any]]:
        # Refused when it is called, not when the first row is asked for.
        window = Window.between(parse_moment("start", start), parse_moment("end", end))
        if not needs_all_symbols(dataset, given):
            select(dataset, given)
        return self._rows(dataset, window, given)

    def _rows(
        self, dataset: Dataset, window: Window, given: Mapping[str, str | Sequence[str] | None]
    ) -> Iterator[dict[str, Any]]:
        now_ms = self.server_time_ms()
        unsettled_for(window, now_ms)
        parts = pieces(window)
        self.check_retention(dataset, parts, now_ms)
        selection = self.selection(dataset, given, window)
        if dataset.check_window:
            dataset.check_window(window, selection.queries)
        account_uid = self.account_uid if dataset.endpoint.is_signed else ""
        was_read(self, lambda: self.source(dataset).uri)
        with self.read_pieces(dataset, parts, selection) as reader:
            for piece in parts:
                for items in reader.pages(piece):
                    yield from rows(dataset.columns, dataset.table(items, account_uid))

    def selection(self, dataset: Dataset, given: Mapping[str, str | Sequence[str] | None], window: Window) -> Selection:
        """Return what is asked for, with all symbols found out where all are wanted."""
        if needs_all_symbols(dataset, given):
            given = {**given, "symbol": self.get_symbols(dataset.name, window.start, window.end)}
        return select(dataset, given)

    def read_pieces(self, dataset: Dataset, parts: Sequence[Window], selection: Selection) -> PieceReader:
        """Return a reader of a dataset's pieces, for those who write them somewhere."""
        # With a view of the quotas of its own: between pages its requests stand still, and a call of this hook that
        # waited for their answers would wait for ever.
        line = Line(self._settings.site, self._settings.credentials, self._line.clock_offset_ms)
        network, retry = self._settings.network, self._retry
        return PieceReader(
            line, network, dataset, parts, selection.queries, retry=retry, typed=True, observer=self.metrics
        )

    def count(self, dataset: Dataset, piece: Window, query: Mapping[str, str]) -> float:
        """Return how many rows a query brings of a piece: as KuCoin counts them, or as its first answer lets guess."""
        bounds = next(iter(dataset.bounds), None)
        part = slices(piece, dataset.max_span_ms, dataset.margin_ms)[0]
        style, size = dataset.style, dataset.size_of(query)
        asked: dict[str, Value] = {**query, **(bounds.of(part) if bounds else {})}
        if isinstance(style, Numbered):
            asked |= {style.number: 1, style.size: size}
            return parse_page(self._client.call(dataset.endpoint, params=asked), 1, size).total
        if isinstance(style, Stretches):
            asked[style.size] = size
        found = parse_stretch(style, self._client.call(dataset.endpoint, params=asked), size)
        times = [] if isinstance(style, Candles) else dataset.times_ms(found.items)
        return estimated(found, times, part)

    @staticmethod
    def check_retention(dataset: Dataset, parts: Sequence[Window], now_ms: int) -> None:
        """Raise :class:`OutOfRetention` when KuCoin no longer has all rows of all pieces."""
        if lost := [piece for piece in parts if not dataset.kept.has(piece, now_ms)]:
            raise out_of_retention(dataset, lost, now_ms)

    def plan(
        self,
        names: Sequence[str],
        start: Moment,
        end: Moment,
        given: Mapping[str, str | Sequence[str] | None] | None = None,
        *,
        rows_per_day: float | None = None,
    ) -> list[Plan]:
        """
        Return what reading a range of ledgers and histories takes, from a few sample days of each.

        :param names: of ledgers and histories
        :param start: the first moment: a date, ISO 8601 text with a zone, a datetime with a zone, or milliseconds
        :param end: the first moment after, likewise
        :param given: by what they are narrowed down, as far as each takes it
        :param rows_per_day: rows of a day, instead of what samples tell
        """
        return Planner(self, given or {}, rows_per_day).plan(names, start, end)

    def quota(self, pool: Pool | None) -> int | None:
        """Return the weight per window that the key has in a pool, as far as answers have told."""
        budget = self._line.budgets.get(pool) if pool else None
        return budget.limit if budget else None

    def get_symbols(self, dataset: str, start: Moment, end: Moment) -> list[str]:
        """
        Return every symbol that the account may have traded in ``[start, end)``, sorted.

        Those that KuCoin lists now, and those that the account's own ledger names in that time: a pair that is not
        listed any more is in no other list. The futures' ledger names the contract of every profit and loss.

        :param dataset: whose symbols are meant: contracts for those of the futures, pairs for all others
        """
        window = Window.between(parse_moment("start", start), parse_moment("end", end))
        table = history(dataset)
        listed = self._client.call(endpoints.CONTRACTS if table.endpoint.futures else endpoints.SYMBOLS)
        try:
            found = {str(row["symbol"]) for row in listed}
        except (KeyError, TypeError):
            raise UnexpectedData("KuCoin's list of symbols has a row without symbol") from None
        return sorted(found.union(*(self._named_symbols(ledger(name), window) for name in table.named_in)))

    def _named_symbols(self, table: Dataset, window: Window) -> set[str]:
        kept = [piece for piece in pieces(window) if table.kept.has(piece, self.now_ms())]
        with self.read_pieces(table, kept, select(table, {})) as reader:
            pages = (page for piece in kept for page in reader.pages(piece))
            return {symbol for page in pages for symbol in symbols(table, page)}

    # -------------------------------------------------------------------------------------------------------- treasury

    @cached_property
    def treasury(self) -> Treasury:
        """Withdrawals and transfers on this connection, past its policy."""
        return Treasury(self._client, self._settings.policy, self.kucoin_conn_id)

    def withdraw(
        self,
        *,
        currency: str,
        amount: str | Decimal | int,
        idempotency_key: str,
        destination: str | None = None,
        to_address: str | None = None,
        chain: str | None = None,
        memo: str | None = None,
        withdraw_type: WithdrawType = "ADDRESS",
        is_inner: bool = False,
        fee_deduct_type: FeeDeductType = "EXTERNAL",
        remark: str | None = None,
        api_version: Literal["v3", "v1"] = "v3",
        preflight: bool = True,
        settle: timedelta = timedelta(seconds=60),
        attempt: Try | None = None,
    ) -> dict[str, Any]:
        """
        Pay once: whatever crashes, is retried or lost, one withdrawal per ``idempotency_key``.

        For what is guaranteed and what is not, see ``docs/guarantees.md``. The key is looked for in the last 30 days
        of KuCoin's history, where it travels as a marker in the remark.

        :param amount: decimal text, a ``Decimal`` or an ``int``; a ``float`` is a ``TypeError``
        :param idempotency_key: the same key is the same payment
        :param destination: an alias of the connection's address book, instead of ``to_address``
        :param chain: KuCoin's chain id, such as ``trx``; required for an address, never guessed
        :param settle: how long after KuCoin has accepted a withdrawal its history must show it
        :param attempt: what is known of earlier tries. Without it nothing is, and the call first waits until the
            history must show what one may have sent a moment ago
        :return: ``withdrawal_id``, ``status``, ``marker``, ``currency``, ``amount``, ``fee``, ``chain``, ``address``,
            ``wallet_tx_id``
        :raise OutcomeUnknown: it may have been paid; a person must look
        :raise KucoinError: it was refused, and not paid
        """
        wanted = self.treasury.order(
            destination,
            currency=currency,
            amount=amount,
            to_address=to_address,
            chain=chain,
            memo=memo,
            withdraw_type=withdraw_type,
            is_inner=is_inner,
            fee_deduct_type=fee_deduct_type,
            remark=remark,
            api_version=api_version,
        )
        return self.treasury.withdraw(
            wanted, marker("key", idempotency_key), do_preflight=preflight, settle=settle, attempt=attempt or Try()
        )

    def get_withdrawal_quota(self, currency: str, chain: str | None = None) -> dict[str, Any]:
        """Return what KuCoin allows to withdraw of a currency on a chain, as it says it."""
        return self.treasury.quotas(currency, chain)

    def get_withdrawal(self, withdrawal_id: str) -> dict[str, Any]:
        """Return a withdrawal by KuCoin's id, as KuCoin describes it."""
        return self.treasury.get(withdrawal_id)

    def find_withdrawal(self, remark: str, currency: str, since: datetime) -> dict[str, Any] | None:
        """
        Return the newest withdrawal of a currency whose remark begins with ``remark``, or ``None``.

        :param remark: such as the marker of a payment
        :param since: how far back to look
        """
        return self.treasury.find(remark, currency, since)

    def cancel_withdrawal(self, withdrawal_id: str) -> None:
        """Ask KuCoin to cancel a withdrawal; only one in PROCESSING is cancelable."""
        self.treasury.cancel(withdrawal_id)

    def transfer(
        self,
        *,
        currency: str,
        amount: str | Decimal | int,
        from_account_type: str,
        to_account_type: str,
        client_oid: str,
        transfer_type: str = "INTERNAL",
        from_user_id: str | None = None,
        to_user_id: str | None = None,
        from_account_tag: str | None = None,
        to_account_tag: str | None = None,
        settle: timedelta = timedelta(seconds=60),
        attempt: Try | None = None,
    ) -> dict[str, Any]:
        """
        Move money between accounts of one owner (KuCoin's flex transfer), once.

        :param client_oid: KuCoin's client id, 128 bits at the most
        :param attempt: what is known of earlier tries; without it this call is taken to be the first
        :raise OutcomeUnknown: it may have been moved; a person must look
        """
        wanted = transfer(
            currency=currency,
            amount=amount,
            from_account_type=from_account_type,
            to_account_type=to_account_type,
            transfer_type=transfer_type,
            from_user_id=from_user_id,
            to_user_id=to_user_id,
            from_account_tag=from_account_tag,
            to_account_tag=to_account_tag,
        )
        return self.treasury.transfer(wanted, client_oid, settle=settle, attempt=attempt or Try(certainly_first=True))

    # ------------------------------------------------------------------------------------------------ test connection

    def test_connection(self) -> tuple[bool, str]:
        """
        Look at the connection as a doctor would: is KuCoin reachable, the clock right, the key accepted, and for what.

        :return: whether it can be used, and in plain words what was found and what to do about it
        """
        # Somebody waits in front of a form: a host that is not there is not asked for half a minute.
        retry = self._retry or Retry(attempts=2)
        try:
            site = self._settings.site.spot_url
            client = BlockingClient(
                self._line, self._settings.network, self._session, retry=retry, observer=self.metrics
            )
            now_ms = int(client.follow(ask_the_time(self._line, REAL, retry)))
        except KucoinError as problem:
            return False, f"PROBLEM: {problem}"
        try:
            info = as_object(client.call(endpoints.API_KEY), "what the key may do")
        except KucoinError as problem:
            return False, f"{site} is reachable (clock {self._line.clock_offset_ms:+d} ms).\nPROBLEM: {problem}"
        found = diagnose(
            info,
            offset_ms=self._line.clock_offset_ms,
            now_ms=now_ms,
            key_version=self._settings.credentials.key_version,
            withdrawals_enabled=self._settings.policy.enabled,
        )
        return found.is_healthy, f"{site} is reachable.\n{found}"


class _CarefulAuth(KucoinAuth):
    """For a session that is handed out: what may be done with it is as limited as with :meth:`KucoinHook.request`."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        method = request.method or "GET"
        refuse_money(method, urlsplit(request.url or "").path)
        if not OVERRIDES.isdisjoint(name.lower() for name in request.headers):
            raise InvalidInput(f"a header of this {method} request says that it is of another method")
        if method == "GET" and request.body:
            raise InvalidInput("a GET has no body (KuCoin refuses one); give params instead")
        return super().__call__(request)

"""The work of proving a ledger: its objects read back, followed row by row, and held against KuCoin."""

from __future__ import annotations

import tempfile
from collections import defaultdict
from contextlib import closing
from decimal import Decimal
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_provider_kucoin.api import objects
from airflow_provider_kucoin.api.balances import LIVE, live
from airflow_provider_kucoin.api.columns import plain_decimal
from airflow_provider_kucoin.api.columns import rows as typed
from airflow_provider_kucoin.api.continuity import EXACT, ZERO, Chain, proof
from airflow_provider_kucoin.api.errors import InvalidInput, ProofFailed, UnexpectedData
from airflow_provider_kucoin.api.ledgers import ledger
from airflow_provider_kucoin.api.pages import Stretches
from airflow_provider_kucoin.api.selections import select
from airflow_provider_kucoin.api.windows import MILLISECOND, Window, choose, pieces, stamp
from airflow_provider_kucoin.hooks.bucket import Bucket
from airflow_provider_kucoin.hooks.kucoin import KucoinHook
from airflow_provider_kucoin.hooks.run_times import run_times

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping, Sequence

    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_kucoin.api.continuity import Account, Break, Proof, Row
    from airflow_provider_kucoin.operators.ledger_check import KucoinLedgerCheckOperator

#: How often the live balance is asked for, when rows keep coming meanwhile.
LIVE_ATTEMPTS = 3


class Check:
    """One execution."""

    def __init__(self, operator: KucoinLedgerCheckOperator, context: Context) -> None:
        self.log = operator.log
        self.operator = operator
        self.dataset = ledger(operator.ledger)
        self.compression = objects.compression_of(operator.file_format, operator.compression)
        self.ext = objects.extension(operator.file_format, self.compression)
        objects.check_template(operator.s3_key)
        self.window, rule = choose(operator.window_start, operator.window_end, run_times(context))
        self.pieces = [piece for window in self._windows() for piece in pieces(window)]
        objects.check_distinct(operator.s3_key, self.pieces)
        self.bucket = Bucket(operator.s3_bucket, operator.aws_conn_id)
        self.hook = KucoinHook(operator.kucoin_conn_id)
        self.proof = proof(self.dataset.name)
        self.not_proven: list[str] = []
        self.log.info("window %s, from %s: %d object(s)", self.window, rule, len(self.pieces))

    def _windows(self) -> list[Window]:
        step = self.operator.window_length // MILLISECOND
        if (self.window.end_ms - self.window.start_ms) % step:
            raise InvalidInput(
                f"window {self.window} is no multiple of window_length={self.operator.window_length}: give the range "
                "that whole windows cover"
            )
        return [Window(start, start + step) for start in range(self.window.start_ms, self.window.end_ms, step)]

    def run(self) -> dict[str, Any]:
        """Prove what can be proven; return what was proven, and what not."""
        from airflow_provider_kucoin.lake.keys import Keys

        self.bucket.check()
        with tempfile.TemporaryDirectory(prefix="kucoin-") as folder:
            opening = self._go_on_from_before(Path(folder))
            keys = Keys(Path(folder) / "keys")
            try:
                rows = sum(self._check(piece, keys, Path(folder)) for piece in self.pieces)
                if repeated := keys.repeats():
                    self._name_repeated(repeated, Path(folder))
            finally:
                keys.close()
        self._finish_chain(opening)
        if self.operator.live_balance:
            self._compare_live()
        for what in self.not_proven:
            self.log.warning("not proven: %s", what)
        self.log.info("%d rows in %d objects: complete", rows, len(self.pieces))
        return {
            "objects": len(self.pieces),
            "rows": rows,
            "window_start": stamp(self.window.start_ms),
            "window_end": stamp(self.window.end_ms),
            "balances": {"/".join(account): plain_decimal(balance) for account, balance in self._last().items()},
            "not_proven": self.not_proven,
        }

    # ------------------------------------------------------------------------------------------------------- objects

    def _check(self, piece: Window, keys: Any, folder: Path) -> int:
        """Check one object and return how many rows it holds."""
        from airflow_provider_kucoin.lake.batches import schema
        from airflow_provider_kucoin.lake.digests import digest_of
        from airflow_provider_kucoin.lake.files import ROWS_PER_GROUP

        uri, about = self._uri(piece), self._about(piece)
        rows = 0
        path = self._fetch(piece, folder)
        for found in self._rows(path, uri):
            self._check_rows(piece, uri, found)
            keys.add(map(self._row_key, found))
            rows += len(found)
            if self.proof and not self.proof.needs_whole_objects and (broken := _add(self.proof, found)):
                raise self._broken(uri, broken)
        if self.proof and (broken := self._finish_object(self.proof, path, uri)):
            raise self._broken(uri, broken)
        if rows != int(about.get("kucoin.rows", rows)):
            raise ProofFailed(f"{uri}: expected {about['kucoin.rows']} rows, as were written, found {rows}")
        written = about.get("kucoin.content")
        if (
            written
            and (digest := digest_of(self._batches(path, uri), schema(self.dataset.columns), ROWS_PER_GROUP)) != written
        ):
            raise ProofFailed(f"{uri}: its rows are not those that were written: expected {written}, found {digest}")
        return rows

    def _finish_object(self, found: Proof, path: Path, uri: str) -> Break | None:
        """Follow what has not been followed of an object; no moment is in two of them."""
        if found.needs_whole_objects:
            return _add_whole(found, [row for some in self._rows(path, uri) for row in some])
        return found.follow(Chain.finish)

    def _about(self, piece: Window) -> dict[str, str]:
        """Return what an object says of itself, if it says that it holds all of a piece."""
        uri, about = self._uri(piece), self.bucket.about(self._key(piece))
        if about is None:
            raise ProofFailed(f"{uri} is missing: nothing holds {piece}. Run the task that writes it")
        if (filters := about.get("kucoin.filters", "{}")) != "{}":
            raise ProofFailed(f"{uri} holds only part of the ledger ({filters}), which proves nothing")
        for name, expected in self._told(piece).items():
            if (found := about.get(name, expected)) != expected:
                raise ProofFailed(f"{uri}: expected {name} {expected}, found {found}")
        return about

    def _told(self, piece: Window) -> dict[str, str]:
        """Return what an object that holds all of a piece says of itself."""
        return {
            "kucoin.ledger": self.dataset.name,
            "kucoin.window-start": stamp(piece.start_ms),
            "kucoin.window-end": stamp(piece.end_ms),
        }

    def _check_rows(self, piece: Window, uri: str, rows: list[Row]) -> None:
        times = self.dataset.time
        for row in rows:
            if row["account_uid"] != self.hook.account_uid:
                raise ProofFailed(
                    f"{uri}, row {self._row_name(row)}: expected account_uid {self.hook.account_uid}, "
                    f"found {row['account_uid']}"
                )
            if not piece.start <= row[times] < piece.end:
                raise ProofFailed(
                    f"{uri}, row {self._row_name(row)}: expected {times} in {piece}, found {row[times].isoformat()}"
                )

    def _name_repeated(self, repeated: set[int], folder: Path) -> None:
        """Find the first key that is there twice, now that it is known that there is one."""
        from airflow_provider_kucoin.lake.keys import mark

        seen: dict[str, str] = {}
        for piece in self.pieces:
            uri = self._uri(piece)
            for found in self._rows(self._fetch(piece, folder), uri):
                for row in found:
                    key = self._row_key(row)
                    if mark(key) in repeated and key in seen:
                        raise ProofFailed(
                            f"{uri}, row {self._row_name(row)}: expected once, found again; it is also in {seen[key]}"
                        )
                    if mark(key) in repeated:
                        seen[key] = uri

    def _fetch(self, piece: Window, folder: Path) -> Path:
        path = folder / "object"
        self.bucket.fetch(self._key(piece), path)
        return path

    def _batches(self, path: Path, uri: str) -> Iterator[Any]:
        from airflow_provider_kucoin.lake.rereading import read

        try:
            yield from read(path, self.dataset, self.operator.file_format, self.compression)
        except UnexpectedData as problem:
            raise ProofFailed(f"{uri}: {problem}") from None

    def _rows(self, path: Path, uri: str) -> Iterator[list[Row]]:
        from airflow_provider_kucoin.lake.rereading import rows

        return map(rows, self._batches(path, uri))

    def _key(self, piece: Window) -> str:
        return objects.key(
            self.operator.s3_key, piece, name=self.dataset.name, account=self.hook.account_uid, ext=self.ext
        )

    def _uri(self, piece: Window) -> str:
        return self.bucket.uri(self._key(piece))

    def _row_key(self, row: Row) -> str:
        return "\0".join(str(row[name]) for name in self.dataset.key)

    def _row_name(self, row: Row) -> str:
        return f"{' '.join(str(row[name]) for name in self.dataset.key)} of {row[self.dataset.time].isoformat()}"

    # ------------------------------------------------------------------------------------------------------ balances

    def _broken(self, uri: str, broken: Break) -> ProofFailed:
        expected = " or ".join(plain_decimal(balance) for balance in broken.expected)
        return ProofFailed(
            f"{uri}, row {self._row_name(broken.row)}: the balance of {'/'.join(broken.account)} does not follow from "
            f"the row before it: expected {expected}, found {plain_decimal(broken.found)}. A row before it is "
            "missing, doubled or altered, or it is altered itself: run the task that writes it again"
        )

    def _go_on_from_before(self, folder: Path) -> frozenset[Account]:
        """Return the accounts whose balance is known from the object before the range, if there is one that holds."""
        step = self.operator.window_length // MILLISECOND
        piece = pieces(Window(self.window.start_ms - step, self.window.start_ms))[-1]
        # A key that does not tell the time is the same for both.
        about = None if self._key(piece) == self._key(self.pieces[0]) else self.bucket.about(self._key(piece))
        begun = proof(self.dataset.name)
        told = {**self._told(piece), "kucoin.filters": "{}"}
        if begun is None or about is None or any(about.get(name, value) != value for name, value in told.items()):
            return frozenset()
        path, uri = self._fetch(piece, folder), self._uri(piece)
        batches = () if begun.needs_whole_objects else self._rows(path, uri)
        broken = next(filter(None, (_add(begun, found) for found in batches)), None)
        if broken or self._finish_object(begun, path, uri):
            self.log.warning("the balances in %s do not follow from each other: it is not part of the range", uri)
            return frozenset()
        for chain in begun.chains:
            chain.unproven.clear()
        self.proof = begun
        return frozenset(account for chain in begun.chains for account in chain.last)

    def _finish_chain(self, opening: frozenset[Account]) -> None:
        if self.proof is None:
            self.not_proven.append(f"the balances: the {self.dataset} has none")
            return
        self.not_proven += [
            f"the balance of {count} row(s) without {lack}" for lack, count in self.proof.best.unproven.items()
        ]
        if begun := ["/".join(account) for account in self._last() if account not in opening]:
            self.not_proven.append(
                f"what came before the first row of {len(begun)} balance(s), such as {begun[0]}: no object before the "
                "range tells"
            )

    def _last(self) -> dict[Account, Any]:
        return self.proof.best.last if self.proof else {}

    def _compare_live(self) -> None:
        """Hold the last balances against KuCoin's, with what has happened since."""
        if self.proof is None:
            return
        if self.dataset.name not in LIVE:
            self.not_proven.append(f"the live balance: how it is asked for is in no source for the {self.dataset}")
            return
        now_ms = self.hook.server_time_ms()
        if not self.dataset.kept.has(Window(self.window.end_ms, max(now_ms, self.window.end_ms + 1)), now_ms):
            self.not_proven.append(f"the live balance: KuCoin no longer has all rows since {stamp(self.window.end_ms)}")
            return
        problem = ""
        for _ in range(LIVE_ATTEMPTS):
            # An account that is not listed is empty.
            listed = self.hook.get_balances(
                LIVE[self.dataset.name], currencies={account[-1] for account in self._last()}
            )
            balances = defaultdict(lambda: (ZERO,), live(self.dataset.name, listed))
            now = self.proof.copy()
            if broken := self._follow_since(now):
                raise self._broken("KuCoin's rows since then", broken)
            # Where it is not known in which way balances run, it is enough that one of them arrives.
            differing = [self._differing(chain, balances) for chain in now.chains]
            if not all(differing):
                return
            account = differing[0][0]
            found = " or ".join(plain_decimal(value) for value in balances[account])
            last = plain_decimal(now.chains[0].last[account])
            problem = f"the live balance of {'/'.join(account)}: expected {last}, as the last row says, found {found}"
            # A row may have been booked between the two questions.
        raise ProofFailed(problem)

    def _differing(self, chain: Chain, balances: Mapping[Account, tuple[Decimal, ...]]) -> list[Account]:
        """Return the accounts whose last row does not say what they hold now."""
        wrong = [account for account in chain.last if set(chain.may_be(account)).isdisjoint(balances[account])]
        return [
            account
            for account in wrong
            # Whether the balance has in it what is not settled yet is in no source.
            if EXACT.add(chain.last[account], self._unsettled(account[-1])) not in balances[account]
        ]

    def _unsettled(self, currency: str) -> Decimal:
        """Return what rows have changed that are not settled yet."""
        endpoint, style, is_provisional = self.dataset.endpoint, self.dataset.style, self.dataset.is_provisional
        if is_provisional is None or not isinstance(style, Stretches):
            return ZERO
        data = self.hook.request(endpoint.method, endpoint.path, {"currency": currency}, futures=endpoint.futures)
        amounts = (item["amount"] for item in data[style.items] or () if is_provisional(item))
        return reduce(EXACT.add, map(Decimal, amounts), ZERO)

    def _follow_since(self, now: Proof) -> Break | None:
        with closing(self._since()) as since:
            if now.needs_whole_objects:
                return _add_whole(now, [row for found in since for row in found])
            for found in since:
                if broken := _add(now, found):
                    return broken
        return now.follow(Chain.finish)

    def _since(self) -> Generator[list[Row], None, None]:
        """Yield KuCoin's rows from the end of the range until now."""
        now_ms = self.hook.server_time_ms()
        if now_ms < self.window.end_ms:
            return
        parts = pieces(Window(self.window.end_ms, now_ms + 1))
        with self.hook.read_pieces(self.dataset, parts, select(self.dataset, {})) as reader:
            for piece in parts:
                for items in reader.pages(piece):
                    yield typed(self.dataset.columns, self.dataset.table(items, self.hook.account_uid))


def _add(found: Proof, rows: Sequence[Row]) -> Break | None:
    return found.follow(lambda chain: chain.add(rows))


def _add_whole(found: Proof, rows: Sequence[Row]) -> Break | None:
    return found.follow(lambda chain: chain.add_whole(rows))

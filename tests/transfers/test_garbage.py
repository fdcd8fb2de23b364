"""The garbage collector does not search what was there before, and searches all of it again afterwards."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

import pytest

from airflow_provider_kucoin.transfers.garbage import spared

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def nothing_set_aside() -> Iterator[None]:
    gc.unfreeze()
    yield
    gc.unfreeze()


def test_what_is_loaded_is_set_aside_until_the_end() -> None:
    mine: list[object] = [[]]
    with spared():
        assert gc.get_freeze_count() > 1000
        assert not any(found is mine for found in gc.get_objects())
    assert gc.get_freeze_count() == 0
    assert any(found is mine for found in gc.get_objects())


def test_it_is_looked_at_again_after_an_error_too() -> None:
    with pytest.raises(KeyError), spared():
        raise KeyError
    assert gc.get_freeze_count() == 0


def test_what_somebody_else_has_set_aside_stays_so() -> None:
    gc.freeze()
    with spared():
        pass
    assert gc.get_freeze_count() > 1000

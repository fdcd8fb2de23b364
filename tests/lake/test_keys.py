"""Keys: one that is there twice is found, wherever its two places are, in memory or on disk."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_kucoin.api.errors import Incomplete
from airflow_provider_kucoin.lake.keys import Keys, mark

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def keys(tmp_path: Any) -> Any:
    opened = []

    def keys(at_once: Any) -> Any:
        opened.append(Keys(tmp_path / f"keys{len(opened)}", at_once))
        return opened[-1]

    yield keys
    for one in opened:
        one.close()


def fill(keys: Any, texts: list[str], by: int = 7) -> Keys:
    for start in range(0, len(texts), by):
        keys.add(texts[start : start + by])
    return keys


@pytest.mark.parametrize("at_once", [1, 8, 50, 1000])
@pytest.mark.parametrize("many", [0, 1, 2, 49, 50, 51, 100])
def test_keys_that_all_differ_pass(keys: Callable[..., Any], at_once: int, many: int) -> None:
    fill(keys(at_once), [str(number) for number in range(many)]).check()


@pytest.mark.parametrize("at_once", [1, 8, 50, 1000])
@pytest.mark.parametrize(("first", "second"), [(0, 1), (0, 50), (0, 99), (23, 56), (98, 99)])
def test_a_key_that_is_there_twice_is_found_across_parts(
    keys: Callable[..., Any], at_once: int, first: int, second: int
) -> None:
    texts = [str(number) for number in range(100)]
    texts[second] = texts[first]
    with pytest.raises(Incomplete, match="1 rows were listed twice"):
        fill(keys(at_once), texts).check()


@given(st.lists(st.sampled_from("abcdefghijklmnop"), max_size=30), st.integers(1, 8), st.integers(1, 5))
@settings(deadline=None, max_examples=50)
def test_what_passes_is_what_has_no_key_twice(tmp_path_factory: Any, texts: list[str], at_once: Any, by: Any) -> None:
    keys = Keys(tmp_path_factory.getbasetemp() / "keys", at_once)
    try:
        if len(set(texts)) == len(texts):
            fill(keys, texts, by).check()
        else:
            with pytest.raises(Incomplete):
                fill(keys, texts, by).check()
    finally:
        keys.close()


def test_few_keys_leave_no_file(keys: Callable[..., Any], tmp_path: Any) -> None:
    fill(keys(100), ["a", "b"]).check()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("at_once", [1, 8, 1000])
def test_which_keys_were_there_more_than_once_can_be_told(keys: Callable[..., Any], at_once: int) -> None:
    texts = [str(number) for number in range(50)] + ["7", "31", "7"]
    assert fill(keys(at_once), texts).repeats() == {mark("7"), mark("31")}
    assert fill(keys(at_once), texts[:50]).repeats() == set()


def test_no_keys_at_all_are_no_repeats(keys: Callable[..., Any]) -> None:
    none = keys(8)
    none.check()
    assert none.repeats() == set()

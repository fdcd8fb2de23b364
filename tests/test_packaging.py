"""What is published: metadata, type information, entry points, and the pins that it is tested with."""

from __future__ import annotations

import re
from importlib import metadata, resources
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import airflow_provider_kucoin
from airflow_provider_kucoin import planning

ROOT = Path(__file__).resolve().parent.parent
NAME = "airflow-provider-kucoin"
PINS = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if line and not line.startswith("#")]


def _needed() -> dict[str, str]:
    """Return name and version of everything that a complete installation on this Python needs."""
    found: dict[str, str] = {}
    seen: set[tuple[str, str]] = set()
    todo = [(NAME, "dev"), (NAME, "")]
    while todo:
        name, extra = todo.pop()
        if (name, extra) in seen:
            continue
        seen.add((name, extra))
        about = metadata.distribution(name)
        found[canonicalize_name(name)] = about.version
        for text in about.requires or ():
            wanted = Requirement(text)
            if wanted.marker is None or wanted.marker.evaluate({"extra": extra}):
                todo += [(wanted.name, one) for one in ("", *wanted.extras)]
    return found


def test_the_version_is_said_once() -> None:
    assert metadata.version(NAME) == airflow_provider_kucoin.__version__


def test_the_changelog_has_a_section_for_the_version() -> None:
    assert f"\n## {airflow_provider_kucoin.__version__}" in (ROOT / "CHANGELOG.md").read_text()


def test_types_are_shipped() -> None:
    assert resources.files(airflow_provider_kucoin).joinpath("py.typed").is_file()


def test_airflow_and_pytest_find_the_package() -> None:
    points = {(point.group, point.name): point for point in metadata.distribution(NAME).entry_points}
    assert points["apache_airflow_provider", "provider_info"].load() is airflow_provider_kucoin.get_provider_info
    assert points["pytest11", "kucoin"].value == "airflow_provider_kucoin.testing.plugin"


def test_the_planner_is_a_command() -> None:
    [command] = metadata.distribution(NAME).entry_points.select(group="console_scripts")
    assert (command.name, command.load()) == ("kucoin-plan", planning.main)


def test_an_installation_for_users_brings_no_engine_to_query_with() -> None:
    wanted = [Requirement(text) for text in metadata.distribution(NAME).requires or ()]
    [duckdb] = [one for one in wanted if one.name == "duckdb"]
    assert str(duckdb.marker) == 'extra == "dev"'


def test_constraints_are_names_and_versions_and_nothing_else() -> None:
    assert [line for line in PINS if not re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9._+!-]+", line)] == []
    names = [canonicalize_name(line.partition("==")[0]) for line in PINS]
    assert len(set(names)) == len(names)
    assert NAME not in names


def test_constraints_pin_everything_that_is_needed_at_the_version_that_is_installed() -> None:
    pinned = {canonicalize_name(name): version for name, _, version in (line.partition("==") for line in PINS)}
    needed = _needed()
    del needed[NAME]
    needed.pop("setuptools", None)  # comes with pip
    assert {"apache-airflow", "pyarrow", "ruff"} <= needed.keys()
    assert {name: (version, pinned.get(name)) for name, version in needed.items() if pinned.get(name) != version} == {}


def test_the_build_is_pinned_too() -> None:
    assert {"hatchling", "editables"} <= {line.partition("==")[0] for line in PINS}

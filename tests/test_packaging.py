"""What is published: metadata, type information, entry points, and the pins that it is tested with."""

from __future__ import annotations

import re
import tarfile
import zipfile
from importlib import metadata, resources
from pathlib import Path

import build_dist
import pytest
import try_wheel
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


def test_the_tools_of_a_release_are_pinned_too() -> None:
    wanted = [Requirement(text) for text in metadata.distribution(NAME).requires or ()]
    tools = {one.name for one in wanted if one.marker is not None and str(one.marker) == 'extra == "release"'}
    assert tools == {"build", "check-wheel-contents", "twine"}
    assert tools <= {line.partition("==")[0] for line in PINS}
    [recipe] = re.findall(r"(?m)^\.venv-release/\.installed: .*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text())
    assert all(f" {tool}" in recipe.replace("\t", " ") for tool in tools)


def test_the_changelog_keeps_to_its_form() -> None:
    lines = (ROOT / "CHANGELOG.md").read_text().splitlines()
    assert lines[0] == "# Changelog"
    versions = [line for line in lines if line.startswith("## ")]
    assert versions
    assert [
        line for line in versions if not re.fullmatch(r"## \d+\.\d+\.\d+ - (unreleased|\d{4}-\d\d-\d\d)", line)
    ] == []
    kinds = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
    assert {line.removeprefix("### ") for line in lines if line.startswith("### ")} <= kinds


# ---------------------------------------------------------------------------------------- what `make dist` looks for


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    """A file that looks like the wheel that is built."""
    path = tmp_path / "airflow_provider_kucoin-0-py3-none-any.whl"
    info = "airflow_provider_kucoin-0.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        for found in (ROOT / "airflow_provider_kucoin").rglob("*.py"):
            archive.writestr(str(found.relative_to(ROOT)), "")
        archive.writestr("airflow_provider_kucoin/py.typed", "")
        archive.writestr(f"{info}/METADATA", "Name: a\nDescription-Content-Type: text/markdown\n")
        for name in ("entry_points.txt", "licenses/LICENSE"):
            archive.writestr(f"{info}/{name}", "")
    return path


def test_a_whole_wheel_has_no_problems(wheel: Path) -> None:
    assert build_dist.wheel_problems(wheel) == []


@pytest.mark.parametrize(
    ("added", "said"),
    [
        ("tests/conftest.py", "holds tests/conftest.py"),
        ("airflow_provider_kucoin/tests/test_api.py", "holds a test: airflow_provider_kucoin/tests/test_api.py"),
        ("setup.cfg", "holds setup.cfg"),
    ],
)
def test_what_does_not_belong_into_a_wheel_is_found(wheel: Path, added: str, said: str) -> None:
    with zipfile.ZipFile(wheel, "a") as archive:
        archive.writestr(added, "")
    assert any(said in problem for problem in build_dist.wheel_problems(wheel))


@pytest.mark.parametrize("lost", ["airflow_provider_kucoin/py.typed", "airflow_provider_kucoin/hooks/kucoin.py"])
def test_what_is_missing_from_a_wheel_is_found(wheel: Path, tmp_path: Path, lost: str) -> None:
    poorer = tmp_path / "poorer.whl"
    with zipfile.ZipFile(wheel) as archive, zipfile.ZipFile(poorer, "w") as copy:
        for name in archive.namelist():
            if name != lost:
                copy.writestr(name, archive.read(name))
    assert build_dist.wheel_problems(poorer) == [f"poorer.whl lacks {lost}"]


def test_what_is_missing_from_an_sdist_is_found(tmp_path: Path) -> None:
    path = tmp_path / "all.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        for name in set(build_dist.SOURCES) - {"docs/conf.py"}:
            archive.add(ROOT / name, f"airflow_provider_kucoin-0/{name}")
    assert build_dist.sdist_problems(path) == ["all.tar.gz lacks docs/conf.py"]


def test_of_two_files_of_pins_the_first_counts(tmp_path: Path) -> None:
    first, then = tmp_path / "first.txt", tmp_path / "then.txt"
    first.write_text("# of a==3\na-b==1\n")
    then.write_text("A_b==2\nc==2\n")
    assert try_wheel.merged([first, then]) == ["a-b==1", "c==2"]

"""
Build the wheel and the sdist into dist/, and check them: `make dist`.

Twice, because what is published must follow from the sources alone: both builds must be the same to the byte. The wheel
is built out of the sdist, so that the sdist is known to be whole.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from email.parser import Parser
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DIST = ROOT / "dist"
PACKAGE = "airflow_provider_kucoin"
#: What users of the wheel need beside the modules.
SHIPPED = (f"{PACKAGE}/py.typed", "METADATA", "entry_points.txt", "licenses/LICENSE")
#: What builds, documents and tests the project, so that whoever has the sdist has all of it.
SOURCES = (
    *("LICENSE", "README.md", "CHANGELOG.md", "SECURITY.md", "CONTRIBUTING.md", "Makefile", "pyproject.toml"),
    *("constraints.txt", "constraints-2.11.txt", "docs/conf.py", "scripts/install.py", "tests/conftest.py"),
    *("dags_examples/example_kucoin_ledger_to_s3.py", f"{PACKAGE}/py.typed"),
)


def main() -> int:
    """Build and check; what is wrong is said in words."""
    shutil.rmtree(DIST, ignore_errors=True)
    build(DIST)
    with tempfile.TemporaryDirectory() as again:
        build(Path(again))
        wrong = [
            f"{name}: a second build is not the same"
            for name, known in digests(DIST).items()
            if digests(Path(again)).get(name) != known
        ]
    [wheel], [sdist] = DIST.glob("*.whl"), DIST.glob("*.tar.gz")
    tool("-m", "twine", "check", "--strict", str(wheel), str(sdist))
    tool("-m", "check_wheel_contents", str(wheel))
    wrong += wheel_problems(wheel) + sdist_problems(sdist)
    for problem in wrong:
        print(problem, file=sys.stderr)
    if not wrong:
        for name, digest in digests(DIST).items():
            print(f"{digest}  {name}  {(DIST / name).stat().st_size:,} bytes")
    return 1 if wrong else 0


def build(folder: Path) -> None:
    """Build the sdist, and the wheel out of it, with pinned tools."""
    pins = dict.fromkeys(("PIP_CONSTRAINT", "PIP_BUILD_CONSTRAINT"), str(ROOT / "constraints.txt"))
    # One moment for all files, the same for every build of a version.
    fixed = {"SOURCE_DATE_EPOCH": "1577836800", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    tool("-m", "build", "--outdir", str(folder), str(ROOT), **pins, **fixed)


def tool(*arguments: str, **environment: str) -> None:
    """Run one of this environment's tools; its words are shown when it fails."""
    done = subprocess.run(
        [sys.executable, *arguments],
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        print(done.stdout, file=sys.stderr)
        sys.exit(f"{' '.join(arguments[:2])} failed")


def digests(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of every file."""
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


def wheel_problems(path: Path) -> list[str]:
    """Return what is wrong with a wheel, in words."""
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        info = next(name.partition("/")[0] for name in names if ".dist-info/" in name)
        about = Parser().parsestr(archive.read(f"{info}/METADATA").decode())
    wanted = {name if "/" in name and name.startswith(PACKAGE) else f"{info}/{name}" for name in SHIPPED}
    there = {str(found.relative_to(ROOT)) for found in (ROOT / PACKAGE).rglob("*.py")}
    problems = [f"{path.name} lacks {name}" for name in sorted((wanted | there) - set(names))]
    problems += [f"{path.name} holds {name}" for name in names if not name.startswith((f"{PACKAGE}/", f"{info}/"))]
    problems += [f"{path.name} holds a test: {name}" for name in names if "tests/" in name or "/test_" in name]
    if about["Description-Content-Type"] != "text/markdown":
        problems.append(f"{path.name}: the description is {about['Description-Content-Type']}")
    return problems


def sdist_problems(path: Path) -> list[str]:
    """Return what is wrong with an sdist, in words."""
    with tarfile.open(path) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    return [f"{path.name} lacks {name}" for name in SOURCES if name not in names]


if __name__ == "__main__":
    sys.exit(main())

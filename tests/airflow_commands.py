"""
A process that runs Airflow's own commands for the tests: tests/conftest.py starts it, as `airflow_process`.

To start Airflow and to build its API takes longer than most runs of a DAG. So one process runs what all tests ask for,
each with the environment, and so with the database and the DAGs, of its test. It reads a line of JSON for each from its
standard input, writes what Airflow says to its standard output, and the exit status to the file that it was given.
"""

from __future__ import annotations

import functools
import json
import os
import sys
import traceback
from typing import Any


def main(answers: int) -> None:
    """Do what is asked for until nobody asks."""
    with os.fdopen(answers, "w") as said:
        for line in sys.stdin:
            asked = json.loads(line)
            os.environ.clear()
            os.environ.update(asked["environment"])
            status = _status(asked["commands"])
            sys.stdout.flush()
            sys.stderr.flush()
            print(status, file=said, flush=True)


def _status(commands: list[list[str] | str]) -> int:
    try:
        _run(commands)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:  # noqa: BLE001 - as the interpreter does it
        traceback.print_exc()
        return 1
    return 0


def _run(commands: list[list[str] | str]) -> None:
    from airflow import settings
    from airflow.cli.cli_parser import get_parser

    # Database and folders are looked up once, when Airflow is imported.
    settings.configure_vars()
    settings.reconfigure_orm()
    _build_the_api_once()
    for command in commands:
        if isinstance(command, str):
            names: dict[str, Any] = {}
            exec(compile(command, "<test>", "exec"), names)  # noqa: S102 - the test's own
            continue
        print("COMMAND", *command, flush=True)  # noqa: T201 - what follows is what it says
        arguments = get_parser().parse_args(command)
        arguments.func(arguments)


def _build_the_api_once() -> None:
    """Do as Airflow 3.3 does; versions before it build their API, which takes seconds, for each task that is tested."""
    try:
        from airflow.sdk.execution_time import supervisor
    except ImportError:  # Airflow 2 has no such API
        return
    if not hasattr(supervisor.in_process_api_server, "cache_info"):
        supervisor.in_process_api_server = functools.cache(supervisor.in_process_api_server)


if __name__ == "__main__":
    main(int(sys.argv[1]))

"""What the provider has for DAG authors."""

from __future__ import annotations

import pkgutil
from importlib import import_module
from typing import Any

import airflow_provider_kucoin


def classes(*kinds: str) -> dict[str, Any]:
    """Return the public classes in parts of the provider, such as ``operators``, by name."""
    found = {}
    for kind in kinds:
        package = import_module(f"{airflow_provider_kucoin.__name__}.{kind}")
        for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            found |= {
                name: value
                for name, value in vars(import_module(module.name)).items()
                if name.startswith("Kucoin") and value.__module__ == module.name
            }
    return found

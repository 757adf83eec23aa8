"""The public interface equals the list in ``public_api.txt``, which has all public classes and functions.

``python tests/test_public_api.py`` writes the list again, so that its diff shows changes of the interface.
"""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Iterator
from difflib import unified_diff
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from astropy.config import ConfigItem

SNAPSHOT = Path(__file__).with_name("public_api.txt")
PUBLIC_MODULES = (
    "astroquery_mast",
    "astroquery_mast.compat",
    "astroquery_mast.display",
    "astroquery_mast.exceptions",
    "astroquery_mast.footprints",
    "astroquery_mast.readers",
    "astroquery_mast.sandbox",
    "astroquery_mast.utils",
)


def signature(function: Any) -> str:
    """Return the signature as written; empty for objects without one."""
    try:
        return str(inspect.signature(inspect.unwrap(function)))
    except ValueError:
        return "(...)"


def is_ours(owner: type) -> bool:
    """Return whether a class is defined in this package."""
    return owner.__module__.split(".")[0] == "astroquery_mast"


def members_of(cls: type) -> Iterator[str]:
    """Yield the public members of a class that this package defines, including inherited ones."""
    fields = {field.name for field in dataclasses.fields(cls)} if dataclasses.is_dataclass(cls) else set()
    found = {
        name: value
        for owner in reversed(cls.__mro__)
        if is_ours(owner)
        for name, value in vars(owner).items()
        if not name.startswith("_") and name not in fields
    }
    for name, value in sorted(found.items()):
        if isinstance(value, ConfigItem):
            yield f".{name} = {value.defaultvalue!r}"
        elif isinstance(value, property):
            yield f".{name}"
        elif isinstance(value, staticmethod | classmethod):
            yield f".{name}{signature(value.__func__)}"
        elif callable(value) and not isinstance(value, type):
            yield f".{name}{signature(value)}"
        else:
            yield f".{name}"


def lines_of(module: ModuleType) -> Iterator[str]:
    """Yield a line for each public name of a module, and for each member of its classes."""
    for name in sorted(module.__all__):
        value = getattr(module, name)
        whole = f"{module.__name__}.{name}"
        if isinstance(value, type):
            bases = ", ".join(base.__name__ for base in value.__mro__[1:] if not is_ours(base))
            yield f"{whole}{signature(value)} of {bases}"
            if is_ours(value):
                yield from (f"{whole}{member}" for member in members_of(value))
        elif isinstance(value, ModuleType):
            yield f"{whole} is a module"
        elif callable(value) and hasattr(value, "__name__"):
            yield f"{whole}{signature(value)}"
        else:
            yield f"{whole} is a {type(value).__name__}"


def interface() -> list[str]:
    """Return all lines."""
    return [line for name in PUBLIC_MODULES for line in lines_of(import_module(name))]


def test_the_public_interface_equals_the_list() -> None:
    """A change of a name, a parameter or a default requires a change of the list."""
    written = SNAPSHOT.read_text(encoding="utf-8").splitlines()
    changes = list(unified_diff(written, interface(), "public_api.txt", "the package", lineterm="", n=0))
    assert not changes, "\n".join(changes)


@pytest.mark.parametrize("folder", ["catalogs", "cutouts", "missions", "observations"])
def test_completion_offers_the_clients_of_a_folder_only(folder: str) -> None:
    """Completion of a folder of clients does not offer its internal modules."""
    module = import_module(f"astroquery_mast.{folder}")
    assert dir(module) == sorted(module.__all__)
    assert all(getattr(module, name) is getattr(import_module("astroquery_mast"), name) for name in module.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'import_modul'"):
        module.import_modul  # noqa: B018 - it is asked for its error


def test_completion_offers_public_names_only() -> None:
    """Completion offers neither imports nor internal folders, whatever was imported before."""
    package = import_module("astroquery_mast")
    modules = {name.partition(".")[2] for name in PUBLIC_MODULES if "." in name}
    assert set(dir(package)) == {*package.__all__, *modules}
    assert all(isinstance(getattr(package, name), ModuleType) for name in modules)


if __name__ == "__main__":
    SNAPSHOT.write_text("\n".join(interface()) + "\n", encoding="utf-8")

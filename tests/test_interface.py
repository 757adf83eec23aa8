"""Every public name of the installed ``astroquery.mast`` exists in this package, with the same arguments.

``python tests/test_interface.py`` prints the compared names, and every difference.
"""

from __future__ import annotations

import importlib
import inspect
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from astropy.config import ConfigItem

import astroquery_mast
from astroquery_mast import compat

PEER = "astroquery.mast"
DIFFERENCES = Path(__file__).parents[1] / "docs" / "differences.rst"

# Intended differences: a pattern of names, and the text in docs/differences.rst that describes them.
INTENDED: Mapping[str, str] = {
    # It has had no effect since astroquery 0.4.8, and only warns that it will be removed; compat.install() provides it.
    "*Class.enable_cloud_dataset": "Only ``Observations`` has ``enable_cloud_dataset``",
    "*Class.disable_cloud_dataset": "Only ``Observations`` has ``enable_cloud_dataset``",
}


@dataclass(frozen=True)
class Finding:
    """A compared item, and what is wrong with it; empty if nothing is."""

    kind: str
    name: str
    wrong: str = ""

    @property
    def intended(self) -> str | None:
        """Return the pattern of the intended difference that this is; None if it is none."""
        return next((pattern for pattern in INTENDED if fnmatchcase(self.name, pattern)), None)


def peer() -> ModuleType:
    """Return the installed ``astroquery.mast`` itself."""
    return importlib.import_module(PEER)


# -- what the peer has -----------------------------------------------------------------------------------------------


def plain(method: Any) -> Callable[..., Any]:
    """Return the function behind astroquery's decorators of methods."""
    return getattr(method, "fn", method)


def signature_of(owner: type, name: str) -> inspect.Signature:
    """Return the arguments of astroquery's method, or of the asynchronous method that it is derived from."""
    function = plain(inspect.getattr_static(owner, name))
    found = inspect.signature(function)
    twin = inspect.getattr_static(owner, f"{name}_async", None)
    if twin is None or not any(p.kind is p.VAR_POSITIONAL for p in found.parameters.values()):
        return found
    return inspect.signature(plain(twin))


def own_methods(owner: type) -> Iterator[str]:
    """Yield the public methods and properties that the modules of ``astroquery.mast`` define."""
    names = {name for base in owner.__mro__ if base.__module__.startswith(PEER) for name in vars(base)}
    yield from sorted(name for name in names if not name.startswith("_"))


def renamed(function: Callable[..., Any]) -> dict[str, str]:
    """Return the older names of arguments that a function accepts: older → newer, or None if there is no newer name."""
    names: dict[str, str] = {}
    while function is not None:
        kept = inspect.getclosurevars(function).nonlocals if inspect.isfunction(function) else {}
        if "old_name" in kept and "new_name" in kept:
            names |= dict(zip(kept["old_name"], kept["new_name"], strict=True))
        function = getattr(function, "__wrapped__", None)
    return names


# -- the comparison --------------------------------------------------------------------------------------------------


def same_default(theirs: Any, ours: Any) -> bool:
    """Return whether two defaults are equal; an argument that is required there may be optional here."""
    if theirs is inspect.Parameter.empty:
        return True
    if ours is inspect.Parameter.empty:
        return False
    return isinstance(theirs, bool) == isinstance(ours, bool) and bool(np.all(theirs == ours))


def wrong_with(argument: inspect.Parameter, place: int, ours: inspect.Signature, older: Mapping[str, str]) -> str:
    """Return what is wrong with an argument of astroquery's method here; empty if nothing is."""
    mine = list(ours.parameters.values())
    if argument.kind in {argument.VAR_KEYWORD, argument.VAR_POSITIONAL}:
        return "" if any(each.kind is argument.kind for each in mine) else "is missing"
    named = ours.parameters.get(argument.name) or ours.parameters.get(older.get(argument.name) or "")
    if named is None:
        return "is missing"
    if not same_default(argument.default, named.default):
        return f"has the default {named.default!r} instead of {argument.default!r}"
    if argument.kind is argument.KEYWORD_ONLY:
        return "" if named.kind is not argument.POSITIONAL_ONLY else "cannot be named"
    if named.kind is not argument.POSITIONAL_OR_KEYWORD:
        return "can only be given by name"
    return "" if mine.index(named) == place else "is at another place"


def compare_call(name: str, theirs: inspect.Signature, function: Callable[..., Any]) -> Iterator[Finding]:
    """Compare the arguments of a call."""
    ours, older = inspect.signature(function), renamed(function)
    for place, argument in enumerate(theirs.parameters.values()):
        if not argument.name.startswith("_"):
            yield Finding("argument", f"{name}({argument.name})", wrong_with(argument, place, ours, older))


def compare_class(owner: type) -> Iterator[Finding]:
    """Compare a class."""
    name = owner.__name__
    mine = getattr(astroquery_mast, name, None)
    yield Finding("class", name, "" if inspect.isclass(mine) else "is missing")
    if not inspect.isclass(mine):
        return
    yield from compare_call(name, inspect.signature(owner.__init__), mine.__init__)
    yield from compare_call(f"{name}.login", inspect.signature(owner._login), mine.login)
    for method in own_methods(owner):
        there, here = inspect.getattr_static(owner, method), inspect.getattr_static(mine, method, None)
        full = f"{name}.{method}"
        yield Finding("method", full, "is missing" if here is None else "")
        if here is None:
            continue
        if isinstance(there, property):
            yield Finding("property", full, "" if isinstance(here, property) else "is no property")
        elif callable(plain(there)):
            yield from compare_call(full, signature_of(owner, method), here)
            lost = sorted(set(renamed(plain(there))) - set(renamed(here)) - set(inspect.signature(here).parameters))
            yield from (Finding("older name", f"{full}({each})", "is missing") for each in lost)


def compare_utils(module: ModuleType) -> Iterator[Finding]:
    """Compare the functions of the module ``utils``."""
    mine = importlib.import_module("astroquery_mast.utils")
    for name, function in sorted(vars(module).items()):
        if not inspect.isfunction(function) or function.__module__ != module.__name__ or name.startswith("_"):
            continue
        here = getattr(mine, name, None)
        yield Finding("function", f"utils.{name}", "is missing" if here is None else "")
        if here is not None:
            yield from compare_call(f"utils.{name}", inspect.signature(function), here)


def compare_conf(conf: type) -> Iterator[Finding]:
    """Compare the settings and their defaults."""
    for name, item in sorted(vars(conf).items()):
        if isinstance(item, ConfigItem):
            here = inspect.getattr_static(astroquery_mast.Conf, name, None)
            wrong = "is missing" if here is None else ""
            if here is not None and not same_default(item.defaultvalue, here.defaultvalue):
                wrong = f"has the default {here.defaultvalue!r} instead of {item.defaultvalue!r}"
            yield Finding("setting", f"Conf.{name}", wrong)


def findings() -> list[Finding]:
    """Compare everything."""
    module = peer()
    found: list[Finding] = []
    for name in module.__all__:
        value = getattr(module, name)
        found.append(Finding("name", name, "" if hasattr(astroquery_mast, name) else "is missing"))
        if inspect.isclass(value) and name != "Conf":
            found += compare_class(value)
    return [*found, *compare_utils(module.utils), *compare_conf(module.Conf)]


# -- tests -----------------------------------------------------------------------------------------------------------


def test_every_public_name_of_astroquery_mast_exists() -> None:
    """Classes, methods, arguments, defaults and settings are those of astroquery.mast, but for intended differences."""
    found = findings()
    assert len(found) > 300
    assert [each for each in found if each.wrong and each.intended is None] == []


@pytest.mark.parametrize("pattern", INTENDED)
def test_intended_differences_are_documented(pattern: str) -> None:
    """Every intended difference is described in the docs, and exists."""
    told = " ".join(DIFFERENCES.read_text("utf-8").split())
    assert INTENDED[pattern] in told
    assert any(each.wrong and each.intended == pattern for each in findings())


def test_the_modules_have_the_names_of_astroquery_mast() -> None:
    """The names that code imports from the modules of astroquery.mast exist, also after compat.install()."""
    module = peer()
    homes = {name: vars(module)[name].__module__ for name in module.__all__ if inspect.isclass(vars(module)[name])}
    with compat.install():
        for name, home in homes.items():
            place = importlib.import_module(home)
            assert place is not module
            assert inspect.isclass(getattr(place, name))
        assert set(module.__all__) == set(importlib.import_module(PEER).__all__)


@pytest.mark.parametrize(
    ("theirs", "ours", "wrong"),
    [
        (lambda a: a, lambda a: a, ""),
        (lambda a: a, lambda b: b, "is missing"),
        (lambda *, a: a, lambda a: a, ""),
        (lambda a: a, lambda *, a: a, "can only be given by name"),
        (lambda a, b: a, lambda b, a: a, "is at another place"),
        (lambda a=1: a, lambda a=2: a, "has the default 2 instead of 1"),
        (lambda a=0: a, lambda a=False: a, "has the default False instead of 0"),
        (lambda a: a, lambda a=1: a, ""),
        (lambda a=1: a, lambda a: a, "has the default <class 'inspect._empty'> instead of 1"),
        (lambda **a: a, lambda **b: b, ""),
        (lambda **a: a, lambda: None, "is missing"),
    ],
)
def test_the_comparison_finds_differences(theirs: Any, ours: Any, wrong: str) -> None:
    """The comparison itself can fail."""
    assert next(iter(compare_call("f", inspect.signature(theirs), ours))).wrong == wrong


def report(found: list[Finding]) -> str:
    """Print what was compared, and every difference."""
    compared, same = Counter(each.kind for each in found), Counter(each.kind for each in found if not each.wrong)
    lines = [f"astroquery {version('astroquery')}, astroquery_mast {version('astroquery_mast')}", ""]
    lines += [f"{'what':12}{'compared':>10}{'the same':>10}"]
    lines += [f"{kind:12}{count:>10}{same[kind]:>10}" for kind, count in compared.items()]
    wrong = (each for each in found if each.wrong)
    lines += [f"{'intended' if each.intended else 'WRONG'}: {each.name} {each.wrong}" for each in wrong]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(report(findings()))

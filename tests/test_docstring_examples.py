"""The docstrings of the public interface are complete, with examples that run on the sandbox."""

from __future__ import annotations

import doctest
import inspect
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from casjobs_users import logged_in

import astroquery_mast
from astroquery_mast import footprints, utils
from astroquery_mast.deferred import FreshAttribute
from astroquery_mast.sandbox import Sandbox

PUBLIC = {name: getattr(astroquery_mast, name) for name in astroquery_mast.__all__}
CLASSES = {name: value for name, value in PUBLIC.items() if inspect.isclass(value)}
FUNCTIONS = {name: value for name, value in PUBLIC.items() if inspect.isfunction(value)}
FUNCTIONS |= {
    f"{module.__name__.rpartition('.')[2]}.{name}": inspect.unwrap(getattr(module, name))
    for module in (footprints, utils)
    for name in module.__all__
    if inspect.isfunction(getattr(module, name))
}
SECTIONS = re.compile(r"^(\w[\w ]*)\n-+\n", re.MULTILINE)
# One or several parameters with one description, and their type.
PARAMETER = re.compile(r"^(\*{0,2}\w+(?:, \*{0,2}\w+)*) : \S", re.MULTILINE)


def is_ours(value: Any) -> bool:
    """Return whether a function is defined in this package."""
    return value.__module__.partition(".")[0] == "astroquery_mast"


def unwrapped(member: Any) -> Callable[..., Any] | None:
    """Return the function of a method, a property or an attribute created on access; None for other objects."""
    if isinstance(member, property):
        member = member.fget
    elif isinstance(member, FreshAttribute):
        member = member.__wrapped__
    function = inspect.unwrap(getattr(member, "__func__", member))
    return function if inspect.isfunction(function) and is_ours(function) else None


def members(cls: type) -> Iterator[tuple[str, Callable[..., Any]]]:
    """Yield the public methods and properties of a class, including inherited ones."""
    for name in dir(cls):
        function = None if name.startswith("_") else unwrapped(inspect.getattr_static(cls, name))
        if function is not None:
            yield name, function


MEMBERS = [(f"{name}.{member}", function) for name, cls in CLASSES.items() for member, function in members(cls)]
# Members of several classes are checked once.
DESCRIBED = [(name, function) for function, name in {function: name for name, function in reversed(MEMBERS)}.items()]
DESCRIBED += FUNCTIONS.items()
METHODS = [(name, function) for name, function in DESCRIBED if len(inspect.signature(function).parameters) > 1]


def sections(text: str) -> dict[str, str]:
    """Return the sections of a docstring; the text before the first section has an empty name."""
    parts = SECTIONS.split(inspect.cleandoc(text))
    return {"": parts[0], **dict(zip(parts[1::2], parts[2::2], strict=True))}


def examples() -> Iterator[doctest.DocTest]:
    """Yield the examples of public classes, their members, and public functions."""
    parser = doctest.DocTestParser()
    for name, value in [*CLASSES.items(), *DESCRIBED]:
        found = parser.get_doctest(value.__doc__ or "", {}, name, None, 0)
        if found.examples:
            yield found


EXAMPLES = list(examples())


def named(described: object) -> str | None:
    """Return the name of a member for the name of its test."""
    return described if isinstance(described, str) else None


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda test: test.name)
def test_the_example_of_a_method_runs(
    mast_sandbox: Sandbox, example: doctest.DocTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The output is as shown; files are written to a temporary folder, and a user is logged in to CasJobs."""
    if example.name.startswith("CasJobs"):
        logged_in(mast_sandbox)
    monkeypatch.chdir(tmp_path)
    said: list[str] = []
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    failed, tried = runner.run(example, out=said.append)
    assert tried or all(each.options.get(doctest.SKIP) for each in example.examples)
    assert not failed, "".join(said)


@pytest.mark.parametrize(("name", "function"), DESCRIBED, ids=named)
def test_each_method_has_an_example(name: str, function: Callable[..., Any]) -> None:
    """Every public member of a public class has an example."""
    assert ">>> " in sections(function.__doc__ or "").get("Examples", ""), name


@pytest.mark.parametrize(("name", "function"), METHODS, ids=named)
def test_each_parameter_is_described(name: str, function: Callable[..., Any]) -> None:
    """The docstring describes every parameter under its own name, with its type."""
    text = sections(function.__doc__ or "").get("Parameters", "")
    described = [each.strip("*") for names in PARAMETER.findall(text) for each in names.split(", ")]
    assert sorted(described) == sorted(set(inspect.signature(function).parameters) - {"self", "cls"}), name
    assert not re.search(r"^ +As `", function.__doc__ or "", re.MULTILINE), name


@pytest.mark.parametrize(("name", "function"), DESCRIBED, ids=named)
def test_each_result_is_described(name: str, function: Callable[..., Any]) -> None:
    """The result of a method is described; that of a property in its first sentence."""
    owner, _, member = name.partition(".")
    static = inspect.getattr_static(CLASSES[owner], member) if owner in CLASSES else None
    is_property = isinstance(static, property | FreshAttribute)
    returned = inspect.signature(function).return_annotation
    if returned not in {None, "None"} and not is_property:
        assert {"Returns", "Yields"} & set(sections(function.__doc__ or "")), name

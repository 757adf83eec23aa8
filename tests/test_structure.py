"""Measures of the size and the structure of the package, with limits that keep it readable.

``python tests/test_structure.py`` prints the figures.  The sandbox, which is a server and not part of the client, is
counted separately.
"""

from __future__ import annotations

import ast
import sys
from collections import defaultdict
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from statistics import fmean

import pytest
from radon.complexity import cc_visit
from radon.visitors import Function
from test_levels import imports

import astroquery_mast
from astroquery_mast.compat import clients as compat_clients

ROOT = Path(str(resources.files("astroquery_mast")))
CLIENT = sorted(path for path in ROOT.rglob("*.py") if "sandbox" not in path.relative_to(ROOT).parts)
SANDBOX = sorted(ROOT.joinpath("sandbox").rglob("*.py"))
# The clients of `compat` have the names of those that they replace.
SAME_ON_PURPOSE = {name for name in astroquery_mast.__all__ if name[0].isupper()}

LINES = 64_520
MODULES = 292
SANDBOX_LINES = 19_550
LINES_PER_FILE = 400
COMPLEXITY = 10
MEAN_COMPLEXITY = 3.34
MEAN_OF_BLOCKS = 3.17
OWN_CLASSES = 4
NAMES = 78


def lines(path: Path) -> int:
    """Return the number of lines of a file."""
    return path.read_text("utf-8").count("\n")


def lines_but_docstrings(path: Path) -> int:
    """Return the number of lines of a file without docstrings, which are most of the lines of public clients."""
    text = path.read_text("utf-8")
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef)
    found = [
        node.body[0] for node in ast.walk(ast.parse(text)) if isinstance(node, documented) and ast.get_docstring(node)
    ]
    return lines(path) - sum((each.end_lineno or each.lineno) - each.lineno + 1 for each in found)


def lines_per_folder(paths: list[Path]) -> dict[str, tuple[int, int]]:
    """Return folder → lines and files; the modules at the top level are the folder ``.``."""
    found: dict[str, tuple[int, int]] = defaultdict(lambda: (0, 0))
    for path in paths:
        inside = path.relative_to(ROOT).parts
        folder = inside[0] if len(inside) > 1 else "."
        total, files = found[folder]
        found[folder] = total + lines(path), files + 1
    return dict(found)


def functions(paths: list[Path]) -> Iterator[tuple[str, int]]:
    """Yield every function with its cyclomatic complexity, as radon counts it."""
    for path in paths:
        where = path.relative_to(ROOT)
        for block in cc_visit(path.read_text("utf-8")):
            if isinstance(block, Function):
                yield f"{where}:{block.fullname}", block.complexity


def blocks(paths: list[Path]) -> list[int]:
    """Return the complexities that ``radon cc -a`` averages: of classes, functions and methods."""
    return [block.complexity for path in paths for block in cc_visit(path.read_text("utf-8"))]


def module_name(path: Path) -> str:
    """Return the dotted name of a file, relative to the package; empty for the package itself."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def cycles() -> list[list[str]]:
    """Return the groups of modules that import each other, including imports in functions."""
    graph = {module_name(path): imports(path)[0] for path in [*CLIENT, *SANDBOX]}
    below: dict[str, set[str]] = {}
    for start in graph:
        seen: set[str] = set()
        ahead = [start]
        while ahead:
            fresh = graph.get(ahead.pop(), set()) - seen
            seen |= fresh
            ahead += fresh
        below[start] = seen
    tied = {name: frozenset(other for other in below[name] if name in below.get(other, ())) for name in graph}
    return [sorted(group) for group in set(tied.values()) if len(group) > 1]


def shared_names() -> dict[str, list[str]]:
    """Return the names that several modules define at the top level, with the modules, without private functions."""
    homes: dict[str, list[str]] = defaultdict(list)
    for path in CLIENT:
        for node in ast.parse(path.read_text("utf-8")).body:
            names: list[str] = []
            if isinstance(node, ast.ClassDef | ast.FunctionDef):
                names = [node.name]
            elif isinstance(node, ast.Assign) and not ast.unparse(node.value).startswith("TypeVar("):
                names = [target.id for target in node.targets if isinstance(target, ast.Name)]
            elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                names = [node.target.id]
            for name in names:
                if not name.startswith("_") or isinstance(node, ast.ClassDef):
                    homes[name].append(module_name(path))
    return {name: found for name, found in homes.items() if len(found) > 1 and name not in SAME_ON_PURPOSE}


def own_classes(cls: type) -> list[str]:
    """Return the classes of this package in the method resolution order of a class."""
    return [each.__name__ for each in cls.__mro__ if each.__module__.split(".")[0] == "astroquery_mast"]


def own_names(instance: object) -> list[str]:
    """Return the attributes of an object, without the special methods of Python."""
    return [name for name in dir(instance) if not name.startswith("__")]


PUBLIC_CLASSES = [
    value
    for name in astroquery_mast.__all__
    if name.endswith("Class") and isinstance(value := getattr(astroquery_mast, name), type)
]
# Without the classes that replace those of ``astroquery.mast``, which has fewer.
COMPAT_CLASSES = [
    getattr(compat_clients, cls.__name__) for cls in PUBLIC_CLASSES if hasattr(compat_clients, cls.__name__)
]


def test_the_size_of_the_client_is_limited() -> None:
    """Code that is added must not exceed the limits; look for code to remove first."""
    assert sum(map(lines, CLIENT)) <= LINES
    assert len(CLIENT) <= MODULES


def test_the_size_of_the_sandbox_is_limited() -> None:
    """The same holds for the sandbox."""
    assert sum(map(lines, SANDBOX)) <= SANDBOX_LINES


@pytest.mark.parametrize("path", [*CLIENT, *SANDBOX], ids=module_name)
def test_the_size_of_files_is_limited(path: Path) -> None:
    """No file is longer than the limit, not counting docstrings."""
    assert lines_but_docstrings(path) <= LINES_PER_FILE


def test_functions_are_simple() -> None:
    """No function, including those of the sandbox, has more branches than the limit, and most have few."""
    assert {name: number for name, number in functions([*CLIENT, *SANDBOX]) if number > COMPLEXITY} == {}
    assert fmean(dict(functions(CLIENT)).values()) <= MEAN_COMPLEXITY


def test_the_package_is_simple_as_radon_counts() -> None:
    """The average over all blocks of the package is the one that ``radon cc -a astroquery_mast`` prints."""
    assert fmean(blocks([*CLIENT, *SANDBOX])) <= MEAN_OF_BLOCKS


def test_no_modules_import_each_other() -> None:
    """Imports have one direction, also in folders."""
    assert cycles() == []


def test_a_name_means_one_thing() -> None:
    """No two modules define the same public name, or the same class."""
    assert shared_names() == {}


@pytest.mark.parametrize("cls", PUBLIC_CLASSES, ids=lambda cls: cls.__name__)
def test_a_public_class_has_few_bases(cls: type) -> None:
    """Methods are found without reading many base classes, and completion shows only public names."""
    assert len(own_classes(cls)) <= OWN_CLASSES
    names = own_names(cls())
    assert len(names) <= NAMES, names


def report() -> Iterator[str]:
    """Yield the lines of a report of all figures."""
    for title, paths, most in ("client", CLIENT, LINES), ("sandbox", SANDBOX, SANDBOX_LINES):
        yield f"{title}: {sum(map(lines, paths))} lines (at most {most}) in {len(paths)} modules"
        for folder, (total, files) in sorted(lines_per_folder(paths).items()):
            yield f"    {folder:14s} {total:6d} lines  {files:3d} files"
        longest = max(paths, key=lines_but_docstrings)
        code = lines_but_docstrings(longest)
        yield f"    longest file: {module_name(longest)}, {lines(longest)} lines, {code} without docstrings"
        numbers = dict(functions(paths))
        yield f"    complexity: mean {fmean(numbers.values()):.2f} of {len(numbers)} functions"
    above = {name: number for name, number in functions([*CLIENT, *SANDBOX]) if number > COMPLEXITY}
    yield f"functions of a complexity above {COMPLEXITY}: {len(above)}"
    every = blocks([*CLIENT, *SANDBOX])
    yield f"complexity as radon counts: mean {fmean(every):.3f} of {len(every)} blocks (at most {MEAN_OF_BLOCKS})"
    yield from (f"    {number:3d}  {name}" for name, number in sorted(above.items(), key=lambda item: -item[1]))
    yield f"import cycles: {cycles() or 'none'}"
    yield f"names defined in two modules: {shared_names() or 'none'}"
    for cls in [*PUBLIC_CLASSES, *COMPAT_CLASSES]:
        names, made_of = len(own_names(cls())), " > ".join(own_classes(cls))
        yield f"{cls.__module__}.{cls.__name__}: {names} names, made of {made_of}"


if __name__ == "__main__":
    sys.stdout.writelines(f"{line}\n" for line in report())

"""The documentation as readers use it: each page defines the names that it uses, and its code fits the window."""

from __future__ import annotations

import ast
import builtins
import doctest
import re
import symtable
import textwrap
from collections.abc import Iterator
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest
from astropy import units as u
from astropy.time import Time

from astroquery_mast import Observations
from astroquery_mast.sandbox import Sandbox

DOCS = Path(__file__).parents[1] / "docs"
PAGES = {
    str(path.relative_to(DOCS)): path.read_text("utf-8")
    for path in sorted([*DOCS.glob("*.rst"), *DOCS.glob("reference/*.rst")])
}
# The number of characters that a code block shows in a window of 1280 pixels.
WIDTH = 88
COMPOUND = (ast.For, ast.While, ast.With, ast.If, ast.Try, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
LITERAL_BLOCK = re.compile(
    r"^(?!\.\. (?!code-block))([^\n]*(?:::|code-block:: python))\n\n((?: {4}[^\n]*\n|\n)+)", re.M
)


def code_of(text: str) -> list[str]:
    """Return the code of a page in order: examples, and literal blocks of Python."""
    found = [
        (match.start(), code) for match in LITERAL_BLOCK.finditer(text) if is_python(code := textwrap.dedent(match[2]))
    ]
    lines = text.splitlines(keepends=True)
    begins = [sum(map(len, lines[:number])) for number in range(len(lines) + 1)]
    found += [(begins[each.lineno], each.source) for each in doctest.DocTestParser().get_examples(text)]
    return [code for _, code in sorted(found)]


def is_python(code: str) -> bool:
    """Return whether a literal block is executable Python, and not a shell command or output."""
    if ">>>" in code:
        return False
    try:
        tree = ast.parse(code)
    except SyntaxError:
        return False
    return any(isinstance(node, ast.Call | ast.Import | ast.ImportFrom) for node in ast.walk(tree))


def scopes(table: symtable.SymbolTable) -> Iterator[symtable.SymbolTable]:
    """Yield the symbol table of a statement, and those of its functions, classes and comprehensions."""
    yield table
    for child in table.get_children():
        yield from scopes(child)


def used_and_bound(statement: ast.stmt) -> tuple[set[str], set[str]]:
    """Return the global names that a statement uses, and those that it imports or assigns."""
    top = symtable.symtable(ast.unparse(statement), "page", "exec")
    bound = {each.get_name() for each in top.get_symbols() if each.is_assigned() or each.is_imported()}
    used = {each.get_name() for each in top.get_symbols() if each.is_referenced()}
    for scope in list(scopes(top))[1:]:
        used |= {each.get_name() for each in scope.get_symbols() if each.is_global() and each.is_referenced()}
    return used, bound


def undefined_names(code: list[str]) -> list[str]:
    """Return the names that code uses before it imports or assigns them, in order."""
    known = set(dir(builtins)) | {"__name__"}
    missing: dict[str, None] = {}
    for statement in (each for part in code for each in ast.parse(part).body):
        used, bound = used_and_bound(statement)
        # The lines of a loop or a block may use what its first line assigns.
        allowed = known | bound if isinstance(statement, COMPOUND) else known
        missing.update(dict.fromkeys(sorted(used - allowed)))
        known |= bound
    return list(missing)


def long_lines(text: str) -> list[str]:
    """Return the lines of examples, including prompts and output, and of literal blocks, that are too long."""
    blocks = [textwrap.dedent(match[2]) for match in LITERAL_BLOCK.finditer(text)]
    for each in doctest.DocTestParser().get_examples(text):
        blocks += [textwrap.indent(each.source, " " * len(">>> ")), each.want]
    return [line for block in blocks for line in block.splitlines() if len(line) > WIDTH]


@pytest.mark.parametrize("page", PAGES)
def test_a_page_defines_the_names_that_it_uses(page: str) -> None:
    """A reader who types the lines of a page from top to bottom gets no NameError."""
    assert undefined_names(code_of(PAGES[page])) == []


@pytest.mark.parametrize("page", PAGES)
def test_the_code_of_a_page_fits_the_window(page: str) -> None:
    """No line of code or output is cut off at 1280 pixels."""
    assert long_lines(PAGES[page]) == []


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        (">>> import json\n>>> json.dumps([each for each in (1, 2)])\n", []),
        (">>> archive.stop()\n", ["archive"]),
        (">>> total = total + 1\n", ["total"]),
        (">>> print(later)\n\n>>> later = 1\n", ["later"]),
        (">>> for row in [1]:\n...     print(row)\n", []),
        (">>> def twice(x):\n...     return factor * x\n>>> factor = 2\n", ["factor"]),
        ("Like this::\n\n    first = Observations.query_object('M51')\n\n>>> print(first)\n", ["Observations"]),
        ("Type::\n\n    pip install astroquery-mast\n", []),
    ],
)
def test_an_undefined_name_is_found(text: str, missing: list[str]) -> None:
    """The check finds names that are not defined, or defined too late, and no others."""
    assert undefined_names(code_of(text)) == missing


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (f">>> '{'x' * 82}'\n", 0),
        (f">>> '{'x' * 83}'\n", 1),
        (f">>> print(1)\n{'1' * 89}\n", 1),
        (f"So::\n\n    {'x' * 88}\n    {'x' * 89}\n", 1),
    ],
)
def test_a_long_line_is_found(text: str, found: int) -> None:
    """Prompts and output are counted."""
    assert len(long_lines(text)) == found


@pytest.fixture(scope="module")
def column_table() -> ModuleType:
    """Import the module that writes the table of criteria when the docs are built."""
    spec = spec_from_file_location("column_table", DOCS / "column_table.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_table_of_criteria_has_every_column(column_table: ModuleType, mast_sandbox: Sandbox) -> None:
    """Each column of MAST is in the table, with a description and at least one form, without sending a request."""
    rows = column_table.column_rows()
    assert len(mast_sandbox.requests) == 0
    assert {name.strip("`") for name, *_ in rows} == set(Observations.list_columns()["name"])
    assert all(description and forms for *_, description, forms in rows)
    table = column_table.column_table()
    assert table.count("\n   * - ") == len(rows) + 1
    assert ".. include:: _build/criteria_columns.txt" in PAGES["criteria.rst"]


@pytest.mark.parametrize("name", list(Observations.criteria))
def test_a_criterion_accepts_the_forms_in_the_table(column_table: ModuleType, mast_sandbox: Sandbox, name: str) -> None:
    """Every form that the table lists for a column gives a valid request."""
    del mast_sandbox
    criterion = Observations.criteria[name]
    examples = {what: code for what, code in criterion.forms if what in column_table.FORMS}
    assert {what for what, _ in criterion.forms} == set(examples)
    values = [eval(code.partition("=")[2], {"u": u, "Time": Time}) for code in examples.values()]
    if "list" in column_table.accepted_forms(criterion):
        values.append([values[0], values[0]])
    for value in values:
        payload = Observations.query_criteria(**{name: value}, get_query_payload=True)
        assert [each["paramName"] for each in payload["params"]["filters"]] == [name]

"""Words and phrases that public docstrings, messages, the README, and the docs must not contain."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import pytest

ROOT = Path(str(resources.files("astroquery_mast")))
REPOSITORY = Path(__file__).parents[1]
# Phrases that read as translated, and British spelling: pattern → replacement.
WRONG = {
    r"\banew\b": "again",
    r"\bin vain\b": "without a result",
    r"\bbe had\b|\bis had\b": "be retrieved",
    r"\bwhoever\b|\bnobody\b": "a user, no user, you",
    r"\band the like\b|\bsuch as it is\b": "and others",
    r"\btells? of\b|\btold of\b": "reports, lists",
    r"\bbecomes? of\b|\bbecame of\b": "happens to",
    r"\bready-made\b": "ready to use",
    r"\bwhole numbers?\b": "integer",
    r"\bas far as the archive\b": "where MAST",
    r"\bslip of the pen\b": "typo",
    r"\bis asked for\b|\bare asked for\b|\bwas asked for\b|\bwere asked for\b|\basked for in\b": "is requested",
    r"\b(archive|server|service) is asked\b|\bask(s|ed)? the archive\b": "query MAST",
    r"\bis none of\b|' is none\b|\bif it is none\b": "is not",
    r"\bin which no (value|number) lies\b": "contains no value",
    r"\bmend(s|ed)?\b": "fix",
    r"\bcatalogued?s?\b": "catalog",
    r"\bprogrammes?\b": "program",
    r"\b(off|re)?-?cent(re|res|red)\b(?<!Data Centre)": "center",
    r"\bcolours?\b": "color",
    r"\bneighbours?\b": "neighbor",
    r"\blicences?\b": "license",
    r"\bbehaviours?\b": "behavior",
    r"\bartefacts?\b": "artifact",
    r"\b(recogn|normal|organ|initial|summar)is(e|ed|es|ing|ation)\b": "-ize",
}
# Phrases that public docstrings must not contain either; messages may quote them from servers and users.
WRONG_IN_DOCSTRINGS = {r"^ +As `": "the description itself", r"\basked for\b": "requested", r"\bstands? for\b": "is"}


def found_in(text: str, phrases: dict[str, str]) -> list[str]:
    """Return the wrong phrases in a text, with their replacements."""
    return [
        f"{match[0].strip()!r}: write {instead!r}"
        for pattern, instead in phrases.items()
        for match in re.finditer(pattern, text, re.IGNORECASE | re.MULTILINE)
    ]


def docstring_of(node: ast.AST) -> ast.expr | None:
    """Return the docstring of a module, class, function or attribute."""
    return node.value if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) else None


def messages(path: Path) -> Iterator[str]:
    """Yield the texts of a module that are not docstrings, with their line numbers."""
    tree = ast.parse(path.read_text("utf-8"))
    docstrings = {id(docstring_of(node)) for node in ast.walk(tree)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield f"{node.lineno}: {node.value}"


def public_docstrings(path: Path) -> Iterator[str]:
    """Yield the docstrings of a module's public classes, methods and functions, with their names."""
    levels: list[tuple[str, ast.AST]] = [("", ast.parse(path.read_text("utf-8")))]
    while levels:
        owner, node = levels.pop()
        for each in ast.iter_child_nodes(node):
            if isinstance(each, ast.ClassDef | ast.FunctionDef) and not each.name.startswith("_"):
                text = ast.get_docstring(each) or ""
                # Docstrings with sections are for users.
                if re.search(r"^-{4,}$", text, re.MULTILINE):
                    yield f"{owner}{each.name}: {text}"
                if isinstance(each, ast.ClassDef):
                    levels.append((f"{owner}{each.name}.", each))


def client_modules() -> list[Path]:
    """Return the modules of the client."""
    parts = [(path, path.relative_to(ROOT).parts[0]) for path in sorted(ROOT.rglob("*.py"))]
    return [path for path, folder in parts if folder != "sandbox"]


MODULES = client_modules()
PAGES = [REPOSITORY / "README.rst"]
PAGES += sorted([*(REPOSITORY / "docs").glob("*.rst"), *(REPOSITORY / "docs").glob("r*/*.rst")])
PAGES += sorted((REPOSITORY / "docs" / "recipes").glob("*.py"))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_messages_are_plain_english(path: Path) -> None:
    """No exception, warning or log message contains such a phrase."""
    assert {text[:160]: wrong for text in messages(path) if (wrong := found_in(text, WRONG))} == {}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_public_docstrings_are_plain_english(path: Path) -> None:
    """Docstrings with sections, which are for users, use standard terms."""
    phrases = WRONG | WRONG_IN_DOCSTRINGS
    found = {text.partition(":")[0]: found_in(text, phrases) for text in public_docstrings(path)}
    assert {name: wrong for name, wrong in found.items() if wrong} == {}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_pages_are_plain_english(path: Path) -> None:
    """The README, the docs and the recipes use standard terms."""
    assert found_in(path.read_text("utf-8"), WRONG) == []


@pytest.mark.parametrize("text", ["fetched anew", "the catalogue", "a colour", "'100 s' is none", "nobody knows it"])
def test_wrong_phrases_are_found(text: str) -> None:
    """Wrong phrases are found in upper and lower case, and correct words are not."""
    assert found_in(text, WRONG) and found_in(text.upper(), WRONG)
    assert not found_in("Colors of a catalog are requested again; programs have centers.", WRONG)

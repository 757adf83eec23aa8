"""Pages as notebooks: paragraphs become text, and the examples between them become cells.

In: a page with examples.  Out: the same as a notebook, to be downloaded from the page.
"""

from __future__ import annotations

import doctest
import json
import re
from pathlib import Path
from typing import Any

_ROLES = re.compile(r":[\w:]+:`~?([^`<]*?)(?: <[^>]*>)?`")
_DIRECTIVE = re.compile(r"^\.\. .*\n(?:\n?(?: {3,}.*\n)+)*", re.MULTILINE)
_LINKS = re.compile(r"`([^`<]+) <([^>]+)>`_")
_OBJECTS, _DOWNLOADS = re.compile(r"(?<!`)`~([^`]+)`"), re.compile(r"^:download:.*\n", re.MULTILINE)
_TITLES = re.compile(r"^(.+)\n(=|-)\2{2,}$", re.MULTILINE)


def as_notebook(page: str) -> dict[str, Any]:
    """Return a page in the format of Jupyter notebooks, version 4."""
    cells: list[dict[str, Any]] = []
    goes_on = False
    for part in doctest.DocTestParser().parse(page):
        if isinstance(part, doctest.Example):
            _add_code(cells, re.sub(r"\s*# doctest:.*", "", part.source), goes_on)
            # A cell shows its last result, so that what has one ends it.
            goes_on = not part.want
        elif part.strip():
            cells.append(
                {"cell_type": "markdown", "id": f"cell-{len(cells)}", "metadata": {}, "source": _markdown(part)}
            )
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    cells = [cell for cell in cells if cell["source"]]
    return {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}


def write_notebook(page: Path, notebook: Path) -> None:
    """Write a page as a notebook."""
    notebook.parent.mkdir(parents=True, exist_ok=True)
    notebook.write_text(json.dumps(as_notebook(page.read_text("utf-8")), indent=1), encoding="utf-8")


def _add_code(cells: list[dict[str, Any]], source: str, goes_on: bool) -> None:
    """Add an example, to the cell before it or in one of its own."""
    if goes_on and cells[-1]["cell_type"] == "code":
        cells[-1]["source"] += source
    else:
        code = {"cell_type": "code", "id": f"cell-{len(cells)}", "metadata": {}, "outputs": [], "execution_count": None}
        cells.append({**code, "source": source})


def _markdown(text: str) -> str:
    """Return reStructuredText as Markdown, as far as these pages use it; directives are left out."""
    text = _OBJECTS.sub(r"`\1`", _DOWNLOADS.sub("", _DIRECTIVE.sub("", f"{text}\n")))
    text = _TITLES.sub(lambda title: f"{'#' if title[2] == '=' else '##'} {title[1]}", text)
    text = _LINKS.sub(r"[\1](\2)", _ROLES.sub(r"`\1`", text))
    return text.replace("``", "`").strip()

"""The quickstart as a notebook, which the documentation offers for download."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from astroquery_mast import conf

DOCS = Path(__file__).parents[1] / "docs"


@pytest.fixture
def notebooks() -> ModuleType:
    """Return the module of the documentation that creates notebooks."""
    spec = importlib.util.spec_from_file_location("notebooks", DOCS / "notebooks.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_cells_of_the_quickstart_run_one_after_the_other(
    notebooks: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All cells of the notebook run in order, and restore the state at the end."""
    monkeypatch.chdir(tmp_path)
    server = conf.server
    made = notebooks.as_notebook((DOCS / "quickstart.rst").read_text("utf-8"))
    code = [cell["source"] for cell in made["cells"] if cell["cell_type"] == "code"]
    assert len(code) > 8
    names: dict[str, object] = {}
    for source in code:
        exec(source, names)
    assert conf.server == server
    assert (tmp_path / "m51.png").is_file()


def test_text_between_the_examples_is_markdown(notebooks: ModuleType) -> None:
    """Titles, links and code are converted; directives and output are omitted."""
    page = (
        ".. currentmodule:: x\n\nA title\n=======\n\nSee :doc:`other page <other>` and `MAST <https://mast.stsci.edu>`_.\n\n"
        ".. plot:: a.py\n   :include-source:\n\n>>> 1 + 1\n2\n>>> x = 2\n>>> x + 2  # doctest: +SKIP\n4\n\nUse it.\n"
    )
    cells = notebooks.as_notebook(page)["cells"]
    assert [(cell["cell_type"], cell["source"]) for cell in cells] == [
        ("markdown", "# A title\n\nSee `other page` and [MAST](https://mast.stsci.edu)."),
        ("code", "1 + 1\n"),
        ("code", "x = 2\nx + 2\n"),
        ("markdown", "Use it."),
    ]

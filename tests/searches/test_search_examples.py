"""The examples in the docstrings of saved searches run on the sandbox."""

from __future__ import annotations

import doctest
from pathlib import Path

import pytest

from astroquery_mast import Changes, SavedSearch, read_notification
from astroquery_mast.sandbox import Sandbox

FINDER = doctest.DocTestFinder()
EXAMPLES = [
    test
    for subject in (SavedSearch, Changes, read_notification)
    for test in FINDER.find(subject, subject.__name__)
    if test.examples and not test.name.startswith("Changes.write")
]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda test: test.name)
def test_the_example_runs(
    mast_sandbox: Sandbox, example: doctest.DocTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The example in the docstring gives the output shown; files are written to a temporary folder."""
    monkeypatch.chdir(tmp_path)
    said: list[str] = []
    failed, tried = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE).run(
        example, out=said.append
    )
    assert tried > 0
    assert not failed, "".join(said)


def test_each_method_has_an_example() -> None:
    """Each method that runs a search or formats changes has an example."""
    assert {test.name for test in EXAMPLES} >= {
        "SavedSearch",
        *(f"SavedSearch.{name}" for name in ("open", "run", "peek", "changes")),
        *(f"Changes.{name}" for name in ("as_text", "as_atom", "exit_code")),
        "read_notification",
    }

"""The examples in the docstrings of `JwstFiles` run on the sandbox."""

from __future__ import annotations

import doctest
from pathlib import Path

import pytest

from astroquery_mast import JwstFilesClass
from astroquery_mast.sandbox import Sandbox

# Two methods of downloads are described, with their examples, where all clients have them from.
SHARED = {"JwstFiles.verify_downloads", "JwstFiles.retry_downloads"}
EXAMPLES = [test for test in doctest.DocTestFinder().find(JwstFilesClass, "JwstFiles") if test.examples]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda test: test.name)
def test_the_example_of_a_method_runs(
    mast_sandbox: Sandbox, example: doctest.DocTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It prints what it says; files go to a folder of its own."""
    del mast_sandbox
    monkeypatch.chdir(tmp_path)
    said: list[str] = []
    failed, tried = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE).run(
        example, out=said.append
    )
    assert tried > 0
    assert not failed, "".join(said)


def test_every_method_has_an_example() -> None:
    """No public method goes without."""
    own = {f"JwstFiles.{name}" for name in vars(JwstFilesClass) if not name.startswith("_")}
    assert {test.name for test in EXAMPLES} == own - SHARED

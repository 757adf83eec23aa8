"""The examples in the docstrings of `VO` run on the sandbox."""

from __future__ import annotations

import doctest

import pytest

from astroquery_mast.sandbox import Sandbox
from astroquery_mast.vo.client import VOClass

CLASSES = [cls for cls in VOClass.__mro__ if cls.__module__.startswith("astroquery_mast.vo.")]
EXAMPLES = [test for cls in CLASSES for test in doctest.DocTestFinder().find(cls, "VO") if test.examples]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda test: test.name)
def test_the_example_of_a_method_runs(mast_sandbox: Sandbox, example: doctest.DocTest) -> None:
    """It prints what it says."""
    said: list[str] = []
    failed, tried = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE).run(
        example, out=said.append
    )
    assert tried > 0
    assert not failed, "".join(said)


def test_each_method_has_an_example() -> None:
    """No public method goes without."""
    own = {f"VO.{name}" for cls in CLASSES for name in vars(cls) if not name.startswith("_")}
    assert {test.name for test in EXAMPLES} == own

"""The examples in the docstrings of `Engineering` run on the sandbox."""

from __future__ import annotations

import doctest

import pytest

from astroquery_mast import EngineeringClass
from astroquery_mast.sandbox import Sandbox

EXAMPLES = [test for test in doctest.DocTestFinder().find(EngineeringClass, "Engineering") if test.examples]


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
    own = {f"Engineering.{name}" for name in vars(EngineeringClass) if not name.startswith("_")}
    assert {test.name for test in EXAMPLES} == own

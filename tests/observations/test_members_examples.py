"""The examples in the documentation of the methods for members run, and show what they say."""

from __future__ import annotations

import doctest

import pytest

from astroquery_mast.observations.member_methods import MemberMethods
from astroquery_mast.sandbox import Sandbox

EXAMPLES = [test for test in doctest.DocTestFinder().find(MemberMethods, "Observations") if test.examples]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda test: test.name)
def test_the_example_of_a_method_for_members_runs(mast_sandbox: Sandbox, example: doctest.DocTest) -> None:
    """It can be copied and run as it stands."""
    lines: list[str] = []
    failed, tried = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(example, out=lines.append)
    assert tried
    assert not failed, "".join(lines)


def test_every_method_for_members_has_an_example() -> None:
    """All three of them."""
    names = {example.name.rpartition(".")[2] for example in EXAMPLES}
    assert names == {"get_members", "get_parents", "gather_association"}

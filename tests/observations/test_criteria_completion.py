"""Tab completion of criteria and their values in IPython, with and without jedi."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator

import pytest

IPython = pytest.importorskip("IPython")

from IPython.core.completer import provisionalcompleter  # noqa: E402
from IPython.core.interactiveshell import InteractiveShell  # noqa: E402

from astroquery_mast.sandbox import Sandbox  # noqa: E402

Completed = Callable[[str], set[str]]
HAS_JEDI = importlib.util.find_spec("jedi") is not None


@pytest.fixture(params=[False, pytest.param(True, marks=pytest.mark.skipif(not HAS_JEDI, reason="without jedi"))])
def completed(request: pytest.FixtureRequest) -> Iterator[Completed]:
    """Return a function that lists the completions of a line."""
    shell = InteractiveShell.instance()
    shell.Completer.use_jedi = request.param
    shell.run_cell("from astroquery_mast import MastMissions, Observations")

    def complete(line: str) -> set[str]:
        with provisionalcompleter():
            return {each.text.removeprefix(".") for each in shell.Completer.completions(line, len(line))}

    yield complete
    InteractiveShell.clear_instance()


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("Observations.criteria.instr", {"instrument_name"}),
        ("Observations.criteria.instrument_name.ACS_", {"ACS_HRC", "ACS_SBC", "ACS_WFC"}),
        ('Observations.criteria.instrument_name["ACS/', {"ACS/HRC", "ACS/SBC", "ACS/WFC"}),
        ("Observations.query_criteria(filters=Observations.criteria.filters.F814", {"F814W", "F814W_F791W"}),
        ('Observations.criteria["calib', {"calib_level"}),
    ],
)
def test_criteria_and_values_complete_without_a_request(
    mast_sandbox: Sandbox, completed: Completed, line: str, offered: set[str]
) -> None:
    """Criteria and their values complete without sending a request."""
    assert offered <= completed(line)
    assert not mast_sandbox.requests

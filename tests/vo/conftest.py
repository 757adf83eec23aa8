"""A TAP service of the sandbox with the rows that a test needs."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import pytest
from tap_catalogs import COLUMNS, Row, Serve

from astroquery_mast.sandbox import Sandbox
from astroquery_mast.sandbox.vo import holdings
from astroquery_mast.sandbox.vo.tables import Column, Holding, Table

# Catalogs of the sandbox are cached by name.
_numbers = itertools.count()


@pytest.fixture
def serve(mast_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Serve:
    """Return a function that serves a table ``dbo.sources`` in a new catalog, whose name it returns."""

    def served(rows: Sequence[Row], columns: tuple[Column, ...] = COLUMNS) -> str:
        name = f"made{next(_numbers)}"
        table = Table("dbo.sources", "Sources", columns, lambda: iter(rows))
        monkeypatch.setitem(holdings.MAKERS, name, lambda *_: Holding(name, "Made for a test", (table,)))
        return name

    return served

"""A TAP service of the sandbox with whatever rows a test wants."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import pytest
from tap_catalogs import COLUMNS, Row, Serve

from astroquery_mast.sandbox import Sandbox
from astroquery_mast.sandbox.vo import holdings
from astroquery_mast.sandbox.vo.tables import Column, Holding, Table

# What the sandbox has made is kept under its name.
_numbers = itertools.count()


@pytest.fixture
def serve(mast_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Serve:
    """Give what has the sandbox serve a table ``dbo.sources``, in a catalog of its own, whose name it returns."""

    def served(rows: Sequence[Row], columns: tuple[Column, ...] = COLUMNS) -> str:
        name = f"made{next(_numbers)}"
        table = Table("dbo.sources", "Sources", columns, lambda: iter(rows))
        monkeypatch.setitem(holdings.MAKERS, name, lambda *_: Holding(name, "Made for a test", (table,)))
        return name

    return served

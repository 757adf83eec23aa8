"""The criteria for files of JWST: the keywords of their headers.

In: the columns of the services for header keywords.  Out: all criteria as one object with a readable display.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ..query.criterion import CriteriaNamespace, CriteriaSource, Form, portal_forms
from ..tables.columns import Column, Columns
from .keyword_columns import MJD
from .keyword_question import QUERY_ARGUMENTS

_HINT = (
    'JwstFiles.help("NAME") describes one criterion, and JwstFiles.list_values("NAME") queries MAST for its '
    "values. Use instrument and suffix to select the files."
)


def file_criteria(columns: Columns, server: str) -> CriteriaNamespace:
    """Return the criteria for files."""

    def forms(column: Column, values: Sequence[Any]) -> list[Form]:
        """Return the forms of a column; for dates, those of the corresponding number."""
        held = columns.get(f"{column.name}{MJD}", column)
        return portal_forms(replace(held, name=column.name), values, listed=True)

    source = CriteriaSource(
        title=f"Criteria of JwstFiles.query_criteria, at {server}",
        call="JwstFiles.query_criteria",
        forms=forms,
        hint=_HINT,
        arguments=QUERY_ARGUMENTS,
    )
    return CriteriaNamespace(columns, source)

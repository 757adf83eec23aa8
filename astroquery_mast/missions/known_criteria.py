"""The criteria of a mission search.

In: the columns of a mission, if they are known.  Out: all criteria as one object, which has a display.
"""

from __future__ import annotations

from ..query.criterion import CriteriaNamespace, CriteriaSource, mission_forms
from ..tables.columns import Columns
from .conditions import MISSION_ARGUMENTS

_HINT = (
    'MastMissions.help("NAME") describes one criterion. To search by position, use coordinates or '
    "object_names, with radius."
)


def mission_criteria(mission: str, columns: Columns | None, server: str) -> CriteriaNamespace:
    """Return the criteria of a mission; empty if its columns have not been requested yet."""
    hint = _HINT
    if columns is None:
        hint = (
            f"The columns of mission '{mission}' have not been listed yet. MastMissions.help() queries MAST for them."
        )
    source = CriteriaSource(
        title=f"Criteria of MastMissions.query_criteria for mission '{mission}', at {server}",
        call="MastMissions.query_criteria",
        forms=mission_forms,
        hint=hint,
        arguments=MISSION_ARGUMENTS,
    )
    return CriteriaNamespace(columns or {}, source)

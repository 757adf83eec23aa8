"""The table of the criteria of observations for the page "Query criteria", from the columns that the package knows."""

from __future__ import annotations

import json
from importlib import resources

from astroquery_mast import Observations
from astroquery_mast.query.criterion import Criterion

HEADER = """\
.. list-table::
   :header-rows: 1
   :widths: 26 9 8 34 23
   :class: columns

"""
TITLES = ("name", "type", "unit", "description", "accepted forms")
# The forms that `Criterion` shows with an example each, as this table names them.
FORMS = {
    "a value": "value",
    "one of several values": "list",
    "one text with wildcards": "wildcards",
    "several with wildcards": "wildcards",
    "anything but a value": "exclusion",
    "a range": "range",
    "an open range": "range",
    "a range with a unit": "range",
    "a range in MJD": "range",
    "one of several ranges": "list of ranges",
    "a comparison": "comparison",
    "True or False": "True or False",
}


def accepted_forms(criterion: Criterion) -> list[str]:
    """Return the forms that a criterion takes; every column of text takes a list, also where few values are known."""
    found = dict.fromkeys(FORMS[what] for what, _ in criterion.forms)
    return list(dict.fromkeys(["value", "list", *found])) if criterion.data_type == "text" else list(found)


def column_rows() -> list[tuple[str, ...]]:
    """Return a row for each column, those of a group of ``Observations.help()`` together; no request is sent."""
    criteria = Observations.criteria
    facts = resources.files("astroquery_mast.observations").joinpath("known_criteria.json").read_text("utf-8")
    grouped = [name for names in json.loads(facts)["groups"].values() for name in names]
    return [
        (f"``{each.name}``", each.data_type, each.unit, each.description, ", ".join(accepted_forms(each)))
        for each in (criteria[name] for name in dict.fromkeys([*grouped, *criteria]))
    ]


def column_table() -> str:
    """Return the table as reStructuredText."""
    rows = ["   * - " + "\n     - ".join(row) for row in (TITLES, *column_rows())]
    return HEADER + "\n".join(line.rstrip() for line in rows) + "\n"

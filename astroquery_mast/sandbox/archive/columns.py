"""Names, order and types of observation and product columns, and what ``columnsconfig`` says about all columns.

The order is the one in which MAST answers ``Mast.Caom.Cone`` and ``Mast.Caom.Products``; the types are those of the
answer's ``fields``, which for ids is not the type of the JSON value (ids are declared ``string`` and sent as numbers).
"""

from __future__ import annotations

from .packaged import packaged

#: Name and declared JSON type.
Columns = tuple[tuple[str, str], ...]
Properties = dict[str, object]

OBSERVATION_COLUMNS: Columns = packaged("columns")["observation"]
PRODUCT_COLUMNS: Columns = packaged("columns")["product"]
#: Id to column to properties. Columns of catalogs have hardly a type here, as at MAST: clients learn which of them are
#: numbers from the ``All`` services.
COLUMNS_CONFIG: dict[str, dict[str, Properties]] = packaged("config")

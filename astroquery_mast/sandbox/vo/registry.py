"""The registry of the sandbox: records of VO resources (`registry.json`) as rows of the RegTAP tables.

MAST's own services have addresses at the server itself, those of other archives have invented ones under
``/elsewhere/``, and abandoned services have their real ones.  As required by RegTAP, identifiers, types, and wavebands
are in lower case.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..packaged import packaged
from .tables import Column, Holding, Table

#: Names of the registries, with the ADQL set operations they declare; without UNION, pyvo joins additional tables.
REGISTRIES: Mapping[str, tuple[str, ...]] = {"registry": (), "_registry": ("UNION",)}
#: Machine-readable descriptions of a TAP service, listed as additional capabilities of the same resource.
_VOSI = ("capabilities", "availability", "tables")
_STANDARDS = {
    "tap": ("ivo://ivoa.net/std/tap", "tr:tableaccess", "1.1"),
    "tap#aux": ("ivo://ivoa.net/std/tap#aux", "vr:capability", "1.1"),
    "scs": ("ivo://ivoa.net/std/conesearch", "cs:conesearch", "1.03"),
    "sia": ("ivo://ivoa.net/std/sia", "sia:simpleimageaccess", "1.0"),
    "sia2": ("ivo://ivoa.net/std/sia#query-2.0", "sia:simpleimageaccess", "2.0"),
    "ssa": ("ivo://ivoa.net/std/ssa", "ssap:simplespectralaccess", "1.02"),
    **{name: (f"ivo://ivoa.net/std/vosi#{name}", "vr:capability", "1.0") for name in _VOSI},
}
_PAGE = {"intf_type": "vr:webbrowser"}
_PARAMETERS = {
    "scs": [
        {"name": name, "ucd": ucd, "unit": "deg", "datatype": "real", "param_use": "required"}
        for name, ucd in (("RA", "pos.eq.ra"), ("DEC", "pos.eq.dec"), ("SR", "pos.angDistance"))
    ]
}
Row = tuple[str, dict[str, Any]]


def registry(name: str, _archive: object, here: str) -> Holding:
    """Return a registry, with the addresses of services at the server ``here`` (``http://host:port``)."""
    rows: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for resource in packaged("registry")["resources"]:
        for table, row in _record(resource, here):
            rows[table].append({"ivoid": resource["ivoid"], **row})
    tables = tuple(_table(table, rows[table], **entry) for table, entry in packaged("registry")["tables"].items())
    return Holding(name, "Resources of the Virtual Observatory (RegTAP 1.1)", tables, shapes=())


def _table(name: str, rows: list[dict[str, Any]], description: str, columns: Sequence[Sequence[str]]) -> Table:
    fields = tuple(Column(column, kind, description=told, std=True) for column, kind, told in columns)
    listed = [[row.get(field.name) for field in fields] for row in rows]
    return Table(f"rr.{name}", description, fields, listed.copy)


def _record(resource: Mapping[str, Any], here: str) -> Iterator[Row]:
    """Generate all rows of one resource."""
    updated = resource.get("updated", "2026-01-29")
    yield (
        "resource",
        {
            "res_type": resource.get("type", "vs:catalogservice"),
            "created": f"{resource.get('created', '2016-05-10')}T00:00:00",
            "updated": f"{updated}T00:00:00",
            "short_name": resource["short_name"],
            "res_title": resource["title"],
            "res_description": resource["description"],
            "content_level": "research",
            "content_type": "archive",
            "reference_url": resource.get("page"),
            "creator_seq": "; ".join(resource.get("creators", ())),
            "source_value": resource.get("source"),
            "source_format": "bibcode",
            "waveband": "#".join(resource["waveband"]),
            "harvested_from": "ivo://archive.stsci.edu/nvoregistry",
        },
    )
    yield from _roles(resource)
    yield from (("res_subject", {"res_subject": subject}) for subject in resource["subjects"])
    yield "res_date", {"date_value": updated, "value_role": "updated"}
    yield "validation", {"validated_by": "ivo://archive.stsci.edu/nvoregistry", "val_level": resource.get("level", 2)}
    if "served_by" in resource:
        yield "relationship", {"relationship_type": "isservedby", "related_id": resource["served_by"]}
    if "doi" in resource:
        yield "alt_identifier", {"alt_identifier": f"doi:{resource['doi']}"}
    yield from _capabilities(resource, here)
    yield from _tables(resource.get("tables", {}))


def _roles(resource: Mapping[str, Any]) -> Iterator[Row]:
    authority = resource["ivoid"].removeprefix("ivo://").split("/", 1)[0]
    name, ivoid, email = packaged("registry")["publishers"][authority]
    yield "res_role", {"role_name": name, "role_ivoid": ivoid, "base_role": "publisher"}
    yield "res_role", {"role_name": f"{name}, help desk", "email": email, "base_role": "contact"}
    for creator in resource.get("creators", ()):
        yield "res_role", {"role_name": creator, "base_role": "creator"}


def _capabilities(resource: Mapping[str, Any], here: str) -> Iterator[Row]:
    """Generate capabilities, each with an interface and its data models."""
    for index, (kind, url, *models) in enumerate(_interfaces(resource, here), 1):
        standard, capability, version = _STANDARDS.get(kind, (None, None, None))
        place = {"cap_index": index}
        yield "capability", {**place, "cap_type": capability, "standard_id": standard}
        service = {"intf_type": "vs:paramhttp", "intf_role": "std", "std_version": version, "url_use": "base"}
        found = {"intf_index": index, "access_url": url, "authenticated_only": 0}
        yield "interface", {**place, **found, **(service if standard else _PAGE)}
        yield from (
            ("res_detail", {**place, "detail_xpath": "/capability/dataModel/@ivo-id", "detail_value": model})
            for model in models
        )
        yield from (("intf_param", {"intf_index": index, **each}) for each in _PARAMETERS.get(kind, ()))


def _interfaces(resource: Mapping[str, Any], here: str) -> Iterator[tuple[str, ...]]:
    """Generate kind, URL, and data models of interfaces; TAP services also have those that describe them."""
    for kind, address, *models in resource["capabilities"]:
        url = here + address if address.startswith("/") else address
        yield kind, url, *models
        if kind == "tap":
            yield from ((document, f"{url}/{document}") for document in _VOSI)


def _tables(tables: Mapping[str, Any]) -> Iterator[Row]:
    """Generate the tables of a resource and their columns; the schema is the part of a table name before the dot."""
    schemas: defaultdict[str, int] = defaultdict(lambda: len(schemas) + 1)
    for index, (name, columns) in enumerate(tables.items(), 1):
        schema = name.rpartition(".")[0]
        if schema not in schemas:
            yield "res_schema", {"schema_index": schemas[schema], "schema_name": schema}
        yield "res_table", {"schema_index": schemas[schema], "table_index": index, "table_name": name}
        for column, datatype, unit, ucd, description in columns:
            yield (
                "table_column",
                {
                    "table_index": index,
                    "name": column,
                    "ucd": ucd,
                    "unit": unit,
                    "datatype": datatype,
                    "column_description": description,
                },
            )

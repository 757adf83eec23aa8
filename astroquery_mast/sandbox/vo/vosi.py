"""Descriptions of a TAP service: capabilities, availability, tables, examples, and the API."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from string import Template

from ..packaged import text
from ..reply import Reply
from .adql import REGISTRY
from .registry import REGISTRIES
from .tables import Column, Holding, Table
from .votable import escape

_XML = "application/xml"
_NAMESPACES = (
    'xmlns:vosi="http://www.ivoa.net/xml/VOSITables/v1.0" xmlns:vs="http://www.ivoa.net/xml/VODataService/v1.1" '
    'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
)
#: Retention time of results in seconds.
RETENTION = 86_400
_FEATURES = "ivo://ivoa.net/std/TAPRegExt#features-"


def capabilities(holding: Holding, address: str, limit: int) -> Reply:
    """Return the capabilities; geometry is limited to the shapes supported by the holding."""
    shapes = ("CONTAINS", "POINT", *holding.shapes) if holding.shapes else ()
    features = _features("adqlgeo", shapes)
    if holding.name in REGISTRIES:
        features += _features("udf", [f"{name.lower()}(...) -> INTEGER" for name in sorted(REGISTRY)])
        features += _features("adql-sets", REGISTRIES[holding.name])
    filled = Template(text("tap_capabilities.xml")).substitute(
        address=address, limit=limit, retention=RETENTION, features=features
    )
    return Reply.text(filled, content_type=_XML)


def _features(kind: str, forms: Iterable[str]) -> str:
    listed = "".join(f"        <feature><form>{escape(form)}</form></feature>\n" for form in forms)
    return f'      <languageFeatures type="{_FEATURES}{kind}">\n{listed}      </languageFeatures>\n' if listed else ""


def availability() -> Reply:
    """Return the document stating that the service is up."""
    xml = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<vosi:availability xmlns:vosi="http://www.ivoa.net/xml/VOSIAvailability/v1.0">'
        "<vosi:available>true</vosi:available><vosi:note>The sandbox is up.</vosi:note></vosi:availability>\n"
    )
    return Reply.text(xml, content_type=_XML)


def tables(holding: Holding, *, columns: bool) -> Reply:
    """Return all tables, with or without their columns."""
    schemas = "".join(
        f"<schema><name>{name}</name>{''.join(_table(table, columns=columns) for table in found)}</schema>\n"
        for name, found in holding.schemas.items()
    )
    return Reply.text(f"<vosi:tableset {_NAMESPACES}>\n{schemas}</vosi:tableset>\n", content_type=_XML)


def table(found: Table) -> Reply:
    """Return one table."""
    xml = _table(found, columns=True).replace("<table>", f"<vosi:table {_NAMESPACES}>", 1)
    return Reply.text(xml.replace("</table>", "</vosi:table>"), content_type=_XML)


def _table(found: Table, *, columns: bool) -> str:
    listed = "".join(map(_column, found.columns)) if columns else ""
    utype = _optional("utype", found.utype)
    return f"<table><name>{found.name}</name>{_optional('description', found.description)}{utype}{listed}</table>\n"


def _column(column: Column) -> str:
    words = "".join(_optional(name, getattr(column, name)) for name in ("name", "description", "unit", "ucd", "utype"))
    size = ' arraysize="*"' if column.datatype == "char" else ""
    kind = f'<dataType xsi:type="vs:VOTableType"{size}>{column.datatype}</dataType>'
    flags = "".join(f"<flag>{flag}</flag>" for flag in ("indexed", "principal") if getattr(column, flag))
    return f'<column std="{str(column.std).lower()}">{words}{kind}{flags}</column>\n'


def _optional(name: str, value: str) -> str:
    return f"<{name}>{escape(value)}</{name}>" if value else ""


def examples(holding: Holding) -> Reply:
    """Return a page of example queries as defined by DALI."""
    main = holding.tables[0]
    queries = {
        "Tables of the service": "SELECT table_name, description FROM tap_schema.tables",
        "Some rows": f"SELECT TOP 10 * FROM {main.name}",
        "Number of rows": f"SELECT COUNT(*) AS number FROM {main.name}",
    }
    position = [
        column.name for kind in ("ra", "dec") for column in main.columns if column.ucd == f"pos.eq.{kind};meta.main"
    ]
    if holding.shapes and len(position) == 2:
        cone = f"CONTAINS(POINT('ICRS', {', '.join(position)}), CIRCLE('ICRS', 202.4696, 47.1953, 0.1)) = 1"
        queries["Around a position"] = f"SELECT TOP 10 * FROM {main.name} WHERE {cone}"
    listed = "".join(
        f'<div typeof="example" id="example{place}" resource="#example{place}"><h2 property="name">{title}</h2>'
        f'<pre property="query">{escape(query)}</pre></div>\n'
        for place, (title, query) in enumerate(queries.items())
    )
    xml = (
        '<html xmlns="http://www.w3.org/1999/xhtml"><head><title>Examples</title></head>'
        f'<body vocab="ivo://ivoa.net/std/DALI-examples">\n{listed}</body></html>\n'
    )
    return Reply.text(xml, content_type="application/xhtml+xml")


def openapi(names: Iterable[str], paths: Iterable[str]) -> Reply:
    """Return the description of the API, from which clients take the names of the services."""
    enumerated = {"type": "string", "enum": sorted(names), "title": "CatalogName"}
    document: Mapping[str, object] = {
        "openapi": "3.1.0",
        "info": {"title": "MAST VO-TAP", "version": "0.1"},
        "paths": {f"/{{catalog}}/{path}": {"get": {"summary": path}} for path in paths},
        "components": {"schemas": {"CatalogName": enumerated}},
    }
    return Reply.text(json.dumps(document), content_type="application/json")

"""Names, order and types of observation and product columns, and what ``columnsconfig`` says about them.

In: nothing. Out: three constants. The order is the one in which MAST answers ``Mast.Caom.Cone`` and
``Mast.Caom.Products``; the types are those of the answer's ``fields``, which for ids is not the type of the
JSON value (ids are declared ``string`` and sent as numbers).
"""

from __future__ import annotations

OBSERVATION_COLUMNS: tuple[tuple[str, str], ...] = (
    ("intentType", "string"),
    ("obs_collection", "string"),
    ("provenance_name", "string"),
    ("instrument_name", "string"),
    ("project", "string"),
    ("filters", "string"),
    ("wavelength_region", "string"),
    ("target_name", "string"),
    ("target_classification", "string"),
    ("obs_id", "string"),
    ("s_ra", "float"),
    ("s_dec", "float"),
    ("dataproduct_type", "string"),
    ("proposal_pi", "string"),
    ("calib_level", "int"),
    ("t_min", "float"),
    ("t_max", "float"),
    ("t_exptime", "float"),
    ("em_min", "float"),
    ("em_max", "float"),
    ("obs_title", "string"),
    ("t_obs_release", "float"),
    ("proposal_id", "string"),
    ("proposal_type", "string"),
    ("sequence_number", "int"),
    ("s_region", "string"),
    ("jpegURL", "string"),
    ("dataURL", "string"),
    ("dataRights", "string"),
    ("mtFlag", "boolean"),
    ("srcDen", "float"),
    ("obsid", "string"),
)

PRODUCT_COLUMNS: tuple[tuple[str, str], ...] = (
    ("obsID", "string"),
    ("obs_collection", "string"),
    ("dataproduct_type", "string"),
    ("obs_id", "string"),
    ("description", "string"),
    ("type", "string"),
    ("dataURI", "string"),
    ("productType", "string"),
    ("productGroupDescription", "string"),
    ("productSubGroupDescription", "string"),
    ("productDocumentationURL", "string"),
    ("project", "string"),
    ("prvversion", "string"),
    ("proposal_id", "string"),
    ("productFilename", "string"),
    ("size", "int"),
    ("parent_obsid", "string"),
    ("dataRights", "string"),
    ("calib_level", "int"),
    ("filters", "string"),
)

Properties = dict[str, object]


def _column(
    name: str,
    label: str,
    datatype: str,
    description: str,
    *,
    unit: str | None = None,
    order: int | None = None,
    **more: object,
) -> Properties:
    """Properties of a column that has VOTable metadata; ``more`` are further portal properties."""
    properties: Properties = {"text": label}
    if order is not None:
        properties["order"] = order
    properties.update(more)
    properties["vot.datatype"] = datatype
    if datatype == "char":
        properties["vot.arraysize"] = "*"
    if unit is not None:
        properties["vot.unit"] = unit
    properties.update({"vot.ID": name, "vot.name": name, "vot.description": description})
    return properties


def _time(name: str, label: str, description: str, **more: object) -> Properties:
    return _column(name, label, "double", description, unit="d") | {
        "isMjd": True,
        "isDate": True,
        "unit": "MJD",
        "example": "Shown as a date in the portal; searched as a modified Julian date",
        **more,
    }


def _text(name: str, label: str, description: str, order: int | None = None, **more: object) -> Properties:
    return _column(name, label, "char", description) | ({} if order is None else {"order": order}) | more


_SELECTED: Properties = {"text": "selected", "add": True, "type": "boolean", "hidden": True}
_FACET: Properties = {"openByDefault": True, "defaultFacet": True}


def _split(**more: object) -> Properties:
    return {"separator": ";", "separatorType": "split", **more}


_OBSERVATION_TEXT: dict[str, Properties] = {
    name: _text(name, label, description, order, **more)
    for name, label, description, order, more in (
        (
            "intentType",
            "Observation Type",
            "Science or calibration",
            0,
            {"example": "science, calibration", "defaultFacet": True},
        ),
        (
            "obs_collection",
            "Mission",
            "Mission or collection",
            1,
            {"separator": ";", "sort": "DESC", "visible": True} | _FACET,
        ),
        (
            "provenance_name",
            "Provenance Name",
            "Pipeline or group that made the data",
            None,
            {"example": "CALSTIS, SPOC, CALJWST"},
        ),
        (
            "instrument_name",
            "Instrument",
            "Instrument and configuration",
            2,
            {"example": "E.g. ACS/WFC, NIRCAM/IMAGE"} | _FACET,
        ),
        ("project", "Project", "Processing project", 3, {"separator": ";", "example": "E.g. HST, AIS, hlsp_legus"}),
        ("filters", "Filters", "Filters or gratings", 4, _split(example="F814W, NUV, CLEAR;PRISM", defaultFacet=True)),
        (
            "wavelength_region",
            "Waveband",
            "Spectral band",
            5,
            _split(example="UV, OPTICAL, INFRARED", openByDefault=True),
        ),
        (
            "target_name",
            "Target Name",
            "Target as the proposer named it",
            6,
            {"example": "E.g. M51, EV-LAC", "defaultFacet": True},
        ),
        ("target_classification", "Target Classification", "Kind of target", 7, _split(example="STAR;M V-IV")),
        (
            "obs_id",
            "Observation ID",
            "Identifier given by the mission",
            8,
            {"example": "J97C12010, O6AU01MSQ", "visible": True},
        ),
        (
            "dataproduct_type",
            "Product Type",
            "Kind of data",
            None,
            {"example": "image, spectrum, timeseries, cube"} | _FACET,
        ),
        (
            "proposal_pi",
            "Principal Investigator",
            "Leader of the programme",
            12,
            {"example": "Beckwith, Pontoppidan"} | _FACET,
        ),
        ("obs_title", "Observation Title", "Title of the programme", None, {"visible": False}),
        ("proposal_id", "Proposal ID", "Programme number", 11, dict(_FACET)),
        ("proposal_type", "Proposal Type", "Kind of programme", None, {"example": "GO, GTO, DD, SNAP"}),
        ("jpegURL", "Preview", "Preview image", None, {"visible": False, "autoFacetRule": "never"}),
    )
}

_REMOVED: dict[str, Properties] = {
    name: {"remove": True, "text": label, "visible": False, **more}
    for name, label, more in (
        ("obs_creator_name", "Creator", {}),
        ("access_estsize", "Estimated Size", {}),
        ("s_fov", "FOV", {"ignoreValue": 0}),
        ("s_resolution", "S Resolution", {"ignoreValue": 0}),
        ("t_resolution", "T Resolution", {"ignoreValue": 0}),
        ("em_resolution", "Em Resolution", {"ignoreValue": -9999}),
        ("target_class", "Target Class", {}),
        ("objID1", "Object ID1", {"autoFacetRule": "never"}),
    )
}


def _caom() -> dict[str, Properties]:
    numeric: dict[str, Properties] = {
        "s_ra": _column(
            "s_ra", "RA", "double", "Right ascension of the centre", unit="deg", order=9, example="202.4696"
        )
        | _FACET,
        "s_dec": _column("s_dec", "Dec", "double", "Declination of the centre", unit="deg", order=10, example="47.1952")
        | _FACET,
        "calib_level": _column(
            "calib_level",
            "Calibration Level",
            "int",
            "How far the data are processed",
            example="-1 planned, 0 raw, 1 uncalibrated, 2 calibrated, 3 science product, 4 contributed",
        ),
        "t_min": _time("t_min", "Start Time", "Start of the observation", defaultFacet=True),
        "t_max": _time("t_max", "End Time", "End of the observation", defaultFacet=True),
        "t_exptime": _column("t_exptime", "Exposure Length", "double", "Exposure time", unit="s")
        | {"unit": "sec", "defaultFacet": True},
        "em_min": _column("em_min", "Min. Wavelength", "double", "Shortest wavelength", unit="nm", floor=0),
        "em_max": _column("em_max", "Max. Wavelength", "double", "Longest wavelength", unit="nm", floor=0),
        "t_obs_release": _time("t_obs_release", "Release Date", "When the data become public"),
        "sequence_number": _column(
            "sequence_number", "Sequence Number", "int", "Kepler quarter or TESS sector", example="15"
        ),
        "s_region": _text("s_region", "Footprint", "Footprint on the sky", None, visible=False, autoFacetRule="never")
        | {"vot.unit": "deg", "unit": "ICRS Shape", "example": "CIRCLE ICRS 210.9 54.5 0.625"},
        "dataURL": {"text": "Data URL", "hidden": True, "vot.description": "Main file", "vot.datatype": "string"},
        "dataRights": {
            "text": "Data Rights",
            "hidden": True,
            "type": "string",
            "vot.description": "Who may read the files",
        },
        "mtFlag": {
            "text": "Moving Target",
            "type": "boolean",
            "vot.description": "Whether the telescope followed a moving target",
            "example": "true for moving targets; false or null otherwise",
        },
        "srcDen": _column("srcDen", "Number of Catalog Objects", "float", "Catalogued sources inside the footprint"),
        "obsid": _column("obsid", "Product Group ID", "long", "The archive's number of the observation", visible=False),
        "objID": _column(
            "objID", "Object ID", "long", "The archive's number of the plane", visible=False, autoFacetRule="never"
        ),
        "distance": _column(
            "distance", 'Distance (")', "float", "Separation from the searched position", unit="arcsec"
        ),
    }
    known = _OBSERVATION_TEXT | numeric
    names = [name for name, _ in OBSERVATION_COLUMNS] + ["objID", "distance"]
    return {"_selected_": dict(_SELECTED)} | {name: known[name] for name in names} | _REMOVED


def _products() -> dict[str, Properties]:
    texts = (
        ("obs_collection", "Mission", "Mission or collection"),
        ("dataproduct_type", "Product Type", "Kind of data"),
        ("obs_id", "Observation ID", "Identifier given by the mission"),
        ("description", "Description", "What the file is"),
        ("type", "Observation Type", "S simple, C composite, D derived"),
        ("dataURI", "URI", "Where the file is downloaded from"),
        ("productType", "Product Type", "Role of the file"),
        ("productGroupDescription", "Product Group", "Minimum recommended products, or nothing"),
        ("productSubGroupDescription", "Product Subgroup", "Suffix of the file"),
        ("productDocumentationURL", "Documentation", "Where the file is described"),
        ("project", "Project", "Processing project"),
        ("prvversion", "Version", "Version of the pipeline"),
        ("proposal_id", "Proposal ID", "Programme number"),
        ("productFilename", "Filename", "Name of the file"),
        ("dataRights", "Data Rights", "Who may read the file"),
        ("filters", "Filters", "Filters of the observation"),
    )
    known = {name: _text(name, label, description) for name, label, description in texts}
    known["productType"]["example"] = "SCIENCE, PREVIEW, AUXILIARY, INFO"
    known["obsID"] = _column("obsID", "Product Group ID", "long", "The archive's number of the observation")
    known["parent_obsid"] = _column("parent_obsid", "Parent Product Group ID", "long", "The observation asked for")
    known["size"] = _column("size", "Size", "int", "Length of the file", unit="byte")
    known["calib_level"] = _column("calib_level", "Calibration Level", "int", "How far the file is processed")
    return {"_selected_": dict(_SELECTED)} | {name: known[name] for name, _ in PRODUCT_COLUMNS}


COLUMNS_CONFIG: dict[str, dict[str, Properties]] = {"Mast.Caom.Cone": _caom(), "Mast.Caom.Products": _products()}

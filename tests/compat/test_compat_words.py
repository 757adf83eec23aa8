"""Messages with the text of ``astroquery.mast``, which other code matches.

`SAID` has the texts, as in its source with ``{}`` for the parts that are filled in, and a call that leads to each.
`UNSAID` has the texts that this package does not use, and the reasons.  Together they are all messages that the
development version raises, warns and logs.
"""

from __future__ import annotations

import ast
import builtins
import itertools
import json
import logging
import re
import warnings
from collections.abc import Callable, Iterator
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import astropy.utils.exceptions
import astroquery.exceptions
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.table import Table

from astroquery_mast import conf, utils
from astroquery_mast.compat.clients import (
    Catalogs,
    Mast,
    MastMissions,
    MastMissionsClass,
    Observations,
    Tesscut,
    Zcut,
)
from astroquery_mast.exceptions import InvalidQueryError
from astroquery_mast.sandbox import Fault, Sandbox

Call = Callable[[Sandbox], object]

PLACE = SkyCoord(23.34086, 60.658, unit="deg")
# Whether the installed astroquery is the development version.
IS_LATER = (resources.files("astroquery.mast.tests") / "data" / "mission_count_only.json").is_file()
NOWHERE = "mast:HST/product/does_not_exist.fits"


def products() -> Table:
    """A few products."""
    return Observations.get_product_list(Observations.query_criteria(proposal_id="10452")[:1])[:2]


def faulty(endpoint: str, fault: Fault, call: Callable[[], object]) -> Call:
    """A call to a server that fails."""

    def failing(archive: Sandbox) -> object:
        archive.faults.add(endpoint, fault, times=None)
        return call()

    return failing


def in_cloud(call: Callable[[], object]) -> Call:
    """A call with cloud access."""

    def enabled(_archive: Sandbox) -> object:
        Observations.enable_cloud_dataset(verbose=False)
        try:
            return call()
        finally:
            Observations.disable_cloud_dataset()

    return enabled


def logged_in(call: Callable[[], object]) -> Call:
    """A call by a user who is logged in, but has no access to the data."""

    def refused(archive: Sandbox) -> object:
        MastMissions.login(archive.token)
        archive.faults.add("retrieve_product", Fault.status(401), times=None)
        return call()

    return refused


def given_as_file(text: str) -> object:
    """Download the products listed in a file."""
    Path("list.json").write_text(text, encoding="utf-8")
    return MastMissions.download_products("list.json")


SAID: dict[str, list[Call]] = {
    # auth, cloud
    "MAST API token invalid!": [lambda _: Mast.login("x" * 32)],
    "MAST Open Data on AWS is now free to access and does not require an AWS account": [
        in_cloud(lambda: Observations.enable_cloud_dataset(profile="mine"))
    ],
    "The product {} was not found in the cloud. Skipping download.": [
        in_cloud(lambda: Observations.download_file(NOWHERE, cloud_only=True))
    ],
    "The product {} was not found in the cloud.": [lambda _: Observations.open_product(NOWHERE, cloud_only=True)],
    "Failed to retrieve cloud path for {}": [
        lambda _: Observations.get_cloud_uris([NOWHERE]),
        lambda _: Observations.get_cloud_uri(NOWHERE),
        lambda _: utils.get_cloud_paths([NOWHERE]),
    ],
    # collections
    "Maximum catalog results returned": [lambda _: Catalogs.query_region("M101", radius=0.5, catalog="Hsc", nr=2)],
    "Filter '{}' does not exist": [
        lambda _: Catalogs.query_region(PLACE, radius=0.001, catalog="Hsc", nosuch=5),
        lambda _: Catalogs.query_region(PLACE, radius=0.001, catalog="panstarrs", nosuch=5),
        lambda _: Catalogs.query_criteria(catalog="Tic", nosuch=5),
        lambda _: Observations.query_criteria(nosuch=5),
        lambda _: MastMissions.query_criteria(nosuch=5),
    ],
    "Invalid HSC version number": [
        lambda _: Catalogs.query_region(PLACE, radius=0.001, catalog="Hsc", version=5),
        lambda _: Catalogs.query_hsc_matchid(82371983, version=5),
    ],
    "Invalid Gaia version number": [lambda _: Catalogs.query_region(PLACE, radius=0.001, catalog="Gaia", version=5)],
    "Invalid PLATO catalog version number": [
        lambda _: Catalogs.query_region(PLACE, radius=0.001, catalog="Plato", version=5)
    ],
    "At least one non-positional criterion must be supplied.": [
        lambda _: Catalogs.query_criteria(catalog="Tic"),
        lambda _: Catalogs.query_criteria(catalog="panstarrs"),
        lambda _: Observations.query_criteria(object_name="M101"),
    ],
    "Criteria query not available for {}": [lambda _: Catalogs.query_criteria(catalog="NoSuch", x=1)],
    # cutouts
    "Too many dimensions in cutout size": [lambda _: Tesscut.get_cutouts(coordinates=PLACE, size=[3, 3, 3])],
    "Cutout size must be in pixels or angular quantity": [
        lambda _: Tesscut.get_cutouts(coordinates=PLACE, size=3 * u.s)
    ],
    "Only one of moving_target and coordinates may be specified. Please remove coordinates if using moving_target and "
    "object_name.": [lambda _: Tesscut.get_sectors(object_name="Ceres", moving_target=True, coordinates=PLACE)],
    "Please specify the object name or ID": [lambda _: Tesscut.get_sectors(moving_target=True)],
    "Only one of object_name and coordinates may be specified. Please remove object_name if using coordinates.": [
        lambda _: Tesscut.get_sectors(object_name="M101", coordinates=PLACE)
    ],
    "Input product must be SPOC.": [lambda _: Tesscut.get_sectors(coordinates=PLACE, product="other")],
    "Coordinates are not in any TESS sector.": [lambda _: Tesscut.get_sectors(coordinates="10 0")],
    "Coordinates are not in an available deep field survey.": [lambda _: Zcut.get_surveys(coordinates="10 0")],
    # discovery_portal, services
    "Timeout limit of {} exceeded": [
        faulty("invoke", Fault.executing(), lambda: Observations.query_criteria(obs_id="x", timeout=0.05)),
        faulty("mission_search", Fault.delay(5), lambda: MastMissions.query_criteria(sci_pep_id=1, timeout=0.05)),
    ],
    "Query returned no results.": [
        lambda _: Observations.query_criteria(obs_id="none"),
        lambda _: MastMissions.query_criteria(sci_pep_id=1),
        lambda _: Catalogs.query_region("10 0", radius=0.0001, catalog="panstarrs"),
    ],
    "{} is continuous, and filters based on min and max values": [
        lambda _: Observations.query_criteria(t_exptime=3, obs_id="x"),
        lambda _: Observations.query_criteria(t_exptime="long", obs_id="x"),
        lambda _: Observations.query_criteria(t_exptime=[3, 4, 5], obs_id="x"),
    ],
    "Only one wildcarded value may be used per filter": [lambda _: Observations.query_criteria(obs_id=["a*", "b*"])],
    # missions
    "Maximum results returned": [lambda _: MastMissions.query_criteria(sci_aec="S", limit=1)],
    "`select_cols` must be an iterable of column names": [
        lambda _: MastMissions.query_criteria(sci_pep_id=1, select_cols=123)  # type: ignore[arg-type]
    ],
    "`select_cols` must contain only strings": [
        lambda _: MastMissions.query_criteria(
            sci_pep_id=1,
            select_cols=["sci_pep_id", 123],  # type: ignore[list-item]
        )
    ],
    "Column '{}' not found": [
        lambda _: MastMissions.query_criteria(sci_pep_id=1, select_cols=["sci_pep_id", "nosuch"])
    ],
    "No targets were provided": [lambda _: MastMissions.query_criteria(coordinates=[])],
    "Query radius too large. Must be": [
        lambda _: MastMissions.query_region(PLACE, radius=31 * u.arcmin),
        lambda _: MastMissions.query_criteria(coordinates=PLACE, radius=31),
    ],
    'Dataset keyword not found for mission "{}"': [
        lambda _: MastMissionsClass(mission="nosuch").get_product_list(Table({"a": [1]}))
    ],
    "Unsupported data type for `datasets`": [lambda _: MastMissions.get_product_list(1.5)],
    "Dataset list is empty": [lambda _: MastMissions.get_product_list([" "])],
    "a full MAST URI is required": [lambda _: MastMissionsClass(mission="classy").download_file("x.fits")],
    "You are not authorized to download": [
        faulty("retrieve_product", Fault.status(401), lambda: MastMissions.download_file("x.fits")),
        logged_in(lambda: MastMissions.download_file("x.fits")),
    ],
    "Please authenticate yourself": [
        faulty("retrieve_product", Fault.status(401), lambda: MastMissions.download_file("x.fits"))
    ],
    "You do not have access to download this data": [logged_in(lambda: MastMissions.download_file("x.fits"))],
    'Data product is missing "dataset" or "fileset" field': [
        lambda _: MastMissions.download_products([{"filename": "x.fits"}])
    ],
    "No products specified for download.": [lambda _: MastMissions.download_products([])],
    "Failed to decode JSON file": [lambda _: given_as_file("{ a")],
    "Expected a list of product rows": [lambda _: given_as_file(json.dumps({"obsid": 1}))],
    "No products to download after applying filters.": [
        lambda _: MastMissions.download_products([{"filename": "x.fits", "dataset": "x"}], filename="other")
    ],
    "does not have a known dataset ID keyword": [lambda _: MastMissionsClass(mission="nosuch").get_dataset_kwd()],
    # observations
    "Unknown query type": [lambda _: Observations.get_metadata("nosuch")],
    "Observation list is empty, no associated products.": [lambda _: Observations.get_product_list([" "])],
    "A valid data product URI must be provided": [
        lambda _: Observations.download_file(12345),  # type: ignore[arg-type]
        lambda _: Observations.get_cloud_uris([12345]),
    ],
    "Invalid argument combination": [
        lambda _: Observations.download_file(NOWHERE, cloud_only=True, force_on_prem=True)
    ],
    "`cloud_only` is True but cloud data access is not enabled": [
        lambda _: Observations.download_file(str(products()["dataURI"][0]), cloud_only=True)
    ],
    "No products to download.": [lambda _: Observations.download_products(products(), productType="nosuch")],
    "flat=True has no effect on curl downloads.": [
        lambda _: Observations.download_products(products(), curl_flag=True, flat=True)
    ],
    "Please provide either": [lambda _: Observations.get_cloud_uris()],
    "Filtering is not supported when providing a list of MAST URIs": [
        lambda _: Observations.get_cloud_uris([NOWHERE], extension="png")
    ],
    "No matching products to fetch associated cloud URIs.": [
        lambda _: Observations.get_cloud_uris(products(), filter_products={"productType": "nosuch"})
    ],
    'Range filter for "{}" must be a dictionary with "min" and "max" keys.': [
        lambda _: Mast.mast_query("Mast.Caom.Filtered", s_ra={"min": 10.0})
    ],
    "Please provide at least one filter.": [lambda _: Mast.mast_query("Mast.Caom.Filtered")],
    "'columns' parameter is ignored for non-filtered services": [
        lambda _: Mast.mast_query("Mast.Caom.Cone", ra=23.0, dec=60.0, radius=0.01, columns=["obs_id"])
    ],
    # utils
    "All object names must be strings": [lambda _: Mast.resolve_object(1), lambda _: Mast.resolve_object(["M1", 1])],
    "Invalid resolver": [lambda _: Mast.resolve_object("M101", resolver="nosuch")],
    'Must be "NED" or "SIMBAD".': [lambda _: Mast.resolve_object("M101", resolver="nosuch")],
    "The resolver parameter is ignored when resolve_all is True": [
        lambda _: Mast.resolve_object("M101", resolver="NED", resolve_all=True)
    ],
    'Could not resolve "{}" to a sky position using resolver "{}".': [
        lambda _: Mast.resolve_object("nonexisting", resolver="NED"),
        lambda _: Mast.resolve_object(["M101", "nonexisting"], resolver="NED"),
    ],
    'Could not resolve "{}" to a sky position.': [
        lambda _: Mast.resolve_object("nonexisting"),
        lambda _: Mast.resolve_object(["M101", "nonexisting"]),
    ],
    "Could not resolve any of the given object names to sky positions.": [
        lambda _: Mast.resolve_object(["nonexisting", "neither"])
    ],
    "Resolver {} returned coordinates that differ from MAST {} catalog by more than 1 arcsec": [
        faulty(
            "resolver",
            Fault.answer(
                {
                    "resolvedCoordinate": [
                        {"searchString": "tic 1", "resolver": "TIC", "ra": 10.0, "decl": 20.0},
                        {"searchString": "tic 1", "resolver": "SIMBAD", "ra": 10.1, "decl": 20.0},
                    ]
                }
            ),
            lambda: Mast.resolve_object("TIC 1", resolver="SIMBAD"),
        )
    ],
    "Only one of object_name and coordinates may be specified.": [
        lambda _: utils.parse_input_location(coordinates=PLACE, object_name="M101"),
        lambda _: Observations.query_criteria(coordinates=PLACE, object_name="M101", obs_id="x"),
        lambda _: Catalogs.query_criteria(catalog="Tic", coordinates=PLACE, object_name="M101", Bmag=[1, 2]),
    ],
    "One of object_name and coordinates must be specified.": [lambda _: utils.parse_input_location()],
    "Resolver is only used when resolving object names and will be ignored": [
        lambda _: utils.parse_input_location(coordinates=PLACE, resolver="NED"),
        lambda _: Observations.query_criteria(coordinates=PLACE, obs_id="x", resolver="NED"),
    ],
    "Column '{}' not found in product table.": [lambda _: Observations.filter_products(products(), nosuch=1)],
    "Could not parse numeric filter '{}' for column '{}'": [
        lambda _: Observations.filter_products(products(), size="invalid")
    ],
}
ONE_ERROR = "Whatever is asked for, the archive's failures have the same words"
UNSAID = {
    "Please install the `boto3` and `botocore` packages": "Cloud access requires no further package",
    "Cloud data access is not enabled.": "Addresses and the list of datasets are available without enabling it",
    "Falling back to MAST download.": "enable_cloud_dataset() uses the cloud only if it has a copy",
    "Could not download {} from cloud": "The manifest lists failures of the cloud, with the server's message",
    "Found cached file {}": "A file of another size is downloaded again, and the message is about that download",
    "Failed to decode JSON response while": ONE_ERROR,
    "Failed to connect to the server while": ONE_ERROR,
    "An unexpected error occurred while": ONE_ERROR,
    "Expected key not found in response": ONE_ERROR,
    "Missing required key(s)": ONE_ERROR,
    "There was an error with your request.": "MAST's message, or a message that it gives no reason",
    "The server was unable to process the request due to invalid input.": "MAST's message",
    "values could not be coerced to": "An unreadable value is masked with a CorruptDataWarning, or an error",
    "Too many input targets provided.": "Targets are split over several requests",
    "Because of their large size, Astroquery should not": "The message about full-frame images has another text",
}

# Messages of another class.  In the first three situations, ``astroquery.mast`` warns and returns only a part; in the
# fourth it raises TypeError, and in the fifth no public method has the argument.
OTHERS = (
    "Too many dimensions in cutout size",
    "{} is continuous, and filters based on min and max values",
    "Only one wildcarded value may be used per filter",
    "Unsupported data type for `datasets`",
    "The product {} was not found in the cloud.",
)


def heard(call: Call, archive: Sandbox, log: pytest.LogCaptureFixture) -> list[tuple[str, type[Any]]]:
    """The exceptions, warnings and log messages of a call, and the class of each."""
    told: list[tuple[str, type[Any]]] = []
    with warnings.catch_warnings(record=True) as caught, log.at_level("WARNING", logger="astroquery"):
        warnings.simplefilter("always")
        try:
            call(archive)
        except Exception as err:  # noqa: BLE001 - whatever it is, its words count
            told.append((str(err), type(err)))
    warned = [(str(each.message), each.category) for each in caught]
    return [*told, *warned, *((record.getMessage(), logging.LogRecord) for record in log.records)]


CALLS = [pytest.param(words, call, id=f"{words}-{n}") for words, calls in SAID.items() for n, call in enumerate(calls)]


@pytest.mark.parametrize(("words", "call"), CALLS)
def test_a_situation_has_the_known_message(
    words: str,
    call: Call,
    mast_sandbox: Sandbox,
    caplog: pytest.LogCaptureFixture,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An exception, warning or log message has the words of ``astroquery.mast``, and its class matches."""
    monkeypatch.chdir(tmp_path)
    pattern = re.escape(words).replace(re.escape("{}"), ".*")
    with conf.set_temp("max_attempts", 1):
        told = heard(call, mast_sandbox, caplog)
    found = [kind for text, kind in told if re.search(pattern, text, re.DOTALL)]
    assert found, told
    expected = kinds(words)
    if expected and words in OTHERS:
        expected += (InvalidQueryError,)
    assert not expected or any(issubclass(kind, expected) for kind in found), (found, expected)


# -- all of them -------------------------------------------------------------------------------------------------------


def template(node: ast.AST, assigned: dict[str, list[str]]) -> list[str]:
    """The possible texts of an expression, with ``{}`` for the parts that are filled in; none if it is not text."""
    match node:
        case ast.Constant(value=str(text)):
            return [text]
        case ast.JoinedStr(values=parts):
            return ["".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in parts)]
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            pairs = itertools.product(template(left, assigned) or ["{}"], template(right, assigned) or ["{}"])
            return ["".join(pair) for pair in pairs]
        case ast.IfExp(body=body, orelse=orelse):
            return template(body, assigned) + template(orelse, assigned)
        case ast.Call(func=ast.Attribute(value=text, attr="format")):
            return template(text, assigned)
        case ast.Call(func=ast.Attribute(attr="get"), args=[_, default]):
            return template(default, assigned)
        case ast.Name(id=name):
            return assigned.get(name, [])
    return []


def messages(source: str) -> Iterator[tuple[str, str]]:
    """The texts that a module raises, warns or logs as warnings, each with the name of its class; "" for the log."""
    tree = ast.parse(source)
    assigned: dict[str, list[str]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign | ast.AugAssign):
            target = node.target if isinstance(node, ast.AugAssign) else node.targets[0]
            if isinstance(target, ast.Name):
                assigned.setdefault(target.id, []).extend(template(node.value, assigned))
    for node in ast.walk(tree):
        for message, kind in _message(node):
            yield from ((text, kind) for text in template(message, assigned))


def _message(node: ast.AST) -> Iterator[tuple[ast.AST, str]]:
    """The message of an exception or of a warning, and the name of its class."""
    match node:
        case ast.Raise(exc=ast.Call(func=ast.Name(id=kind), args=[first, *_])):
            yield first, kind
        case ast.Call(func=ast.Attribute(attr="warn"), args=[first, ast.Name(id=kind)]):
            yield first, kind
        case ast.Call(func=ast.Attribute(attr="warning"), args=[first, *_]):
            yield first, ""


@cache
def theirs() -> list[tuple[str, str]]:
    """All messages of the installed ``astroquery.mast``, and the names of their classes."""
    files = [file for file in resources.files("astroquery.mast").iterdir() if file.name.endswith(".py")]
    return [message for file in files for message in messages(file.read_text(encoding="utf-8"))]


def kinds(words: str) -> tuple[type[Any], ...]:
    """The classes of a message in the development version; none if it is logged, or the version is not installed."""
    if not IS_LATER:
        return ()
    names = {kind for text, kind in theirs() if kind and _fits(words, text)}
    homes = (astroquery.exceptions, astropy.utils.exceptions, builtins)
    return tuple(next(getattr(home, name) for home in homes if hasattr(home, name)) for name in names)


@pytest.mark.skipif(not IS_LATER, reason="the development version of astroquery is needed")
def test_all_messages_of_the_development_version_are_known() -> None:
    """Each of its messages is in one of the tables, and the tables contain no other messages."""
    texts = [text for text, _ in theirs()]
    known = [*SAID, *UNSAID]
    assert [
        text for text in texts if re.search("[a-z]{3}", text) and not any(_fits(words, text) for words in known)
    ] == []
    assert [words for words in known if not any(_fits(words, text) for text in texts)] == []


def _fits(words: str, text: str) -> bool:
    """Whether a text in the source matches a message, whatever is filled in."""
    return words in re.sub(r"\{\d*\}", "{}", text)

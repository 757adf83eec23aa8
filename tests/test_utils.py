"""The functions of ``astroquery_mast.utils``, with the names of the original, and the behavior of this package."""

from __future__ import annotations

import importlib
import inspect
import logging
from typing import Any

import numpy as np
import pytest
import responses
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.table import MaskedColumn, Table
from astropy.utils.exceptions import AstropyDeprecationWarning
from hypothesis import given
from hypothesis import strategies as st

from astroquery_mast import Mast, Observations, conf, utils
from astroquery_mast.exceptions import (
    InputWarning,
    InvalidQueryError,
    NoResultsWarning,
    QueryTimeoutError,
    ResolverError,
)
from astroquery_mast.sandbox import Sandbox

LOOKUP = "https://mast.stsci.edu/api/v0.1/path_lookup/"
NUMBERS = st.integers(-1000, 1000)


@pytest.fixture
def products() -> Table:
    """A few products, some with missing values."""
    size = MaskedColumn([10, 20, 30, 40], mask=[False, False, False, True])
    kinds = MaskedColumn(["SCIENCE", "PREVIEW", "AUXILIARY", "SCIENCE"], mask=[False, False, True, False])
    names = MaskedColumn(["a_flt.fits", "a.JPG", "b_drz.fits", "c.fits"], mask=[False, False, False, True])
    return Table({"size": size, "productType": kinds, "productFilename": names, "dataURI": ["u1", "u2", "u1", "u3"]})


# -- types -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["char", "String", "datetime", "double", "FLOAT", "int", "short", "long", "boolean"])
def test_types_are_those_of_the_original(name: str) -> None:
    """The word, the type and the default of a known type are those of the installed astroquery."""
    theirs = importlib.import_module("astroquery.mast.utils").parse_type(name)
    ours = utils.parse_type(name)
    assert ours[:2] == theirs[:2]
    assert ours[2] == theirs[2] or (np.isnan(ours[2]) and np.isnan(theirs[2]))


def test_types_that_the_original_does_not_support() -> None:
    """Other types of databases have a Python type, too, and unknown types are text (B16)."""
    assert utils.parse_type("bigint")[:2] == ("integer", np.int64)
    assert utils.parse_type("varchar(20)")[:2] == ("string", str)
    assert utils.parse_type("no such type") == ("string", str, "")


# -- names and positions ---------------------------------------------------------------------------------------------


def test_one_name_returns_a_position_and_a_list_a_dictionary(mast_sandbox: Sandbox) -> None:
    """The type of the result depends only on the type of the argument (B35)."""
    one, many = utils.resolve_object("M51"), utils.resolve_object(["M51"])
    assert isinstance(one, SkyCoord)
    assert list(many) == ["M51"]
    assert many["M51"].separation(one) < 1 * u.mas
    assert set(utils.resolve_object(["M51", "M101"], batch_size=1)) == {"M51", "M101"}
    assert len(mast_sandbox.requests.of("resolver")) == 4


def test_blanks_around_a_name_do_not_matter(mast_sandbox: Sandbox) -> None:
    """A name is resolved whatever its spaces (B35)."""
    assert utils.resolve_object(" M51 ").separation(utils.resolve_object("M51")) < 1 * u.mas


def test_every_resolver_can_be_queried(mast_sandbox: Sandbox) -> None:
    """With resolve_all, each name has the positions of all resolvers."""
    assert set(utils.resolve_object("M51", resolve_all=True)) <= {"NED", "SIMBAD", "SIMBADCFA"}
    assert set(utils.resolve_object(["M51", "M101"], resolve_all=True)) == {"M51", "M101"}


def test_names_are_resolved_by_the_session_of_the_client() -> None:
    """Names are resolved over https, by the session of Mast with its proxies and certificates (B36)."""
    Mast._session.headers["X-Mine"] = "yes"
    try:
        with responses.RequestsMock() as mock:
            found = {"resolvedCoordinate": [{"ra": 1.0, "decl": 2.0, "searchString": "x", "resolver": "NED"}]}
            mock.get("https://mastresolver.stsci.edu/Santa-war/query", json=found)
            assert utils.resolve_object("x").dec.deg == pytest.approx(2.0)
            assert mock.calls[0].request.headers["X-Mine"] == "yes"
    finally:
        del Mast._session.headers["X-Mine"]


def test_a_name_without_a_position_raises(mast_sandbox: Sandbox) -> None:
    """The error is astroquery's."""
    with pytest.raises(ResolverError, match=r"(?i)could not resolve"):
        utils.resolve_object("no such object anywhere")


def test_the_old_name_of_an_argument_is_accepted(mast_sandbox: Sandbox) -> None:
    """``objectname`` works, and is deprecated."""
    for call in (utils.resolve_object, utils.parse_input_location):
        with pytest.warns(AstropyDeprecationWarning, match="object_name"):
            assert isinstance(call(objectname="M51"), SkyCoord)


def test_a_location_is_a_position_or_a_name(mast_sandbox: Sandbox) -> None:
    """Positions, frames, text and names all become one position in ICRS."""
    galactic = SkyCoord(0, 90, unit="deg", frame="galactic")
    assert utils.parse_input_location(coordinates=galactic).frame.name == "icrs"
    assert utils.parse_input_location(coordinates="10 20").ra.deg == pytest.approx(10)
    by_name = utils.parse_input_location(object_name="M51", resolver="NED")
    assert by_name.separation(utils.parse_input_location(coordinates="M51")) < 2 * u.arcsec


@pytest.mark.parametrize("wrong", [{}, {"coordinates": "1 2", "object_name": "M51"}, {"coordinates": 42}], ids=str)
def test_no_location_or_two_raise(mast_sandbox: Sandbox, wrong: dict[str, Any]) -> None:
    """Without a position, or with two, an error is raised before anything is sent."""
    with pytest.raises(InvalidQueryError):
        utils.parse_input_location(**wrong)
    assert len(mast_sandbox.requests) == 0


def test_a_resolver_without_a_name_warns() -> None:
    """A warning says that the resolver has no effect."""
    with pytest.warns(InputWarning, match=r"^Resolver is only used"):
        utils.parse_input_location(coordinates="1 2", resolver="NED")


# -- lists and the cloud ---------------------------------------------------------------------------------------------


@given(st.lists(NUMBERS), st.integers(1, 20))
def test_chunks_of_a_list_are_the_list(items: list[int], size: int) -> None:
    """No item is lost or repeated, and only the last chunk is shorter."""
    parts = list(utils.split_list_into_chunks(items, size))
    assert [item for part in parts for item in part] == items
    assert all(len(part) == size for part in parts[:-1])
    assert all(parts)


def test_chunks_of_zero_items_raise() -> None:
    """Chunks of zero items would never end."""
    with pytest.raises(InvalidQueryError, match="chunk_size"):
        list(utils.split_list_into_chunks([1, 2], 0))


def test_cloud_paths_are_in_the_order_of_the_files(mast_sandbox: Sandbox) -> None:
    """Each dataURI has its path, including repeated ones, in requests of 40 files."""
    observations = Observations.query_criteria(proposal_id="10452", calib_level=3)
    uris = [str(uri) for uri in Observations.get_product_list(observations[:4])["dataURI"]][:60]
    mast_sandbox.requests.clear()
    paths = utils.get_cloud_paths([*uris, uris[0]], verbose=False)
    assert len(mast_sandbox.requests) == 2
    assert len(paths) == 61
    assert paths[0] == paths[-1] == utils.get_cloud_paths(uris[0])[0]
    assert all(path is None or path.endswith(uri.rpartition("/")[2]) for path, uri in zip(paths, uris, strict=False))


def test_a_file_that_is_missing_in_the_response_has_no_copy() -> None:
    """A dataURI that is missing in the response gives None with a warning, and no TypeError (B34)."""
    with responses.RequestsMock() as mock:
        mock.get(LOOKUP, json={"mast:A/a": {"path": "/a/a"}, "mast:B/b": {"path": None}})
        asked = ["mast:A/a", "mast:B/b", "mast:C/c"]
        with pytest.warns(NoResultsWarning, match="mast:C/c"), pytest.warns(NoResultsWarning, match="mast:B/b"):
            assert utils.get_cloud_paths(asked) == ["a/a", None, None]
        assert utils.get_cloud_paths(asked, verbose=False) == ["a/a", None, None]


def test_the_deprecated_name_of_cloud_paths() -> None:
    """``mast_relative_path`` does the same, and is deprecated."""
    with responses.RequestsMock() as mock:
        mock.get(LOOKUP, json={"mast:A/a": {"path": "/a/a"}})
        with pytest.warns(AstropyDeprecationWarning, match="get_cloud_paths"):
            assert utils.mast_relative_path("mast:A/a") == ["a/a"]


# -- products --------------------------------------------------------------------------------------------------------


def test_duplicate_products_are_removed(products: Table, caplog: pytest.LogCaptureFixture) -> None:
    """The first row of each file is kept, in order; lists of dataURIs are treated alike."""
    with caplog.at_level(logging.INFO, "astropy"):
        assert list(utils.remove_duplicate_products(products, "dataURI")["size"][:2]) == [10, 20]
        assert utils.remove_duplicate_products(["b", "a", "b"], "dataURI") == ["b", "a"]
    assert "1 of 4 products" in caplog.text
    assert "1 of 3 products" in caplog.text


def test_extensions_ignore_case_and_missing_names(products: Table) -> None:
    """A missing name has no extension."""
    assert utils.apply_extension_filter(products, "fits", "productFilename").tolist() == [True, False, True, False]
    assert utils.apply_extension_filter(products, ["jpg", "flt.FITS"], "productFilename").tolist() == [
        True,
        True,
        False,
        False,
    ]
    with pytest.raises(InvalidQueryError, match="nothing"):
        utils.apply_extension_filter(products, "fits", "nothing")


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"size": "<25"}, [1, 1, 0, 0]),
        ({"size": np.int64(10)}, [1, 0, 0, 0]),
        ({"size": (10, 30)}, [1, 0, 1, 0]),
        ({"size": "1e1..2e1"}, [1, 1, 0, 0]),
        ({"size": "!20"}, [1, 0, 1, 1]),
        ({"productType": "science"}, [1, 0, 0, 1]),
        ({"productType": []}, [0, 0, 0, 0]),
        ({"productType": ["!PREVIEW"], "size": ">=10"}, [1, 0, 1, 0]),
    ],
    ids=str,
)
def test_column_filters_are_those_of_products(products: Table, filters: dict[str, Any], expected: list[int]) -> None:
    """Odd values, missing cells and empty lists are treated as by filter_products (B18, B19)."""
    assert utils.apply_column_filters(products, filters).astype(int).tolist() == expected


@pytest.mark.parametrize("wrong", [{"size": None}, {"productType": None}, {"nothing": 1}, {"size": "large"}], ids=str)
def test_invalid_column_filters_raise(products: Table, wrong: dict[str, Any]) -> None:
    """A filter is applied or raises an error (B18)."""
    with pytest.raises(InvalidQueryError):
        utils.apply_column_filters(products, wrong)


@given(st.lists(NUMBERS, min_size=1), NUMBERS, NUMBERS)
def test_numeric_filters_match_the_right_numbers(values: list[int], low: int, high: int) -> None:
    """Ranges, comparisons and negations agree with the comparison of each number."""
    column = np.array(values)
    low, high = min(low, high), max(low, high)
    inside = utils.parse_numeric_product_filter(f"{low}..{high}")(column)
    assert inside.tolist() == [low <= value <= high for value in values]
    assert utils.parse_numeric_product_filter(f">={low}")(column).tolist() == [value >= low for value in values]
    assert utils.parse_numeric_product_filter([low, high])(column).tolist() == [
        value in (low, high) for value in values
    ]
    assert utils.parse_numeric_product_filter(f"!{low}")(column).tolist() == [value != low for value in values]


def test_numeric_filters_exclude_missing_values(products: Table) -> None:
    """A masked cell never matches a positive condition (B19)."""
    assert utils.parse_numeric_product_filter("<1000")(products["size"]).tolist() == [True, True, True, False]


@pytest.mark.parametrize("wrong", ["large", "1..2..3", None, float("nan"), [None]], ids=str)
def test_invalid_numeric_filters_raise(wrong: Any) -> None:
    """An invalid filter raises an error at once."""
    with pytest.raises(InvalidQueryError):
        utils.parse_numeric_product_filter(wrong)


def test_numeric_filters_are_for_numbers(products: Table) -> None:
    """Text is not compared with a number."""
    with pytest.raises(InvalidQueryError, match="requires a numeric column"):
        utils.parse_numeric_product_filter(1)(products["productType"])


def test_the_list_of_functions_is_complete() -> None:
    """Every public function of the module is in __all__, in order."""
    own = [
        name for name, value in vars(utils).items() if inspect.isfunction(value) and value.__module__ == utils.__name__
    ]
    assert utils.__all__ == sorted(name for name in own if not name.startswith("_"))


def test_the_configured_timeout_applies() -> None:
    """The timeout in conf applies to these functions, too."""
    with conf.set_temp("timeout", 1e-9), pytest.raises(QueryTimeoutError, match=r"^Timeout limit of 1e-09 s exceeded"):
        utils.resolve_object(["M51"])

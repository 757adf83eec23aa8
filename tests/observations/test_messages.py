"""Messages for common mistakes: what is wrong, and what to write instead."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import AltAz, SkyCoord
from astropy.table import Table
from astropy.utils.exceptions import AstropyDeprecationWarning

from astroquery_mast import Catalogs, MastMissions, Observations, ObservationsClass, Tesscut, Zcut, conf
from astroquery_mast.exceptions import (
    BadRequestError,
    InputWarning,
    InvalidArgumentError,
    InvalidQueryError,
    NetworkError,
    NoResultsWarning,
    ResolverError,
    ServerError,
)
from astroquery_mast.products.listing import ARGUMENTS
from astroquery_mast.sandbox import Sandbox

HST: dict[str, Any] = {"obs_collection": "HST"}
TESS_FIELD, GOODS_NORTH = "107.18696 -70.50919", "189.49206 62.20615"
SKY = SkyCoord(1, 2, unit="deg")

REFUSED: list[tuple[str, Callable[[], object], type[Exception], str]] = [
    ("raduis", lambda: Observations.query_criteria(**HST, raduis=0.1), InvalidQueryError, "Did you mean 'radius'?"),
    ("page_size", lambda: Observations.query_criteria(**HST, page_size=5), InvalidQueryError, "mean 'pagesize' or"),
    ("objct_name", lambda: Observations.query_criteria(**HST, objct_name="M51"), InvalidQueryError, "'object_name'?"),
    ("sortby", lambda: Observations.query_criteria(**HST, sortby="t_min"), InvalidQueryError, "'sort_by'"),
    (
        "band",
        lambda: Observations.query_criteria(**HST, band="V"),
        InvalidQueryError,
        "'filters' or 'wavelength_region'",
    ),
    (
        "limit of a stream",
        lambda: Observations.query_criteria_iter(**HST, limit=5),
        InvalidQueryError,
        "It is an argument of query_criteria, not of this method",
    ),
    (
        "object_name only",
        lambda: Observations.query_criteria(object_name="M51"),
        InvalidQueryError,
        "At least one non-positional criterion must be supplied",
    ),
    (
        "coordinates only",
        lambda: Observations.query_criteria(coordinates="1 2"),
        InvalidQueryError,
        "Add a criterion, such as obs_collection='HST', or use",
    ),
    ("nothing", Observations.query_criteria, InvalidQueryError, r"such as obs_collection='HST'\.$"),
    (
        "two positions",
        lambda: Observations.query_criteria(coordinates="1 2", object_name="M51"),
        InvalidQueryError,
        "Only one of object_name and coordinates",
    ),
    (
        "two numbers",
        lambda: Observations.query_region(202.4, 47.2),  # type: ignore[misc]
        TypeError,
        r"given\. Write query_region\(SkyCoord\(202\.4, 47\.2, unit='deg'\)\)",
    ),
    (
        "radius without its name",
        lambda: Observations.query_object("M51", 0.1),  # type: ignore[misc]
        TypeError,
        r"given\. Write query_object\('M51', radius=0\.1\)",
    ),
    (
        "criteria of a region",
        lambda: Observations.query_region("1 2", **HST),  # type: ignore[arg-type]
        TypeError,
        r"unexpected keyword argument 'obs_collection'\. query_criteria accepts criteria",
    ),
    (
        "argument of an object",
        lambda: Observations.query_object("M51", radios=1),  # type: ignore[call-arg]
        TypeError,
        r"'radios'\. Did you mean 'radius'",
    ),
    ("no position", Observations.query_object, TypeError, "object_name"),
    ("minutes", lambda: Observations.query_region("13h29m 47d99m"), InvalidArgumentError, "'minute' was found"),
    ("colons", lambda: Observations.query_region("13:29:52 +47:99:00"), InvalidArgumentError, "'minute' was found"),
    ("six numbers", lambda: Observations.query_region("13 29 52 47 99 0"), InvalidArgumentError, "'minute' was found"),
    ("declination", lambda: Observations.query_region("13:29:52 +95:09:00"), InvalidArgumentError, "got 95.15 deg"),
    ("arcminutes", lambda: Observations.query_region("1 2", radius="6 arcminutes"), InvalidArgumentError, "'6 arcmin'"),
    (
        "wide",
        lambda: Observations.query_region("1 2", radius="wide"),
        InvalidArgumentError,
        "Write '6 arcmin', for example",
    ),
    ("soon", lambda: Observations.query_region("1 2", timeout="soon"), InvalidArgumentError, "such as '1 min'"),  # type: ignore[arg-type]
    (
        "position as name",
        lambda: Observations.query_object(SKY),
        InvalidArgumentError,
        "Pass it as coordinates, or use query_region",
    ),  # type: ignore[arg-type]
    (
        "catalog: position as name",
        lambda: Catalogs.query_object(SKY),
        InvalidArgumentError,
        "Pass it as coordinates, or use query_region",
    ),
    ("number as name", lambda: Observations.query_object(261136679), InvalidArgumentError, "'TIC 261136679'"),  # type: ignore[arg-type]
    ("digits as name", lambda: Observations.resolve_object("261136679"), ResolverError, "'TIC 261136679'"),
    ("no products", lambda: Observations.get_product_list(None), InvalidArgumentError, "None is not valid here"),
    ("no downloads", lambda: Observations.download_products(None), InvalidArgumentError, "None is not valid here"),
    (
        "table",
        lambda: Observations.query_region(Table({"a": [1.0]})),
        InvalidArgumentError,
        "Rename two of them to 'ra' and 'dec', or pass a SkyCoord.",
    ),
    (
        "horizon",
        lambda: Observations.query_region(SkyCoord(AltAz(az=1 * u.deg, alt=2 * u.deg))),
        InvalidArgumentError,
        "the frame may lack an obstime, location or distance",
    ),
    (
        "vertices",
        lambda: Observations.query_region(region=[214.7, 52.7, 215.0, 52.7, 215.0, 52.9]),
        InvalidArgumentError,
        r"vertices as SkyCoord\(ra, dec, unit='deg'\) or as pairs of degrees",
    ),
    (
        "density",
        lambda: Catalogs.query_criteria("TIC", rho=[None, 1 * u.g / u.cm**3]),
        InvalidArgumentError,
        "'rho' has no unit, and 1.0 g / cm3 cannot be converted to it",
    ),
    (
        "sortby of Pan-STARRS",
        lambda: Catalogs.query_criteria("Panstarrs", coordinates="1 2", nDetections=(1, 2), sortby="ra"),
        InvalidQueryError,
        "Did you mean 'sort_by'",
    ),
    (
        "release of Gaia",
        lambda: Catalogs.query_object("M51", catalog="Gaia", data_release=2),
        InvalidArgumentError,
        "Valid: version=",
    ),
    (
        "size of a cutout",
        lambda: Tesscut.get_cutouts(coordinates=TESS_FIELD, size=500),
        BadRequestError,
        r"\): A cutout",
    ),
]


@pytest.mark.parametrize(("call", "error", "words"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_common_mistakes_raise_errors_with_advice(
    mast_sandbox: Sandbox, call: Callable[[], object], error: type[Exception], words: str
) -> None:
    """The error says what to write instead, and no query is sent."""
    with pytest.raises(error, match=words):
        call()
    assert mast_sandbox.requests.of("invoke") == []


def test_a_misspelled_argument_of_a_catalog_query_is_named(mast_sandbox: Sandbox) -> None:
    """A misspelled argument of a catalog query raises an error that suggests the right one."""
    with pytest.raises(InvalidQueryError, match=r"Filter 'raduis' does not exist\. Did you mean 'radius'"):
        Catalogs.query_criteria("TIC", Tmag=[1, 2], raduis=1)


NOTHING: list[tuple[dict[str, Any], str]] = [
    ({"calib_level": 0}, "Raw files are products of the observations"),
    ({"target_name": "TIC 261136679"}, "target_name='261136679', or object_name='TIC 261136679'"),
    ({"target_name": "0261136679"}, "target_name='261136679'"),
    ({"proposal_id": "GO-10452"}, "a number such as '10452'"),
]


@pytest.mark.parametrize(("criteria", "words"), NOTHING, ids=str)
def test_an_empty_result_suggests_other_criteria(mast_sandbox: Sandbox, criteria: dict[str, Any], words: str) -> None:
    """A valid criterion that matches nothing issues a warning with a suggestion."""
    with pytest.warns(NoResultsWarning, match=words):
        assert len(Observations.query_criteria(**criteria)) == 0


@pytest.mark.parametrize("given", [[2022, 2023], np.array([2022.5, 2023.5])], ids=str)
def test_years_given_as_mjd_issue_a_warning(given: Any) -> None:
    """Years given as MJD issue a warning that shows how to write a date."""
    with pytest.warns(InputWarning, match=r"t_min=202\d.*For the year, use '202\d-01-01'"):
        Observations.query_criteria(t_min=given, get_query_payload=True)


def test_a_timeout_may_be_text_with_a_unit(mast_sandbox: Sandbox) -> None:
    """``timeout`` takes text with a unit, like ``radius``."""
    assert len(Observations.query_region("202.47 47.2", radius=0.01, timeout="1 min")) > 0  # type: ignore[arg-type]


# -- products ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def observations(mast_sandbox: Sandbox) -> Table:
    """Return two observations."""
    return Observations.query_criteria(proposal_id=10452, calib_level=3)[:2]


def test_filtering_observations_as_products_is_refused(observations: Table) -> None:
    """Filtering observations by a product column raises an error that mentions `get_product_list`."""
    with pytest.raises(InvalidQueryError, match=r"table of observations\. Call get_product_list\(observations\) first"):
        Observations.filter_products(observations, productType="SCIENCE")
    assert len(Observations.filter_products(observations, obs_collection="HST")) == 2


def test_a_misspelled_argument_of_a_download_is_named(
    observations: Table, mast_sandbox: Sandbox, tmp_path: Path
) -> None:
    """A misspelled argument of a download raises an error with a suggestion, and nothing is downloaded."""
    with pytest.raises(InvalidQueryError, match="Did you mean 'download_dir'"):
        Observations.download_products(observations, download_directory=str(tmp_path))
    datasets = MastMissions.query_criteria(sci_pep_id=10452)[:1]
    with pytest.raises(InvalidQueryError, match="Did you mean 'download_dir'"):
        MastMissions.download_products(datasets, download_directory=str(tmp_path))
    assert mast_sandbox.requests.of("download") == []


def test_suggested_arguments_agree_with_the_signatures() -> None:
    """The list of suggested arguments agrees with the signatures of the methods."""
    there_are: set[str] = set()
    for cls in (ObservationsClass, type(MastMissions)):
        for method in (cls.download_products, cls.filter_products):
            there_are |= set(inspect.signature(method).parameters) - {"self", "products", "filters", "kwargs"}
    assert set(ARGUMENTS) == there_are


@pytest.mark.parametrize(
    ("filters", "words"),
    [
        (
            {"productType": "image"},
            r"None of the \d+ products matches the filters\. The values of productType are 'AUXILIARY', 'INFO', ",
        ),
        ({"productSubGroupDescription": "FLC, DRC"}, "Use a list for several values"),
        ({"size": ">1e15"}, "size ranges from"),
        ({"extension": "xyz"}, "extension alone matches no products"),
        (
            {"productType": "PREVIEW", "extension": "fits"},
            r"Individually, .*productType matches \d+",
        ),
    ],
    ids=str,
)
def test_a_filter_without_matches_lists_the_values(observations: Table, filters: dict[str, Any], words: str) -> None:
    """A filter without matches issues a warning with the values of the column, also in a download."""
    products = Observations.get_product_list(observations, verbose=False)
    with pytest.warns(NoResultsWarning, match=words):
        assert len(Observations.filter_products(products, **filters)) == 0
    with pytest.warns(NoResultsWarning, match=rf"^No products to download\. .*{words}"):
        assert Observations.download_products(products, **filters) is None


def test_planned_observations_have_no_files_yet(mast_sandbox: Sandbox) -> None:
    """The warning says that planned observations have no files yet."""
    planned = Observations.query_criteria(calib_level=-1)
    with pytest.warns(
        NoResultsWarning, match=r"The observation is planned \(calib_level -1\)\. There are no files yet"
    ):
        Observations.get_product_list(planned[0])
    with pytest.warns(NoResultsWarning, match=r"download\. 3 of 3 observations are planned"):
        Observations.download_products(planned[:3], verbose=False)


# -- cutouts -----------------------------------------------------------------------------------------------------------


def test_a_sector_without_data_is_named_in_the_warning(mast_sandbox: Sandbox, tmp_path: Path) -> None:
    """The warning says that a sector has no data at the position, in memory and on disk."""
    words = "sector=999 has no data at this position"
    with pytest.warns(NoResultsWarning, match=words):
        Tesscut.get_cutouts(coordinates=TESS_FIELD, sector=999)
    with pytest.warns(NoResultsWarning, match=words):
        Tesscut.download_cutouts(coordinates=TESS_FIELD, sector=999, path=tmp_path)


@pytest.mark.parametrize(
    "former", [{"objectname": "TIC 261136679"}, {"object_name": "M51", "product": "SPOC"}], ids=str
)
def test_deprecation_warnings_of_tesscut_point_to_the_caller(mast_sandbox: Sandbox, former: dict[str, str]) -> None:
    """The deprecation warning points to the user's file."""
    with pytest.warns(AstropyDeprecationWarning) as caught:
        Tesscut.get_sectors(**former)  # type: ignore[arg-type]
    deprecated = [each for each in caught if each.category is AstropyDeprecationWarning]
    assert [each.filename for each in deprecated] == [__file__]


def test_a_survey_without_data_is_named_in_the_warning(mast_sandbox: Sandbox) -> None:
    """The warning names a survey or sector without data, unless no survey covers the position."""
    with pytest.warns(NoResultsWarning, match="survey='candels' has no data at this position"):
        Zcut.get_cutouts(GOODS_NORTH, survey="candels")
    with pytest.warns(NoResultsWarning, match="sector=999 has no data at this position"):
        Tesscut.get_cutouts(object_name="Eleonora", moving_target=True, sector=999)
    with pytest.warns(NoResultsWarning, match="No survey covers the requested position.$"):
        Zcut.get_cutouts("1 80", survey="candels")


# -- unreachable servers -----------------------------------------------------------------------------------------------


def test_a_connection_failure_is_reported_once(caplog: pytest.LogCaptureFixture) -> None:
    """A connection failure raises one error with the host and the reason, without a log line per attempt."""
    with Sandbox() as archive:
        address = archive.url
    with (
        caplog.at_level(logging.INFO, logger="astroquery"),
        conf.set_temp("server", address),
        pytest.raises(ServerError) as caught,
    ):
        ObservationsClass().query_criteria(**HST)
    said = str(caught.value)
    assert said.startswith(
        f"Mast.Caom.Filtered at {address.partition('//')[2]} could not be reached: Connection refused."
    )
    assert "HTTPConnection" not in said
    assert "Tried 4 times" in said
    assert "could not be reached" not in caplog.text


def test_an_address_without_https_is_refused() -> None:
    """A server address without a scheme raises an error that says so."""
    with conf.set_temp("server", "mast.stsci.edu"), pytest.raises(NetworkError, match="No scheme supplied"):
        ObservationsClass().query_criteria(**HST)


def test_program_ids_may_have_leading_zeros(mast_sandbox: Sandbox) -> None:
    """Program IDs may have leading zeros."""
    counts = [Observations.query_criteria_count(obs_collection="JWST", proposal_id=text) for text in ("01039", "1039")]
    assert counts == [12, 12]

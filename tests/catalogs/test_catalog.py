"""The services and parameters of each catalog, by its name."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from astroquery.exceptions import InputWarning, InvalidQueryError

from astroquery_mast.query.known_catalogs import CATALOGS, HSC_MATCHES, Catalog, find_catalog


@pytest.mark.parametrize(
    ("name", "version", "service"),
    [
        ("Hsc", None, "Mast.Hsc.Db.v3"),
        ("HSC", 2, "Mast.Hsc.Db.v2"),
        ("galex", None, "Mast.Galex.Catalog"),
        ("Gaia", None, "Mast.Catalogs.GaiaDR3.Cone"),
        ("GAIA", 1, "Mast.Catalogs.GaiaDR1.Cone"),
        ("gaia", 2, "Mast.Catalogs.GaiaDR2.Cone"),
        ("GaiaDR2", None, "Mast.Catalogs.GaiaDR2.Cone"),
        ("TIC", None, "Mast.Catalogs.Tic.Cone"),
        ("Tic", None, "Mast.Catalogs.Tic.Cone"),
        (" ctl ", None, "Mast.Catalogs.Ctl.Cone"),
        ("diskdetective", None, "Mast.Catalogs.DiskDetective.Cone"),
        ("plato", 1, "Mast.Catalogs.Plato.Cone"),
        ("Sample", None, "Mast.Catalogs.Sample.Cone"),
        ("Mast.Galex.Catalog", None, "Mast.Galex.Catalog"),
        ("mast.hsc.db.V2", None, "Mast.Hsc.Db.v2"),
        ("Mast.Some.Other", None, "Mast.Some.Other"),
    ],
)
def test_the_service_of_a_name(name: str, version: int | None, service: str) -> None:
    """Names of known catalogs are case-insensitive; other names are put into the pattern for cone services."""
    assert find_catalog(name).cone(version) == service


def test_a_full_service_name_has_the_parameters_of_its_catalog() -> None:
    """The name of a service is equivalent to the name of its catalog."""
    assert find_catalog("Mast.Hsc.Db.v2").parameters({"magtype": 2}) == {"nr": 50000, "ni": 1, "magtype": 2}
    assert find_catalog("Mast.Galex.Catalog").limit == "maxrecords"


@pytest.mark.parametrize("name", ["", " ", "a b", None, 3, "x/y", ["TIC"]], ids=repr)
def test_an_invalid_name_raises_with_the_valid_ones(name: Any) -> None:
    """Anything but a name raises an error that lists the catalogs."""
    with pytest.raises(InvalidQueryError, match=r"such as HSC, .*Pan-STARRS"):
        find_catalog(name)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("hsc", "Invalid HSC version number 9: valid versions are 2, 3"),
        ("gaia", "Invalid Gaia version"),
        ("plato", "only"),
    ],
)
def test_an_unknown_version_is_the_latest_with_a_warning(name: str, text: str) -> None:
    """An unknown version is replaced by the latest, with a warning."""
    catalog = CATALOGS[name]
    with pytest.warns(InputWarning, match=text):
        assert catalog.cone(9) == catalog.cone()


def test_a_version_of_an_unversioned_catalog_is_ignored_with_a_warning() -> None:
    """A version of a catalog without versions is ignored with a warning."""
    with pytest.warns(InputWarning, match="is ignored: TIC has no versions"):
        assert find_catalog("tic").cone(8) == "Mast.Catalogs.Tic.Cone"
    with pytest.warns(InputWarning, match=r"version=1 is ignored: .*\. data_release is 'dr1' or 'dr2'\."):
        assert CATALOGS["panstarrs"].versioned({0: "x"}, 1) == "x"
    with pytest.warns(InputWarning, match="HSC version"):
        assert CATALOGS["hsc"].versioned(HSC_MATCHES, 5) == "Mast.HscMatches.Db.v3"


@pytest.mark.parametrize(
    ("name", "given", "expected"),
    [
        ("hsc", {}, {"nr": 50000, "ni": 1, "magtype": 1}),
        ("hsc", {"NR": np.int64(5), "ni": 0}, {"nr": 5, "ni": 0, "magtype": 1}),
        ("galex", {"maxrecords": 7}, {"maxrecords": 7}),
        ("tic", {}, {}),
    ],
)
def test_parameters_of_a_catalog_have_defaults(name: str, given: dict[str, Any], expected: dict[str, int]) -> None:
    """The defaults of parameters are those of astroquery."""
    assert CATALOGS[name].parameters(given) == expected


@pytest.mark.parametrize(
    ("name", "given", "text"),
    [
        ("hsc", {"magtyp": 1}, "Filter 'magtyp' does not exist for catalog HSC. Did you mean 'magtype'"),
        ("hsc", {"invalid": 2}, "Filter 'invalid' does not exist for catalog HSC. Available: nr, ni, magtype"),
        ("gaia", {"nr": 2}, "has no parameters"),
        ("gaia", {"data_release": 2}, "Valid: version=1 or 2 or 3"),
        ("hsc", {"data_release": 3}, "Valid: version=2 or 3"),
        ("gaiadr2", {"data_release": 2}, "has no parameters"),
        ("tic", {"Tmag": [1, 2]}, "query_criteria"),
        ("hsc", {"magtype": 3}, "from 1 to 2"),
        ("hsc", {"nr": 0}, "must be an integer >= 1, got"),
        ("hsc", {"nr": True}, "nr must be an integer >= 1, got True"),
        ("galex", {"maxrecords": "many"}, "maxrecords must be an integer >= 1, got 'many'"),
    ],
)
def test_an_invalid_parameter_raises(name: str, given: dict[str, Any], text: str) -> None:
    """An invalid parameter raises an error that suggests a valid one."""
    with pytest.raises(InvalidQueryError, match=text):
        CATALOGS[name].parameters(given)


@pytest.mark.parametrize(
    ("name", "positional", "count", "service"),
    [
        ("tic", False, False, "Mast.Catalogs.Filtered.Tic.Rows"),
        ("tic", True, False, "Mast.Catalogs.Filtered.Tic.Position.Rows"),
        ("ctl", False, True, "Mast.Catalogs.Filtered.Ctl"),
        ("ctl", True, True, "Mast.Catalogs.Filtered.Ctl.Position"),
        ("diskdetective", False, False, "Mast.Catalogs.Filtered.DiskDetective"),
        ("diskdetective", True, True, "Mast.Catalogs.Filtered.DiskDetective.Position.Count"),
    ],
)
def test_criteria_have_services_of_their_own(name: str, positional: bool, count: bool, service: str) -> None:
    """Rows come from the fast services, and counts from those that can count."""
    assert CATALOGS[name].filtered_service(positional=positional, count=count) == service


def test_a_catalog_without_criteria_suggests_others() -> None:
    """The error lists catalogs that take criteria, including those of TAP."""
    with pytest.raises(InvalidQueryError, match=r"DiskDetective, Pan-STARRS, HSC, Gaia, and .* \(collection=\)"):
        find_catalog("Galex").filtered_service(positional=False)
    with pytest.raises(InvalidQueryError, match="Criteria query not available for SampleFail"):
        find_catalog("SampleFail").filtered_service(positional=False)
    with pytest.raises(InvalidQueryError, match=r"Count not available for Pan-STARRS.*and for all TAP catalogs"):
        find_catalog("Pan-STARRS").filtered_service(positional=False, count=True)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ((None, None), ("dr2", "mean")),
        (("DR1", None), ("dr1", "mean")),
        ((None, " Detection"), ("dr2", "detection")),
        (("dr2", "forced_mean"), ("dr2", "forced_mean")),
    ],
)
def test_tables_of_pan_starrs(given: tuple[str | None, str | None], expected: tuple[str, str]) -> None:
    """The latest release and its first table are the defaults; names are case-insensitive."""
    assert CATALOGS["panstarrs"].table(*given) == expected


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (("dr3", None), "data_release='dr3' is not valid for Pan-STARRS. Valid: dr1, dr2"),
        ((None, "means"), "mean, stack"),
        (("dr1", "detection"), "table='detection' is not a table of Pan-STARRS dr1. Valid: mean,"),
    ],
)
def test_unknown_tables_raise(given: tuple[str | None, str | None], text: str) -> None:
    """An unknown release or table raises an error that lists the valid ones."""
    with pytest.raises(InvalidQueryError, match=text):
        CATALOGS["panstarrs"].table(*given)


@pytest.mark.parametrize("catalog", CATALOGS.values(), ids=lambda catalog: catalog.name)
def test_every_description_is_complete(catalog: Catalog) -> None:
    """Every catalog can be searched around a position, and its row limit is one of its parameters."""
    assert bool(catalog.cones) != bool(catalog.path)
    assert not catalog.limit or catalog.limit in catalog.options
    assert bool(catalog.filtered) == bool(catalog.columns_id)
    assert all(catalog.separation)

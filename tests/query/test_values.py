"""Numbers of continuous columns, from all types that astronomers use."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from astropy import units as u
from astropy.time import Time
from astropy.utils.masked import Masked
from hypothesis import given
from hypothesis import strategies as st

from astroquery_mast.exceptions import InvalidCriterionError
from astroquery_mast.query.values import as_number
from astroquery_mast.tables.columns import Column

TIME = Column("t_min", type_name="double", unit="MJD", continuous=True, is_time=True)
SECONDS = Column("t_exptime", type_name="double", unit="sec", continuous=True)
BARE = Column("srcDen", type_name="float", continuous=True)


@given(number=st.floats(allow_nan=False) | st.integers(-(2**1000), 2**1000))
def test_numbers_are_not_changed(number: float) -> None:
    """A number or its text is not changed, whatever its size."""
    assert as_number("x", number, BARE) == float(number)
    assert as_number("x", repr(number), BARE) == float(number)


@pytest.mark.parametrize(
    "number", [Decimal("0.5"), Fraction(1, 2), np.float16(0.5), np.longdouble(0.5), "0.5", " 5e-1 ", b"0.5"]
)
def test_other_types_of_numbers_are_converted(number: Any) -> None:
    """Decimals, fractions, numpy numbers and numeric text are converted."""
    assert as_number("x", number, BARE) == 0.5


@given(mjd=st.floats(41_317, 60_000))
def test_times_are_the_same_in_every_form(mjd: float) -> None:
    """A Time, a datetime, a numpy datetime and text are the same Modified Julian Date, to a microsecond."""
    moment = Time(mjd, format="mjd", scale="utc")
    forms = (moment, moment.tai, moment.datetime, moment.datetime64, moment.isot, moment.iso, mjd)
    for form in forms:
        # ISO text has milliseconds.
        assert as_number("t_min", form, TIME) == pytest.approx(mjd, abs=1.2e-8)


def test_days_begin_at_midnight_utc() -> None:
    """A date is midnight in UTC, and time zones are respected."""
    assert as_number("t_min", date(2020, 1, 1), TIME) == 58849
    east = timezone(timedelta(hours=6))
    assert as_number("t_min", datetime(2020, 1, 1, 6, tzinfo=east), TIME) == 58849
    assert as_number("t_min", datetime(2020, 1, 1, tzinfo=UTC), TIME) == 58849


@pytest.mark.parametrize(
    ("column", "quantity", "number"),
    [
        (SECONDS, 2 * u.min, 120),
        (SECONDS, np.float32(2) * u.min, 120),
        (TIME, 58849 * u.day, 58849),
        (BARE, 2 * u.dimensionless_unscaled, 2),
        (BARE, 50 * u.percent, 0.5),
    ],
)
def test_quantities_are_converted_to_the_unit_of_the_column(
    column: Column, quantity: u.Quantity, number: float
) -> None:
    """A quantity is converted to the unit of the column, or to a dimensionless number if the column has no unit."""
    assert as_number("x", quantity, column) == number


@pytest.mark.parametrize(
    ("column", "value"),
    [
        (SECONDS, 2 * u.dimensionless_unscaled),
        (SECONDS, 2 * u.m),
        (BARE, 2 * u.s),
        (SECONDS, [1, 2] * u.s),
        (SECONDS, Masked(2 * u.s, mask=True)),
        (SECONDS, Time(59000, format="mjd")),
        (TIME, Time([59000.0, 59001.0], format="mjd")),
        (TIME, Time(np.ma.masked_array(59000.0, mask=True), format="mjd")),
        (TIME, "soon"),
        (BARE, ""),
        (BARE, "1,5"),
        (BARE, None),
        (BARE, []),
        (BARE, {}),
        (BARE, np.ma.masked),
        (BARE, True),
        (BARE, np.bool_(False)),
        (BARE, np.complex64(1)),
        (BARE, 1j),
        (BARE, np.timedelta64(1, "ns")),
        (BARE, 10**400),
        (BARE, math.nan),
        (BARE, "nan"),
        (SECONDS, math.nan * u.s),
    ],
    ids=repr,
)
def test_values_that_are_not_numbers_raise(column: Column, value: Any) -> None:
    """A value that is not a number of the column raises an error with the name of the criterion."""
    with pytest.raises(InvalidCriterionError, match="'depth'"):
        as_number("depth", value, column)


@given(text=st.text(max_size=12))
def test_any_text_is_a_number_or_the_documented_error(text: str) -> None:
    """Any text is a number or date, or raises the documented error."""
    try:
        assert not math.isnan(as_number("t_min", text, TIME))
    except InvalidCriterionError as err:
        assert "'t_min'" in str(err)

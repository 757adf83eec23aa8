"""`ObservationsClass.help` and the criteria namespace: descriptions of criteria, and their values for completion."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import pytest
from astropy import units as u
from astropy.time import Time
from hypothesis import given
from hypothesis import strategies as st

from astroquery_mast import JwstFiles, MastMissions, Observations, ObservationsClass
from astroquery_mast.exceptions import InvalidArgumentError, InvalidCriterionError, ServerError
from astroquery_mast.query.criterion import CriteriaNamespace, Criterion
from astroquery_mast.sandbox import Fault, Sandbox

# Some forms need the values that MAST lists, so the package requests them.
NAMES = list(Observations.criteria)


@pytest.mark.parametrize("name", NAMES)
def test_every_form_that_help_shows_is_accepted(mast_sandbox: Sandbox, name: str) -> None:
    """`query_criteria` accepts every form of a criterion that help shows."""
    for _, code in Observations.help(name).forms:
        call = f"Observations.query_criteria({code}, coordinates='202.47 47.2', get_query_payload=True)"
        payload = eval(call, {"Observations": Observations, "u": u, "Time": Time})
        assert [each["paramName"] for each in payload["params"]["filters"]] == [name]


@pytest.mark.parametrize("name", NAMES)
def test_a_form_with_several_values_does_not_repeat_one(name: str) -> None:
    """A list in a form has different values."""
    for _, code in Observations.help(name).forms:
        values = eval(code.partition("=")[2], {"u": u, "Time": Time})
        assert not isinstance(values, list) or len({str(value) for value in values}) == len(values)


def test_the_example_in_help_works(mast_sandbox: Sandbox) -> None:
    """The example in help is a working call."""
    payload = eval(Observations.help("filters").example.replace(")", ", get_query_payload=True)"))
    assert payload["params"]["filters"][0]["values"] == ["F814W"]


def test_help_sends_no_request(mast_sandbox: Sandbox) -> None:
    """Help shows what the package knows without sending a request."""
    repr(Observations.help()), repr(Observations.help("filters"))
    assert not mast_sandbox.requests


def test_help_requests_values_only_with_values_true(mast_sandbox: Sandbox) -> None:
    """With ``values=True``, help requests the values that MAST lists, and they are known from then on."""
    assert "GPC1" not in Observations.help("instrument_name")
    asked = Observations.help("instrument_name", values=True)
    assert "GPC1" in asked
    assert mast_sandbox.url in asked.note
    assert len(mast_sandbox.requests) == 1
    assert "GPC1" in Observations.criteria.instrument_name
    assert len(mast_sandbox.requests) == 1


@pytest.mark.parametrize("ask", [lambda: Observations.list_values("dataproduct_type"), Observations.list_columns])
def test_values_listed_before_are_completed(mast_sandbox: Sandbox, ask: object) -> None:
    """Values returned by `list_values` or `list_columns` complete with Tab."""
    ask()  # type: ignore[operator]
    assert "GPC1" in dir(Observations.criteria.instrument_name)


def test_values_are_kept_per_server(mast_sandbox: Sandbox) -> None:
    """Values listed by one server are not offered for another server."""
    Observations.help("instrument_name", values=True)
    other = ObservationsClass(server="http://127.0.0.1:9")
    assert "GPC1" not in other.criteria.instrument_name


def test_a_failing_service_only_matters_with_values_true(mast_sandbox: Sandbox) -> None:
    """A failing service raises an error only with ``values=True``."""
    mast_sandbox.faults.add("invoke", Fault.status(503), times=None)
    with pytest.raises(ServerError):
        Observations.help("filters", values=True)
    assert "F814W" in Observations.help("filters")


def test_an_unknown_criterion_is_refused_with_a_suggestion(mast_sandbox: Sandbox) -> None:
    """An unknown criterion raises the same error as in a query, before any request is sent."""
    with pytest.raises(InvalidCriterionError, match="Did you mean 'filters'"):
        Observations.help("filtrs", values=True)
    with pytest.raises(InvalidCriterionError, match="argument of query_criteria"):
        Observations.help("radius")
    with pytest.raises(InvalidArgumentError, match="name of a criterion"):
        Observations.help(3)  # type: ignore[arg-type]
    assert not mast_sandbox.requests


def test_criteria_are_shown_in_groups() -> None:
    """Help lists each criterion once, in groups, with its unit and description."""
    text = repr(Observations.help())
    assert [text.count(f"\n  {name} ") for name in NAMES] == [1] * len(NAMES)
    assert "\nTime and exposure\n" in text
    assert "Right ascension of the center, ICRS (deg)" in text
    assert "Others" not in text


@pytest.mark.parametrize("columns", [40, 80, 160, 400])
def test_text_fits_into_the_terminal(monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    """Lines are not longer than a terminal of usual width."""
    monkeypatch.setenv("COLUMNS", str(columns))
    width = min(max(columns, 80), 120)
    for shown in (Observations.help(), *map(Observations.help, NAMES)):
        for line in repr(shown).splitlines():
            assert len(line) <= width or '="' in line or "=[" in line


def test_html_is_complete_and_escaped() -> None:
    """A notebook shows the same facts as a terminal, with text escaped."""
    html = Observations.help("filters")._repr_html_()
    assert "F814W" in html
    assert "filters=[&quot;F814W&quot;, &quot;F658N&quot;]" in html
    assert html.count("<table") == html.count("</table>") == 2
    assert all(f"<code>{name}</code>" in Observations.help()._repr_html_() for name in NAMES)


def test_known_values_are_plain_values() -> None:
    """A completed value is a plain string or number."""
    value = Observations.criteria.instrument_name.ACS_WFC
    assert type(value) is str
    assert value == "ACS/WFC" == Observations.criteria.instrument_name["acs/wfc"]
    assert Observations.criteria["FILTERS"]["F814W"] == "F814W"
    assert Observations.criteria.calib_level[-1] == -1


def test_an_unknown_value_is_refused_with_a_suggestion() -> None:
    """An unknown value in brackets raises an error that suggests known values."""
    with pytest.raises(InvalidArgumentError, match="Did you mean 'ACS/WFC'"):
        Observations.criteria.instrument_name["ACS/WFD"]
    with pytest.raises(InvalidArgumentError, match="known values"):
        Observations.criteria.calib_level[17]


def test_every_known_value_can_be_completed() -> None:
    """All known values complete as keys, and those that make valid identifiers also as attributes."""
    for name in NAMES:
        criterion = getattr(Observations.criteria, name)
        assert isinstance(criterion, Criterion)
        assert criterion._ipython_key_completions_() == list(criterion.values) == list(criterion)
        assert all(criterion[value] == value for value in criterion)
        for identifier in dir(criterion) if criterion.values and criterion.data_type == "text" else ():
            assert getattr(criterion, identifier) in criterion.values
    assert dir(Observations.criteria) == sorted(NAMES) == sorted(Observations.criteria._ipython_key_completions_())


def test_values_with_the_same_name_are_keys_only() -> None:
    """Values that would share an attribute name are available only as keys."""
    column = Observations.criteria._columns["filters"]
    made = Criterion(column, [], ["A-B", "A B", "class", "name", "1X", "F1"])
    assert dir(made) == ["F1", "class_"]
    assert made.name == "filters"
    assert list(made) == ["A-B", "A B", "class", "name", "1X", "F1"]


def test_the_class_has_the_attribute_for_documentation() -> None:
    """On the class, `criteria` is a descriptor with a docstring."""
    assert "for completion with Tab" in (ObservationsClass.criteria.__doc__ or "")
    assert isinstance(Observations.criteria, CriteriaNamespace)


@pytest.mark.parametrize("client", [Observations, MastMissions, JwstFiles])
def test_criteria_can_be_pickled_and_copied(mast_sandbox: Sandbox, client: Any) -> None:
    """The copy shows the same and takes the same names, and no request is sent."""
    made = client.criteria
    for copied in (pickle.loads(pickle.dumps(made)), copy.copy(made), copy.deepcopy(made)):
        assert (repr(copied), copied._repr_html_(), dir(copied)) == (repr(made), made._repr_html_(), dir(made))
        assert [repr(copied[name]) for name in copied] == [repr(made[name]) for name in made]
        assert all(dir(copied[name]) == dir(made[name]) for name in copied)
        with pytest.raises(InvalidCriterionError, match="no_such_name"):
            copied["no_such_name"]
    assert not mast_sandbox.requests


def test_the_criteria_cannot_be_replaced() -> None:
    """Assigning to `criteria` raises an error."""
    with pytest.raises(AttributeError, match="'criteria' cannot be set"):
        Observations.criteria = {}  # type: ignore[assignment]


def test_recorded_values_can_be_completed(mast_sandbox: Sandbox, recorded: Callable[[str], bytes]) -> None:
    """Values from a recorded response of MAST complete, including non-identifiers and cells with several values."""
    mast_sandbox.faults.add("invoke", Fault.answer(recorded("missions.extjs")))
    instruments = Observations.help("instrument_name", values=True)
    assert "DS/S" in instruments
    assert "" not in instruments
    assert instruments.FOC_96 == "FOC/96"
    assert not any(";" in value for value in Observations.criteria.filters)
    assert set(Observations.criteria.calib_level) == {1, 2, 3}
    for name in Observations.criteria:
        criterion = Observations.criteria[name]
        assert repr(criterion)
        assert criterion._repr_html_()
        assert all(criterion[value] == value for value in criterion)


@given(st.lists(st.text(max_size=8) | st.sampled_from(["name", "values", "_x", "__class__", "None", "A b", "A_b"])))
def test_any_texts_can_be_values(values: list[str]) -> None:
    """Any text can be a value: all are keys, and no value hides an attribute of the criterion."""
    made = Criterion(Observations.criteria._columns["filters"], [], list(dict.fromkeys(values)))
    assert all(made[value] == value for value in values)
    assert made.name == "filters"
    assert type(made) is Criterion
    for name in dir(made) if values else ():
        assert getattr(made, name) in (*values, *vars(made).values())
    assert repr(made)
    assert made._repr_html_()

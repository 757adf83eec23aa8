"""The files of the list of HST spectra over HTTP, and the scripts that download them."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import requests
from astropy.io import fits

from astroquery_mast.sandbox import Sandbox

Invoke = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def spectra(invoke: Invoke) -> dict[int, dict[str, Any]]:
    """One spectrum of each type."""
    listed = invoke("Mast.HscSpectra.Db.All")["data"]
    return {row["SpectrumType"]: row for row in reversed(listed)}


def address(box: Sandbox, spectrum: dict[str, Any]) -> str:
    """Return the URL of a spectrum; plus signs are not escaped, as in clients."""
    name = spectrum["DatasetName"]
    if spectrum["SpectrumType"] < 2:
        return f"{box.url}/cgi-bin/getdata.cgi?config=ops&dataset={name}"
    return f"{box.url}/cgi-bin/ecfproxy?file_id={name}.fits"


@pytest.mark.parametrize("kind", [1, 2])
def test_spectra_are_files(box: Sandbox, web: requests.Session, spectra: dict[int, dict[str, Any]], kind: int) -> None:
    """Each program sends valid, reproducible FITS files of its type of spectra, without a declared length."""
    answers = [web.get(address(box, spectra[kind]), timeout=10) for _ in range(2)]
    assert {answer.status_code for answer in answers} == {200}
    assert answers[0].content == answers[1].content
    assert "Content-Length" not in answers[0].headers
    with fits.open(io.BytesIO(answers[0].content)) as hdus:
        hdus.verify("exception")
        assert hdus[0].header["TARGNAME"] == spectra[kind]["TargetName"]
        table = hdus[1].data
        assert table.names == ["WAVELENGTH", "FLUX", "ERROR"]
        assert len(table) == 300
        assert (np.diff(table["WAVELENGTH"]) > 0).all()
    assert [record.endpoint for record in box.requests] == ["hla", "hla"]


def test_greek_targets_have_spectra(box: Sandbox, web: requests.Session, invoke: Invoke) -> None:
    """A target name with Greek letters is written in ASCII in the FITS header."""
    listed = invoke("Mast.HscSpectra.Db.All")["data"]
    spectrum = next(row for row in listed if row["TargetName"] == "\u03b1-CEN")
    answer = web.get(address(box, spectrum), timeout=10)
    assert answer.status_code == 200
    assert fits.getheader(io.BytesIO(answer.content))["TARGNAME"] == "alpha-CEN"


def test_head_of_a_spectrum(box: Sandbox, web: requests.Session, spectra: dict[int, dict[str, Any]]) -> None:
    """HEAD returns no body."""
    answer = web.head(address(box, spectra[2]), timeout=10)
    assert (answer.status_code, answer.content) == (200, b"")
    assert "Content-Length" not in answer.headers


def test_other_names_are_not_found(box: Sandbox, web: requests.Session, spectra: dict[int, dict[str, Any]]) -> None:
    """Unknown data sets, and those of the other program, are not found; a name is required."""
    program, proxy = f"{box.url}/cgi-bin/getdata.cgi?config=ops&dataset=", f"{box.url}/cgi-bin/ecfproxy?file_id="
    for url in (
        f"{program}nonsense",
        f"{program}{spectra[2]['DatasetName']}",
        f"{proxy}nonsense.fits",
        f"{proxy}{spectra[2]['DatasetName']}",
        f"{proxy}{spectra[1]['DatasetName']}.fits",
    ):
        assert web.get(url, timeout=10).status_code == 404
    silent = web.get(program, timeout=10)
    assert (silent.status_code, silent.text) == (200, "dataset parameter is required\n")


def bundle(spectra: list[str], **changes: Any) -> dict[str, Any]:
    """Return the parameters of a request for a script."""
    params: dict[str, Any] = {
        "urlList": ",".join(spectra),
        "pathList": ",".join(f"mastDownload/HSC/{number}.fits" for number in range(len(spectra))),
        "filename": "mastDownload_20250101000000",
        "descriptionList": [""] * len(spectra),
        "productTypeList": ["spectrum"] * len(spectra),
        "extension": "curl",
    }
    return params | changes


def test_a_script_is_created_and_downloaded(
    box: Sandbox, web: requests.Session, invoke: Invoke, spectra: dict[int, dict[str, Any]]
) -> None:
    """The response contains the address of the script and the status of its files; missing files are omitted."""
    urls = [address(box, spectra[1]), address(box, spectra[2]), f"{box.url}/cgi-bin/ecfproxy?file_id=nonsense.fits"]
    answer = invoke("Mast.Bundle.Request", bundle(urls))
    assert (answer["status"], answer["progress"]) == ("COMPLETE", 1)
    assert answer["statusList"] == {urls[0]: "COMPLETE", urls[1]: "COMPLETE", urls[2]: "ERROR"}
    assert answer["url"].endswith("/mastDownload_20250101000000.sh")
    script = web.get(answer["url"], timeout=10).text
    assert script.startswith("#!")
    assert [f"HSC/{n}.fits" in script and url in script for n, url in enumerate(urls)] == [True, True, False]
    assert "ERROR" in web.get(answer["manifestUrl"], timeout=10).text
    assert web.get(answer["url"].replace(".sh", ".zip"), timeout=10).status_code == 404


@pytest.mark.parametrize(
    "changes", [{"extension": "zip"}, {"urlList": ""}, {"pathList": "one,two,three,four"}], ids=str
)
def test_invalid_script_requests(invoke: Invoke, changes: dict[str, Any]) -> None:
    """Lists of different lengths, and other kinds of bundles, are errors."""
    assert invoke("Mast.Bundle.Request", bundle(["http://127.0.0.1/x"], **changes))["status"] == "ERROR"

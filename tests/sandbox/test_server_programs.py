"""The sandbox as a program, and as a pytest fixture for other packages."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from astroquery_mast import sandbox
from astroquery_mast.sandbox import Sandbox

THEIR_TEST = """
import requests
from astroquery_mast.config import conf
from astroquery_mast.sandbox import Fault


def test_first(mast_sandbox):
    assert conf.server == mast_sandbox.url
    mast_sandbox.faults.add("whoami", Fault.status(503), times=None)
    assert requests.get(conf.server + "/whoami", timeout=30).status_code == 503
    assert len(mast_sandbox.requests) == 1


def test_second(mast_sandbox):
    assert len(mast_sandbox.requests) == 0
    assert requests.get(conf.server + "/whoami", timeout=30).status_code == 200


def test_third(mast_sandbox):
    def wrong(answer):
        raise LookupError("inside")

    mast_sandbox.faults.add("whoami", Fault.edit(wrong))
    requests.get(conf.server + "/whoami", timeout=30)


def test_without():
    assert conf.server == "https://mast.stsci.edu"
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals of a console are different there")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_program_serves_until_it_is_interrupted(number: signal.Signals) -> None:
    """``python -m astroquery_mast.sandbox`` prints its address and tokens, serves, and exits cleanly on Ctrl-C."""
    command = [sys.executable, "-W", "error", "-u", "-m", "astroquery_mast.sandbox"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        said = "".join(program.stdout.readline() for _ in range(9))
        url = re.search(r"http://127\.0\.0\.1:\d+", said)
        assert url is not None
        assert requests.get(f"{url[0]}/whoami", timeout=30).json()["anon"] is True
        program.send_signal(number)
        rest, errors = program.communicate(timeout=30)
        assert program.returncode == 0
        assert (rest, errors) == ("", "")
        assert f'conf.resolver_server = "{url[0]}"' in said
        assert len(re.findall(r"\b[a-z0-9]{32}\b", said)) == 3
        assert f"{Sandbox.casjobs_user} {Sandbox.casjobs_password}\n" in said


def test_plugin_gives_every_test_a_fresh_sandbox(tmp_path: Path) -> None:
    """The fixture sets the configuration, clears faults and log, and fails a test that raises inside the sandbox."""
    (tmp_path / "test_theirs.py").write_text(THEIR_TEST)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "astroquery_mast.sandbox.pytest_plugin", "--rootdir", ".", "."],
        cwd=tmp_path,
        env=os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert "4 passed, 1 error" in done.stdout
    assert "LookupError: inside" in done.stdout


def test_plugin_imports_little() -> None:
    """Loading the plugin imports neither Werkzeug nor numpy nor astropy, nor the rest of the sandbox."""
    folder = Path(str(sandbox.__file__)).parent
    code = f"""
import sys, types
import pytest
parent = sys.modules["astroquery_mast"] = types.ModuleType("astroquery_mast")
parent.__path__ = [{str(folder.parent)!r}]
import astroquery_mast.sandbox.pytest_plugin
heavy = {{"werkzeug", "numpy", "astropy"}} & set(sys.modules)
ours = {{name for name in sys.modules if name.startswith("astroquery_mast.sandbox.")}}
print(*heavy, *ours)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.split() == ["astroquery_mast.sandbox.pytest_plugin"]

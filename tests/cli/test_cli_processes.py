"""The command as a process: signals, pipes, terminals, and fast help."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from astroquery_mast.sandbox import Fault, Sandbox

# Restore the default action of SIGINT, as for a command in a terminal.
PROGRAM = """
import runpy, signal
signal.signal(signal.SIGINT, signal.default_int_handler)
runpy.run_module("astroquery_mast", run_name="__main__")
"""
START = [sys.executable, "-c", PROGRAM]
HEAVY = ("numpy", "astropy", "astroquery", "requests", "pyvo")


def run(*arguments: str, timeout: float = 120) -> subprocess.CompletedProcess[str]:
    """Run the command until it exits."""
    return subprocess.run([*START, *arguments], capture_output=True, text=True, timeout=timeout, check=False)


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_downloads_resume_after_ctrl_c(mast_sandbox: Sandbox, own_folder: Path) -> None:
    """Ctrl-C is exit code 130; the next run keeps complete files and resumes a partial one."""
    query = ("get", "-p", "1783", "-i", "MIRI*", "--level", "3", "-j", "1", "--server", mast_sandbox.url)
    slow = Fault.slow(2_000, 0.2)
    mast_sandbox.faults.add("download", slow, where=lambda record: "o004_t006_miri_f560w" in str(record.query))
    process = subprocess.Popen([*START, *query], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        for _ in range(6000):
            if any(part.stat().st_size for part in own_folder.rglob("*.part")) and len(_images(own_folder)) == 2:
                break
            assert process.poll() is None, process.communicate()
            threading.Event().wait(0.01)
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=60)
    finally:
        process.kill()
    assert (process.returncode, output) == (130, "")
    assert "run the same command again to continue" in errors
    assert "Traceback" not in errors
    mast_sandbox.reset()
    again = run(*query)
    assert again.returncode == 0, again.stderr
    assert len(_images(own_folder)) == 4
    downloads = mast_sandbox.requests.of("download")
    assert len(downloads) == 2
    assert [record.headers.get("range") is not None for record in downloads] == [True, False]


def _images(folder: Path) -> list[Path]:
    return list(folder.rglob("*_i2d.fits"))


def test_a_closed_pipe_is_not_an_error(mast_sandbox: Sandbox) -> None:
    """With ``| head``, there is no traceback, and the exit code is that of other programs."""
    arguments = [*START, "search", "M51", "--json", "--server", mast_sandbox.url]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == "[\n"
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait(60) == 141


@pytest.mark.skipif(os.name == "nt", reason="terminals of POSIX")
@pytest.mark.parametrize("width", [40, 80])
def test_a_table_fits_the_terminal(width: int, mast_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """No line is wider than the terminal, and hidden rows are counted."""
    import fcntl
    import pty
    import struct
    import termios

    monkeypatch.delenv("COLUMNS")
    monkeypatch.delenv("LINES", raising=False)
    outside, inside = pty.openpty()
    fcntl.ioctl(inside, termios.TIOCSWINSZ, struct.pack("HHHH", 30, width, 0, 0))
    arguments = [*START, "search", "proposal_id=10452", "--server", mast_sandbox.url]
    with subprocess.Popen(arguments, stdout=inside, stderr=subprocess.PIPE, text=True) as process:
        os.close(inside)
        printed = _all_of(outside)
        assert process.stderr is not None
        assert process.stderr.read() == "126 observations; 102 are not shown (--rows 0 prints all).\n"
        assert process.wait(60) == 0
    lines = printed.decode().splitlines()
    assert len(lines) == 25
    assert max(map(len, lines)) <= width


def _all_of(terminal: int) -> bytes:
    """Return the output to a terminal until it is closed."""
    printed = b""
    with os.fdopen(terminal, "rb", buffering=0) as file, suppress(OSError):  # which is the end on Linux
        while read := file.read(65536):
            printed += read
    return printed


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_the_sandbox_runs_until_ctrl_c() -> None:
    """Another command can use the running sandbox."""
    with subprocess.Popen([*START, "sandbox"], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            url = next(word for word in process.stdout.readline().split() if word.startswith("http://"))
            counted = run("count", "proposal_id=10452", "--server", url)
            assert counted.stdout == "126\n", counted.stderr
            process.send_signal(signal.SIGINT)
            assert process.wait(60) == 0
        finally:
            process.kill()


@pytest.mark.parametrize(
    ("words", "complete"), [("--help", ""), ("get --help", ""), ("search calib_", "bash_complete"), ("", "zsh_source")]
)
def test_help_and_completion_import_nothing_heavy(words: str, complete: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Help and completion do not import numpy or astropy, so that they are fast."""
    if complete:
        monkeypatch.setenv("_ASTROQUERY_MAST_COMPLETE", complete)
        monkeypatch.setenv("COMP_WORDS", f"astroquery-mast {words}")
        monkeypatch.setenv("COMP_CWORD", str(len(words.split())))
    program = f"{PROGRAM.replace('runpy.run', 'sys.argv[1:] = ' + repr(words.split()) + chr(10) + 'try: runpy.run')}"
    program = f"import sys\n{program}finally: print(*sorted({set(HEAVY)!r} & set(sys.modules)), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "\n")
    assert done.stdout


@pytest.mark.parametrize("arguments", [["get", "--help"], ["search", "M51", "-r", "10s"]])
def test_a_terminal_without_unicode_is_no_error(
    arguments: list[str], mast_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Characters that the terminal does not support are replaced."""
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    done = run(*arguments, "--server", mast_sandbox.url)
    assert done.returncode == 0, done.stderr
    assert done.stdout.isascii()


@pytest.mark.skipif(os.name != "posix", reason="closes a descriptor by the shell")
def test_a_closed_standard_output_gives_no_traceback(mast_sandbox: Sandbox) -> None:
    """The command works in a job without standard output."""
    del mast_sandbox
    command = [*START, "search", "proposal_id=1783", "--sandbox"]
    done = subprocess.run(
        ["sh", "-c", 'exec "$@" >&-', "sh", *command], stderr=subprocess.PIPE, text=True, check=False, timeout=120
    )
    assert "Traceback" not in done.stderr

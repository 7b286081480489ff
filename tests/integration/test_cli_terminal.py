"""What a terminal is shown, and a pipe is not: the progress bar, the wait for another writer, questions."""

import fcntl
import json
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time

import pytest

from loader import CONFIGURATION_OF_SOURCES, MANY, PROGRAM, SMALL, TIMEOUT, many_rows, wait_until
from preload import environment_with
from programs import program


def test_colours_are_for_terminals_that_want_them(loaded):
    text = loaded.file(SMALL.replace("redirect: form", "redirect: 307"))
    assert "\x1b" not in loaded("diff", text).stdout
    assert "\x1b[33m~ globex" in on_terminal(loaded.command("diff", text))
    assert "\x1b[" not in on_terminal(loaded.command("diff", text), NO_COLOR="1")


def test_rollback_asks_on_a_terminal(loaded):
    loaded("set", "acme", "redirect=303")
    for no in (b"n\n", b"\n", b"\x04", b"yn\n", b"y\x04\x04", b"yes, but\n", b" y\n", b"y" * 40 + b"\n"):
        assert "[y/N]" in on_terminal(loaded.command("rollback", "1"), answer=no, status=1)
        assert loaded.revision() == 2, "only a yes is one"
    assert "revision 3: as revision 1 was" in on_terminal(loaded.command("rollback", "1"), answer=b"y\n")
    for revision, yes in enumerate((b"yes\n", b"YES\n", b"Y\n"), 4):  # each takes the one before back
        assert f"revision {revision}: as revision {revision - 2} was" in on_terminal(loaded.command("rollback", str(revision - 2)), answer=yes)
    assert loaded.revision() == 6


def test_rollback_writes_nothing_but_what_it_has_shown(loaded):
    loaded("set", "acme", "redirect=303")
    program, terminal = start_on_terminal(loaded.command("rollback", "1"))
    shown = b""
    while b"[y/N]" not in shown:
        shown += os.read(terminal, 4096)
    loaded("set", "globex", "label=new")
    os.write(terminal, b"y\n")
    assert "the table has changed meanwhile and is at revision 3; nothing was written" in read_terminal(program, terminal)
    assert (program.returncode, loaded.revision()) == (1, 3)


def test_rollback_asks_only_about_what_it_has_shown(loaded):
    loaded("set", "acme", "redirect=303")
    reader, gone = os.pipe()
    os.close(reader)
    for output in (os.open("/dev/full", os.O_WRONLY), gone):
        ours, theirs = pty.openpty()
        os.write(ours, b"y\n")
        result = subprocess.run(loaded.command("rollback", "1"), stdin=theirs, stdout=output, stderr=subprocess.PIPE, text=True, timeout=TIMEOUT)
        for fd in (ours, theirs, output):
            os.close(fd)
        assert (result.returncode, loaded.revision()) == (1, 2), result.stderr
        assert "nothing was written: what would change could not be shown" in result.stderr and "[y/N]" not in result.stderr


def start_on_terminal(command, stdin=None, stdout=None, **environment):
    """Starts a program whose standard streams, but for those given, are a terminal of 100 columns; returns it and the terminal's other end."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
    environment = {**{k: v for k, v in os.environ.items() if k != "NO_COLOR"}, "TERM": "xterm", **environment}
    program = subprocess.Popen(list(map(str, command)), stdin=stdin or theirs, stdout=stdout or theirs, stderr=theirs, env=environment, start_new_session=True)
    os.close(theirs)
    return program, ours


def read_terminal(program, terminal):
    text = b""
    try:
        while select.select([terminal], [], [], TIMEOUT)[0]:
            text += os.read(terminal, 65536)
    except OSError:
        pass  # EIO: the other end is closed
    os.close(terminal)
    program.wait(TIMEOUT)
    return text.decode()


def on_terminal(command, answer=b"", status=0, stdout=None, **environment):
    program, terminal = start_on_terminal(command, stdout=stdout, **environment)
    if answer:
        os.write(terminal, answer)
    text = read_terminal(program, terminal)
    assert program.returncode == status, text
    return text.replace("\r\n", "\n")


def feed_slowly(program, loader, text):
    """Makes a load from standard input a slow one, however fast the machine is: the text comes late by more than half a second."""
    head, rest = text.encode().split(b"\n", 1)
    program.stdin.write(head + b"\n")
    program.stdin.flush()
    wait_until(lambda: fcntl.ioctl(program.stdin, termios.FIONREAD, bytes(4)) == bytes(4))  # it reads, and has begun to measure the time
    time.sleep(0.7)
    program.stdin.write(rest)
    program.stdin.close()
    program.stdin = None


def test_a_slow_load_shows_a_bar_on_a_terminal_and_takes_it_away(loaded):
    program, terminal = start_on_terminal(loaded.command("load", "--merge", "-"), stdin=subprocess.PIPE)
    feed_slowly(program, loaded, many_rows(20000))
    text = read_terminal(program, terminal)
    assert program.returncode == 0, text
    assert re.search(r"\r\x1b\[Kreading standard input  \[[#.]+\]  +\d+ %", text)
    assert re.search(r"\r\x1b\[Krevision 2: 20,000 added, 0 changed, 0 removed, 20,003 rows\s*$", text)
    assert max(len(line.replace("\x1b[K", "")) for line in text.split("\r")) < 100


@pytest.mark.parametrize("command", [["set", "acme", "label=A"], ["remove", "acme"], ["rollback", "--yes", "0"], ["load", "--merge", "-"]])
def test_who_waits_for_another_writer_says_so(loaded, command):
    with open(loaded.store) as store:
        fcntl.flock(store, fcntl.LOCK_EX)  # as a load holds it
        program = subprocess.Popen(loaded.command(*command), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        program.stdin.write(SMALL.replace("acme:", "vandelay:").encode())
        program.stdin.close()
        assert select.select([program.stderr], [], [], TIMEOUT)[0]
        said = program.stderr.readline().decode()
        assert said.startswith("ssoferry: waiting for another ssoferry to finish its change") and str(loaded.store) in said
        assert program.poll() is None
    assert program.stdout.read().startswith(b"revision 2: ")
    assert program.wait(TIMEOUT) == 0 and program.stderr.read() == b""
    program.stdout.close()
    program.stderr.close()


def test_a_slow_load_shows_no_bar_in_a_pipe(loaded):
    program = subprocess.Popen(
        loaded.command("load", "--merge", "-"), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    feed_slowly(program, loaded, many_rows(20000))
    out, err = program.communicate(timeout=TIMEOUT)
    assert program.returncode == 0 and err == b"" and b"\r" not in out


def test_a_quick_load_shows_no_bar(loader):
    def shows_none():
        began = time.monotonic()
        shown = "\r\x1b" in on_terminal(loader.command("load", loader.file(SMALL)))
        assert not shown or time.monotonic() - began >= 0.5
        for file in loader.home.glob("connections.mdb*"):
            file.unlink()
        return not shown

    wait_until(shows_none)  # but a disk may be slow once


def take_long(loader):
    """To a program in this environment, everything takes long."""
    return {**environment_with(program("clock.so"), loader.home), "CLOCK_STEP_MS": "60"}


def bars(text):
    """[(what it does, how much of it is done)]. Each bar has a line of its own, and is taken away again."""
    for line in text.split("\n"):
        shown = line.split("\r\x1b[K")
        assert len(shown) == 1 or shown[0] == "", shown
        assert "]  " not in shown[-1], shown
    return [(name, int(percent)) for name, percent in re.findall(r"\r\x1b\[K([^\r\n]+?)  \[[#.]+\]  +(\d+) %", text)]


@pytest.fixture
def with_many_rows(loader):
    """A command for a store of two revisions, with a configuration that has routes."""
    config = loader.file(CONFIGURATION_OF_SOURCES.format(store=loader.store), "ssoferryd.yaml")
    loader.load(many_rows(MANY))
    loader("set", "--all", "label=second")
    return lambda *arguments: [PROGRAM, "-c", config, *map(str, arguments)]


LONG_COMMANDS = {
    ("set", "--all", "label=third"): ["changing rows", "committing"],
    ("set", "--all", "--json", "label=third"): ["changing rows", "committing"],
    ("set", "--all", "--dry-run", "label=third"): ["reading the table"],
    ("set", "--all", "--state", "stytch", "state=disabled"): ["changing rows", "committing", "comparing rows"],
    ("set", "--all", "--state", "stytch", "--dry-run", "state=disabled"): ["reading the table", "comparing rows"],
    ("rollback", "--yes", "1"): ["comparing", "restoring rows", "committing"],
    ("report",): ["reading the table"],
    ("report", "--silent"): ["reading the table"],
    ("report", "--json", "--sort", "hits", "--limit", "1"): ["reading the table"],
    ("list",): ["reading the table"],
    ("list", "--match", "none"): ["reading the table"],
    ("export", "-o", "OUT"): ["writing rows"],
    ("check", "--table"): ["checking rows"],
}


@pytest.mark.parametrize("arguments", LONG_COMMANDS, ids=" ".join)
def test_what_takes_long_shows_a_bar_on_a_terminal_and_takes_it_away(loader, with_many_rows, arguments):
    command = with_many_rows(*(loader.home / "out.yaml" if word == "OUT" else word for word in arguments))
    table = loader.store.read_bytes()
    shown = bars(on_terminal(command, **take_long(loader)))
    assert list(dict.fromkeys(name for name, _ in shown)) == LONG_COMMANDS[arguments]
    for name in LONG_COMMANDS[arguments]:
        percents = [percent for each, percent in shown if each == name]
        assert percents == sorted(percents)
        assert name == "committing" or (len(percents) > 2 and percents[0] < 50 < percents[-1] <= 100), percents
    loader.store.write_bytes(table)
    assert "\x1b" not in on_terminal(command, TERM="dumb", **take_long(loader))
    loader.store.write_bytes(table)
    piped = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, **take_long(loader)}, timeout=TIMEOUT)
    assert piped.returncode == 0 and b"\x1b" not in piped.stdout + piped.stderr


@pytest.mark.parametrize("arguments", LONG_COMMANDS, ids=" ".join)
def test_what_is_quick_shows_no_bar(loaded, arguments):
    config = loaded.file(CONFIGURATION_OF_SOURCES.format(store=loaded.store), "ssoferryd.yaml")
    loaded("set", "--all", "label=second")
    command = [loaded.home / "out.yaml" if word == "OUT" else word for word in arguments]
    began = time.monotonic()
    shown = "\x1b[K" in on_terminal([PROGRAM, "-c", config, *command])
    assert not shown or time.monotonic() - began >= 0.5  # a disk may be slow


def test_the_bars_of_a_rollback_leave_rows_and_question_alone(loader, with_many_rows):
    program, terminal = start_on_terminal(with_many_rows("rollback", "1"), **take_long(loader))
    asked = b""
    while not asked.endswith(b"[y/N] "):
        assert select.select([terminal], [], [], TIMEOUT)[0], asked
        asked += os.read(terminal, 65536)
    os.write(terminal, b"y\n")
    text = (asked.decode() + read_terminal(program, terminal)).replace("\r\n", "\n")
    assert list(dict.fromkeys(name for name, _ in bars(text))) == ["comparing", "restoring rows", "committing"]
    assert text.count("~ customer-") == 50 and "... and 19,950 more\n" in text
    assert "\nRoll back to revision 1, which changes 20,000 rows? [y/N] " in text and "revision 3: as revision 1 was" in text


def test_rows_that_were_changed_back_have_a_bar_as_well(loader, with_many_rows):
    loader("set", "--all", "label=")
    text = on_terminal(with_many_rows("rollback", "1"), **take_long(loader))
    assert {name for name, _ in bars(text)} == {"comparing"} and "nothing to change: the rows are those of revision 1" in text


def test_the_bar_of_a_check_leaves_its_findings_alone(loader, with_many_rows):
    loader.load(many_rows(MANY, first=1).replace("saml-connection-live-", "saml-connection-test-", 1), "--merge")
    text = on_terminal(with_many_rows("check", "--table", "--json"), **take_long(loader))
    assert {name for name, _ in bars(text)} == {"checking rows"}
    found = [json.loads(line) for line in re.sub(r"\r\x1b\[K.*\r\x1b\[K|\r\x1b\[K", "", text).splitlines() if "{" in line]
    assert [each["problem"] for each in found] == ["test_beside_live"]


@pytest.mark.parametrize("arguments", [("list", "--json"), ("report", "--json"), ("report", "--csv"), ("export",)], ids=" ".join)
def test_rows_that_are_printed_have_no_bar_between_them(loader, with_many_rows, arguments):
    """Nor in the window of a pager that reads them. Only where they go to a file is there a bar meanwhile."""
    command, pieces = with_many_rows(*arguments), []
    assert bars(on_terminal(command, **take_long(loader))) == []
    program, terminal = start_on_terminal(command, stdout=subprocess.PIPE, **take_long(loader))
    while piece := program.stdout.read():
        pieces.append(piece)
    program.stdout.close()
    assert bars(read_terminal(program, terminal)) == [] and b"".join(pieces).count(b"customer-") == MANY
    with open(loader.home / "rows", "wb") as rows:
        assert {name for name, _ in bars(on_terminal(command, stdout=rows, **take_long(loader)))} == {"printing rows"}


@pytest.mark.parametrize("command", ["list", "report"])
def test_reading_before_the_first_line_has_a_bar_wherever_the_lines_go(loader, with_many_rows, command):
    program, terminal = start_on_terminal(with_many_rows(command), stdout=subprocess.PIPE, **take_long(loader))
    printed = program.stdout.read()
    program.stdout.close()
    assert {name for name, _ in bars(read_terminal(program, terminal))} == {"reading the table"} and printed.count(b"customer-") == MANY
    with open(loader.home / "rows", "wb") as rows:
        shown = [name for name, _ in bars(on_terminal(with_many_rows(command), stdout=rows, **take_long(loader)))]
        assert list(dict.fromkeys(shown)) == ["reading the table", "printing rows"]

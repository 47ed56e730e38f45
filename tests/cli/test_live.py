# SPDX-License-Identifier: MIT
"""bench --live on a terminal that a test plays, pyte's, and where standard error is none."""

import fcntl
import json
import os
import pty
import re
import signal
import struct
import subprocess
import termios

import pyte
from conftest import PROGRESS, QUICK, windows

CASES = ("bench", "--family", "floor", "--cpus", "1", *QUICK)
LOOPS = ("empty", "incdec", "private")


def on_terminal(binary, environment, *arguments, columns=72, rows=16, until=None, term="xterm"):
    """Runs a command whose standard error is a terminal: (status, output, what each screen showed, raw bytes). until:
    a function of a screen; once it is true the command is interrupted. term: what the terminal says it is."""
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    process = subprocess.Popen(
        [binary, *map(str, arguments)],
        stdout=subprocess.PIPE, stderr=follower, stdin=subprocess.DEVNULL, env={**environment, "TERM": term},
    )  # fmt: skip
    os.close(follower)
    screen = pyte.Screen(columns, rows)
    stream = pyte.ByteStream(screen)
    shown, raw = [], b""
    try:
        while True:
            try:
                part = os.read(leader, 65536)
            except OSError:  # the other end is closed
                break
            raw += part
            stream.feed(part)
            shown.append([line.rstrip() for line in screen.display])
            if until and until(shown[-1]):
                process.send_signal(signal.SIGINT)
                until = None
        output, _ = process.communicate(timeout=30)
    finally:
        process.kill()
        os.close(leader)
    return process.returncode, output.decode(), shown, raw


def bars(display):
    """The lines of the view that have a bar, by what they are a bar of."""
    found = (re.fullmatch(r"  (\w+) +(#*) +(.+)  (\d+)/(\d+)", line) for line in display)
    return {match[1]: match for match in found if match}


def test_a_bar_for_each_scheme_and_nothing_left_behind(binary, environment, tmp_path):
    path = tmp_path / "x.json"
    status, output, shown, raw = on_terminal(binary, environment, *CASES, "--reps", 6, "--live", "--out", path)
    assert status in (0, 3)
    full = [display for display in shown if set(bars(display)) >= set(LOOPS)]
    assert full, shown[-1]
    last = bars(full[-1])
    heads = [line for line in full[-1] if re.match(r"\[\d+/\d+\] floor/", line)]
    assert len(heads) == 1, full[-1]
    # Counts on the screen are those of the windows recorded before the one that was then under way.
    done = int(re.match(r"\[(\d+)/", heads[0])[1]) - 1
    assert sum(int(match[5]) for match in last.values()) == done
    # An empty loop is the fastest by far: where both have a valid window, its bar is the longer one.
    if int(last["empty"][4]) and int(last["incdec"][4]):
        assert len(last["empty"][2]) > len(last["incdec"][2]) >= 1
    assert len(windows(json.loads(path.read_text()))) == int(re.search(r"/(\d+)\]", heads[0])[1])
    # The view goes as the table comes, which is on standard output.
    assert not any("#" in line or line.startswith("[") for line in shown[-1])
    assert output.startswith("case ")
    assert b"\x1b[J" in raw


def test_a_small_terminal_is_not_overrun(binary, environment):
    arguments = (*CASES, "--reps", 3, "--live")
    _, _, shown, raw = on_terminal(binary, environment, *arguments, columns=40, rows=5)
    # What begins below the first line is redrawn in place: the plan is said before, and never scrolls by twice.
    heads = [[line for line in display if line.startswith("[")] for display in shown]
    assert all(len(found) <= 1 for found in heads), shown
    assert max(len(found) for found in heads) == 1


def test_interrupted_it_leaves_the_screen_in_order(binary, environment, tmp_path):
    path = tmp_path / "x.json"
    arguments = (*CASES, "--reps", 100000, "--live", "--out", path)
    status, output, shown, _ = on_terminal(
        binary, environment, *arguments, until=lambda display: set(bars(display)) >= set(LOOPS)
    )
    assert status == 130 and output.startswith("case ")
    assert windows(json.loads(path.read_text()))
    text = "".join(shown[-1])
    assert "mmscale: interrupted after" in text and "#" not in text.split("mmscale: interrupted")[1]


def test_piped_it_is_lines(mmscale):
    live, without = (mmscale(*CASES, "--reps", 2, *more) for more in (["--live"], []))
    for done in (live, without):
        assert "\x1b" not in done.stderr + done.stdout
        assert len(PROGRESS.findall(done.stderr)) == len(done.stdout.splitlines()[1:]) * 2


def test_a_dumb_terminal_gets_lines_and_no_escapes(binary, environment):
    status, _, _, raw = on_terminal(binary, environment, *CASES, "--reps", 2, "--live", term="dumb")
    assert status in (0, 3)
    assert b"\x1b" not in raw
    assert PROGRESS.findall(raw.decode())

# SPDX-License-Identifier: MIT
"""What every script does around its main: errors are one line and status 1, an interrupt is status 130.

Imported first: from then on an interrupt ends the script at once and without a word, also while modules load.
"""

import argparse
import os
import signal
import subprocess
import sys
import traceback

INTERRUPTED, TERMINATED = 130, 143


class Problem(Exception):
    """What stands in the way, in one line that names the file and the place in it."""


class Terminated(KeyboardInterrupt):
    """SIGTERM: whoever cleans up after an interrupt does so after this, too."""


def run(main):
    """Runs main and ends the process."""
    # Names of files may be no text.
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")
    signal.signal(signal.SIGTERM, _terminate)
    # argparse takes such a value for none, and gives a list.
    for word in sys.argv[1 : sys.argv.index("--") if "--" in sys.argv else None]:
        if word.startswith("-") and word.endswith("=--"):
            print(f"{os.path.basename(sys.argv[0])}: error: {in_words(word)}: '--' is no value", file=sys.stderr)
            sys.exit(2)
    if status := attempt(main):
        _end(status)


def attempt(main):
    """Runs main; returns the status to end with, after the line that says why. What main ends by itself, SystemExit,
    passes through. MMSCALE_TRACEBACK=1 shows where in the scripts an error came from."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        try:
            main()
        except SystemExit:
            sys.stdout.flush()
            raise
        sys.stdout.flush()
        return 0
    except Terminated:
        return TERMINATED
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        return 1
    except Exception as error:  # noqa: BLE001: whatever it is becomes one line
        _say(error)
        return 1


def count(least, most):
    """A type for argparse: a whole number in these bounds."""

    def parse(text):
        if not (text.isascii() and text.isdigit() and len(text) <= 20 and least <= int(text) <= most):
            raise argparse.ArgumentTypeError(f"'{in_words(text, 40)}' is not a whole number from {least} to {most}")
        return int(text)

    return parse


def in_words(error, most=400):
    """An exception as one line, whatever its text has in it."""
    text = "".join(c if c.isprintable() else " " for c in str(error))
    return text if len(text) <= most else f"{text[: most // 2]} ... {text[-most // 2 :]}"


def _say(error):
    if os.environ.get("MMSCALE_TRACEBACK"):
        traceback.print_exception(error)
    print(f"{os.path.basename(sys.argv[0])}: {_line(error)}", file=sys.stderr)


def _line(error):
    if isinstance(error, Problem):
        return in_words(error, 2000)
    if isinstance(error, ModuleNotFoundError):
        return f"{sys.executable} has no module {error.name}; scripts/bootstrap installs Debian's, for /usr/bin/python3"
    if isinstance(error, subprocess.CalledProcessError):
        said = error.stderr.decode(errors="replace") if isinstance(error.stderr, bytes) else error.stderr or ""
        return in_words(f"{error.cmd[0]}: status {error.returncode}: {(said.splitlines() or [''])[-1]}")
    if isinstance(error, MemoryError):
        return f"{_files()}not enough memory"
    if isinstance(error, OSError):
        return f"{in_words(error.filename or 'output')}: {error.strerror or in_words(error)}"
    place = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{os.path.basename(place.filename)}, line {place.lineno}"
    return f"{_files()}{type(error).__name__}: {in_words(error)} ({where}): a fault of this script's"


def _files():
    """The files that were given, for an error that names none."""
    given = [word for word in sys.argv[1:] if os.path.isfile(word)]
    return f"{in_words(', '.join(given), 200)}: " if given else ""


def _leave(_signal, _frame):
    os._exit(INTERRUPTED)


def _terminate(_signal, _frame):
    raise Terminated


def _end(status):
    """Ends at once: what is still buffered for a closed pipe must not complain again."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            pass
    os._exit(status)


def _open_what_is_closed():
    """So that no file that is opened later becomes one of the three. What goes to a closed standard output is an error, and
    messages are lost."""
    for number, (name, flags, mode) in enumerate((("stdin", os.O_RDONLY, "r"), ("stdout", os.O_RDONLY, "w"), ("stderr", os.O_WRONLY, "w"))):
        if getattr(sys, name) is None:
            os.set_inheritable(os.open(os.devnull, flags), True)
            setattr(sys, name, open(number, mode))


_open_what_is_closed()
signal.signal(signal.SIGINT, _leave)
# What goes wrong before main, while modules load.
sys.excepthook = lambda _kind, error, _trace: _say(error)

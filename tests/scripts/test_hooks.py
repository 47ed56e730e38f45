# SPDX-License-Identifier: MIT
"""Every function of a scheme that takes a Machine is a hook by name, or called by the scheme itself.

A hook that a scheme does not have is the default's, so a misspelt one would be left out without a word. One with other
parameters does not compile."""

import re

import pytest
from conftest import ROOT

FUNCTION = re.compile(r"static\s+[^;{}()=]*?\b(\w+)\(M& ?\w*,")
SCHEMES = sorted(path for path in (ROOT / "src/scheme").glob("*.h") if path.stem not in ("catalogue", "info"))


def hooks():
    """What DefaultScheme has."""
    ops = (ROOT / "src/kernel/ops.h").read_text()
    return set(FUNCTION.findall(re.search(r"struct DefaultScheme \{(.*?)\n\};", ops, re.DOTALL)[1]))


def strays(text):
    return [
        name for name in FUNCTION.findall(text) if name not in hooks() and len(re.findall(rf"\b{name}\b", text)) < 2
    ]


def test_the_default_has_all_hooks():
    assert {"lazy_enter", "lazy_leave", "lazy_exit", "switched", "users_gone", "reap", "drain"} <= hooks()


@pytest.mark.parametrize("path", SCHEMES, ids=lambda path: path.stem)
def test_every_hook_is_one(path):
    assert strays(path.read_text()) == []


def test_a_stray_is_found():
    mailbox = (ROOT / "src/scheme/mailbox.h").read_text()
    assert "void users_gone(" in mailbox
    assert strays(mailbox.replace("void users_gone(", "void user_gone(")) == ["user_gone"]

# SPDX-License-Identifier: MIT
"""Every function of a scheme that takes a Machine is a hook as the kernel calls it, or called by the scheme itself.

A hook that a scheme does not have costs nothing, so a misspelt one would be left out without a word."""

import re

import pytest
from conftest import ROOT

# Name: template parameters and parameters, as src/kernel/hooks.h calls them.
HOOKS = {
    "lazy_enter": ("class, Site", "Machine&, Cpu&, Mm*"),
    "lazy_leave": ("class", "Machine&, Cpu&, Mm*"),
    "lazy_exit": ("class, Site", "Machine&, Cpu&, Mm*"),
    "switched": ("class", "Machine&, Cpu&"),
    "users_gone": ("class", "Machine&, Cpu&, Mm*"),
    "reap": ("class, Site", "Machine&, Cpu&, Mm*"),
    "drain": ("class", "Machine&, Cpu&, Drain"),
}
FUNCTION = re.compile(
    r"template <(?P<template>[^<>]*)>\s+(?:MMSCALE_\w+\s+)?"
    r"static\s+[^;{}()=]*?\b(?P<name>\w+)\((?P<parameters>[^{}]*?)\)\s*{",
    re.DOTALL,
)
SCHEMES = sorted(path for path in (ROOT / "src/scheme").glob("*.h") if path.stem not in ("catalogue", "info"))


def shape(parameters):
    """A list of parameters without namespaces, template arguments and names."""
    plain = re.sub(r"typename K::|kernel::|<K>", "", parameters.replace("typename kernel::Task<K>::Mm", "Mm"))
    return ", ".join(re.match(r"\s*(\w+[&*]?)", one)[1] for one in plain.split(","))


def strays(text):
    """What in a scheme's header takes a Machine and is neither a hook nor called."""
    for found in FUNCTION.finditer(text):
        name = found["name"]
        if not found["parameters"].startswith("typename K::Machine&"):
            continue
        if name in HOOKS:
            if (shape(found["template"]), shape(found["parameters"])) != HOOKS[name]:
                yield f"{name} has not the parameters of the hook"
        elif len(re.findall(rf"\b{name}\b", text)) < 2:
            yield f"{name} is no hook, and nobody calls it"


@pytest.mark.parametrize("path", SCHEMES, ids=lambda path: path.stem)
def test_every_hook_is_one(path):
    assert list(strays(path.read_text())) == []


def test_the_kernel_calls_each():
    called = set(re.findall(r"K::Scheme::template (\w+)<", (ROOT / "src/kernel/hooks.h").read_text()))
    assert called == set(HOOKS)


WHOLE = "users_gone(typename K::Machine& m, kernel::Cpu<K>& cpu, "


@pytest.mark.parametrize(
    ("right", "wrong", "told"),
    [
        ("users_gone(", "user_gone(", "user_gone is no hook, and nobody calls it"),
        (WHOLE, "users_gone(typename K::Machine& m, ", "users_gone has not the parameters of the hook"),
        ("<class K, kernel::Site kSite>\n", "<class K>\n", "lazy_enter has not the parameters of the hook"),
    ],
)
def test_a_stray_is_found(right, wrong, told):
    mailbox = (ROOT / "src/scheme/mailbox.h").read_text()
    assert right in mailbox
    assert list(strays(mailbox.replace(right, wrong))) == [told]

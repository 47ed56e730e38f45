# SPDX-License-Identifier: MIT
"""The measured loop as the compiler made it: run_steps of one scheme, out of a release binary.

Used by scripts/disassemble for people and by tests/workload/fast_path_test.py for the rule that a scheme's loop holds
the scheme's own atomics and nothing else.
"""

import re
import subprocess

from command import Problem


class FastPathError(Problem):
    """One line for the user: a tool or a symbol that is missing."""


def _output_of(*command):
    try:
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout
    except FileNotFoundError:
        raise FastPathError(f"{command[0]} is not installed (Debian package binutils)") from None
    except subprocess.CalledProcessError as error:
        raise FastPathError(f"{command[0]}: {error.stderr.strip()}") from None


def loops(binary, lifecycle="Powerpc"):
    """Of each loop under a lifecycle with default options: scheme struct -> (address, size). Schemes that switch by the
    same functions share the loop of the first of them."""
    wanted = re.compile(
        rf"run_steps<mmscale::kernel::Inlined<mmscale::scheme::(\w+), mmscale::kernel::lifecycle::{lifecycle}, true> *,"
    )
    found = {}
    for line in _output_of("nm", "-S", "-C", binary).splitlines():
        if match := wanted.search(line):
            address, size = line.split()[:2]
            found[match.group(1)] = int(address, 16), int(size, 16)
    return found


def _symbol(binary, struct, lifecycle):
    found = loops(binary, lifecycle)
    if struct not in found:
        raise FastPathError(f"{binary} has no run_steps for {struct} under {lifecycle}; there are {', '.join(found)}")
    return found[struct]


def _function_name(target):
    """The bare name in a demangled "void a::B<c::D>::name<...>(...)>": what stands before the outermost "(" or "<"."""
    depth = 0
    name = ""
    word = ""
    for character in target:
        if character == "(" and depth == 0:
            break
        if character == "<":
            if depth == 0:
                name = word
            depth += 1
        elif character == ">":
            depth -= 1
            word = ""
        elif depth == 0:
            word = word + character if character.isalnum() or character == "_" else ""
    return word or name


def run_steps(binary, struct, lifecycle="Powerpc"):
    """The instructions of the loop: a list of (address, mnemonic and operands, name of a called function or "")."""
    start, size = _symbol(binary, struct, lifecycle)
    text = _output_of(
        "objdump", "-d", "-C", "--no-show-raw-insn", f"--start-address={start}", f"--stop-address={start + size}", binary
    )
    instructions = []
    for line in text.splitlines():
        match = re.match(r"\s*([0-9a-f]+):\s+(.*\S)", line)
        if not match:
            continue
        instruction, _, target = match.group(2).partition("<")
        instruction = re.sub(r"\s+", " ", instruction.split("#")[0]).strip()
        if instruction.startswith("call"):
            instructions.append((int(match.group(1), 16), instruction, _function_name(target)))
        else:
            instructions.append((int(match.group(1), 16), instruction, ""))
    return instructions

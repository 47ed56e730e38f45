# SPDX-License-Identifier: MIT
"""The measured loop as the compiler made it: run_steps of one scheme, out of a release binary.

Used by scripts/disassemble for people and by tests/workload/fast_path_test.py for the rule that a scheme's loop holds
the scheme's own atomics and nothing else.
"""

import functools
import platform
import re
import subprocess

from command import Problem

# e_machine of an ELF file -> the architecture, as its binutils are named.
_MACHINES = {21: "powerpc64le", 22: "s390x", 62: "x86_64", 183: "aarch64", 243: "riscv64"}

# What names an address and does not go there.
_ADDRESS = re.compile(r"adrp? |[cls]\w*rl ")
# POWER's blr and s390's br %r14 return; arm64's blr has an operand and calls.
_INDIRECT = re.compile(r"(call|jmp) \*|blr x|br x|bctrl?$|blrl$|basr |br %r(?!14$)|jalr |jr (?!ra$)")


class FastPathError(Problem):
    """One line for the user: a tool or a symbol that is missing."""


def architecture(binary):
    """What the binary was built for."""
    try:
        with open(binary, "rb") as file:
            head = file.read(20)
    except OSError as error:
        raise FastPathError(f"{binary}: {error.strerror}") from None
    found = _MACHINES.get(int.from_bytes(head[18:20], "big" if head[5:6] == b"\2" else "little"))
    if head[:4] != b"\x7fELF" or not found:
        raise FastPathError(f"{binary}: no program for one of {', '.join(sorted(_MACHINES.values()))}")
    return found


def _output_of(tool, binary, *options):
    of = architecture(binary)
    prefix = "" if platform.machine() in (of, of.replace("powerpc", "ppc")) else of + "-linux-gnu-"
    try:
        return subprocess.run([prefix + tool, *options, binary], check=True, capture_output=True, text=True).stdout
    except FileNotFoundError:
        package = ("binutils-" + prefix).strip("-").replace("_", "-")
        raise FastPathError(f"{prefix}{tool} is not installed (Debian package {package})") from None
    except subprocess.CalledProcessError as error:
        raise FastPathError(f"{prefix}{tool}: {error.stderr.strip()}") from None


@functools.cache
def loops(binary, lifecycle="Powerpc"):
    """Of each loop under a lifecycle with default options: scheme struct -> (address, size). Schemes that switch by the
    same functions share the loop of the first of them."""
    wanted = re.compile(
        rf"run_steps<mmscale::kernel::Inlined<mmscale::scheme::(\w+), mmscale::kernel::lifecycle::{lifecycle}, true> *,"
    )
    found = {}
    for line in _output_of("nm", binary, "-S", "-C").splitlines():
        if match := wanted.search(line):
            address, size = line.split()[:2]
            found[match.group(1)] = int(address, 16), int(size, 16)
    return found


def _symbol(binary, struct, lifecycle):
    found = loops(binary, lifecycle)
    if struct not in found:
        raise FastPathError(f"{binary} has no run_steps for {struct} under {lifecycle}; there are {', '.join(found)}")
    return found[struct]


def function_name(target):
    """The bare name in objdump's "void a::B<c::D>::name<...>(...)@plt+0x8>": what stands before the outermost "(" or "<".
    POWER's linker calls a stub 0000001b.plt_call. and the mangled name."""
    target = re.sub(r"^[0-9a-f]+\.plt_call\.|@.*|\+0x[0-9a-f]+>$|>$", "", target)
    if target.startswith("_Z"):
        target = subprocess.run(["c++filt", target], check=True, capture_output=True, text=True).stdout
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


@functools.cache
def run_steps(binary, struct, lifecycle="Powerpc"):
    """The instructions of the loop: a list of (address, mnemonic and operands, name of a function that is called
    or jumped to, or "")."""
    start, size = _symbol(binary, struct, lifecycle)
    text = _output_of(
        "objdump", binary, "-d", "-C", "--no-show-raw-insn", f"--start-address={start}", f"--stop-address={start + size}"
    )
    instructions = []
    for line in text.splitlines():
        match = re.match(r"\s*([0-9a-f]+):\s+(.*\S)", line)
        if not match:
            continue
        head, _, target = match.group(2).partition("<")
        instruction, *remark = re.split(r"\s# |//", re.sub(r"\s+", " ", head).strip() + " ")
        instruction = instruction.strip()
        # RISC-V's call of what is further away than 1 MiB, by a register that auipc set: objdump adds up where it goes.
        if remark and instruction.startswith("jalr "):
            instruction, remark = f"jal {remark[0].strip()}", []
        callee = ""
        if target and not remark and not _ADDRESS.match(instruction):
            to = int(re.search(r"[0-9a-f]+$", instruction).group(), 16)
            callee = function_name(target) if not start <= to < start + size else ""
        # Into the cold part of its own.
        instructions.append((int(match.group(1), 16), instruction, callee if callee != "run_steps" else ""))
    return instructions


def indirect(instructions):
    """Those that call or jump to where a register says."""
    return [i for _, i, _ in instructions if _INDIRECT.match(i)]

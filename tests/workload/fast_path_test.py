# SPDX-License-Identifier: MIT
"""The measured loop of every scheme, read from the release binary: it may hold the scheme's own atomics and fences, and
nothing that the scheme does not have. Run by CTest with the binary in MMSCALE_BINARY."""

import os
import pathlib
import re
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts" / "lib"))
from checks import fastpath  # noqa: E402

BINARY = os.environ.get("MMSCALE_BINARY", ROOT / "build/release/bin/mmscale")

# The only functions that the loop may call, none of them on the way of a switch.
COLD = {
    *("run_rare_step", "interrupt", "mmdrop_last", "mmdrop_lazy", "leave_mask", "report_quiescent_state"),
    *("keep_other", "drop_kept"),
    # What would set up liburcu's variable of the thread if it were C++; being C, it has none, and the loop asks each time.
    "urcu_qsbr_reader",
    # That variable, where Debian builds liburcu without the compiler's thread-local ones: riscv64.
    "__tls_access_urcu_qsbr_reader",
}


# Read-modify-writes and full barriers: each of them one on x86 and s390, where either is the other.
FULL = {
    "x86_64": r"lock|mfence|xchg .*\(",
    "aarch64": r"stl?xr|cas|swp|(ld|st)(add|clr|eor|set)|dmb ish$",
    "powerpc64le": r"st[bhwd]cx\.|hwsync",
    "s390x": r"la[anox]g? |csy?g? |cdsy?g? |bnor %r0|bcr 1[45],",
    "riscv64": r"amo|sc\.|fence( rw,rw| iorw,iorw)?$",
}
BARRIER = re.compile(r"lock or. \$0x0|mfence|dmb|hwsync|bnor|bcr|fence")


def own_atomics():
    """Scheme struct -> locked instructions and fences that a round trip has beyond those of the untracked loop (which are
    all on the path of a CPU's first switch to an mm, or of a registered membarrier user), as its header says."""
    said = {}
    for header in (ROOT / "src/scheme").glob("*.h"):
        text = header.read_text()
        if match := re.search(r"^// x86: (\d+) locked", text, re.M):
            said[re.search(r"^struct (\w+) : ", text, re.M).group(1)] = int(match.group(1))
    return said


def locked(instructions, architecture):
    """What of a loop orders everything. A POWER's read-modify-write that does has a sync in front of it: one in all."""
    found, own = [], False
    for _, text, _ in reversed(instructions):
        if re.match(FULL[architecture], text) and not (text == "hwsync" and own):
            found.insert(0, text)
        own = re.match("l[bhwd]arx", text) or own and not re.match("b|hwsync", text)
    return found


LOOPS = fastpath.loops(BINARY)
ARCHITECTURE = fastpath.architecture(BINARY)


# Those of the thread's argument, and of today's x86, which switches as that of 2024.
RULES = ("Powerpc", "X86_2024") if ARCHITECTURE == "x86_64" else ("Powerpc",)


def locked_in(struct, rules="Powerpc"):
    return locked(fastpath.run_steps(BINARY, struct, rules), ARCHITECTURE)


@pytest.mark.skipif("X86_2024" not in RULES, reason="no loop of x86's rules is read on another architecture")
def test_the_default_of_x86_has_that_loop():
    assert not fastpath.loops(BINARY, "X86_2025") and set(fastpath.loops(BINARY, "X86_2024")) == set(LOOPS)


@pytest.mark.parametrize("rules", RULES)
@pytest.mark.parametrize("struct", LOOPS)
def test_loop_calls_cold_functions_only(struct, rules):
    instructions = fastpath.run_steps(BINARY, struct, rules)
    assert len(instructions) > 40
    assert {callee for _, _, callee in instructions if callee} <= COLD
    assert not fastpath.indirect(instructions)


@pytest.mark.parametrize("rules", RULES)
@pytest.mark.parametrize("struct", own_atomics())
def test_loop_has_the_scheme_s_own_atomics(struct, rules):
    assert len(locked_in(struct, rules)) - len(locked_in("Untracked", rules)) == own_atomics()[struct]


def test_every_loop_says_what_atomics_it_has():
    """All but Nonlazy, whose second switch_mm brings the locked instructions of a first switch along once more, and
    ShootdownLoaded, whose switch without an active_mm has those of a first switch once where the others have them twice."""
    assert set(LOOPS) - set(own_atomics()) == {"Untracked", "Nonlazy", "ShootdownLoaded"}


def test_a_switch_without_active_mm_has_no_atomics_of_its_own_but_shootdown_s_fence():
    loaded, other = locked_in("ShootdownLoaded"), locked_in("Shootdown")
    assert len(list(filter(BARRIER.match, loaded))) <= len(list(filter(BARRIER.match, other)))
    assert len(loaded) < len(other)


@pytest.mark.parametrize(
    "architecture, call, full, neither",
    [
        ("x86_64", "call *%rax", ["lock addl $0x1,(%rax)", "xchg %eax,(%rdx)", "mfence"], "xchg %ax,%ax"),
        ("aarch64", "blr x1", ["stlxr w3, w2, [x0]", "ldaddal w1, w2, [x0]", "dmb ish"], "ret"),
        ("powerpc64le", "bctrl", ["hwsync", "stwcx. r9,0,r3"], "blr"),
        ("s390x", "basr %r14,%r1", ["laa %r1,%r1,512(%r4)", "bnor %r0"], "br %r14"),
        ("riscv64", "jalr a5", ["amoadd.w.aqrl a4,a5,(a3)", "fence"], "fence rw,w"),
    ],
)  # fmt: skip
def test_the_check_can_fail(architecture, call, full, neither):
    assert fastpath.indirect([(0, call, ""), (4, neither, "")]) == [call]
    assert locked([(0, i, "") for i in [*full, neither]], architecture) == full


@pytest.mark.parametrize(
    "target, name",
    [
        ("malloc@plt>", "malloc"),
        ("0000001b.plt_call.memcpy@@GLIBC_2.17>", "memcpy"),
        ("0000001b.plt_call._ZN1a1bIcEEvv>", "b"),
        ("void a::B<c::D>::name<int>(int)+0x8>", "name"),
        ("__aarch64_ldadd4_relax>", "__aarch64_ldadd4_relax"),
    ],
)
def test_callees_have_a_name_however_they_are_reached(target, name):
    assert fastpath.function_name(target) == name


def test_what_is_no_loop_is_said():
    with pytest.raises(fastpath.FastPathError, match="no run_steps for Nobody"):
        fastpath.run_steps(BINARY, "Nobody")

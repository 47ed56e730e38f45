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
}


def own_atomics():
    """Scheme struct -> locked instructions and fences that a round trip has beyond those of the untracked loop (which are
    all on the path of a CPU's first switch to an mm, or of a registered membarrier user), as its header says."""
    said = {}
    for header in (ROOT / "src/scheme").glob("*.h"):
        text = header.read_text()
        if match := re.search(r"^// x86: (\d+) locked", text, re.M):
            said[re.search(r"^struct (\w+) : ", text, re.M).group(1)] = int(match.group(1))
    return said


def locked(instructions):
    """Every full barrier on x86: lock prefix, xchg with memory, mfence."""
    return [i for _, i, _ in instructions if i.startswith(("lock", "mfence")) or re.match(r"xchg .*\(", i)]


LOOPS = fastpath.loops(BINARY)


@pytest.mark.parametrize("struct", LOOPS)
def test_loop_calls_cold_functions_only(struct):
    instructions = fastpath.run_steps(BINARY, struct)
    assert len(instructions) > 40
    assert {callee for _, _, callee in instructions if callee} <= COLD
    assert not [i for _, i, _ in instructions if re.match(r"(call|jmp) \*", i)], "indirect call or jump"


@pytest.mark.parametrize("struct", own_atomics())
def test_loop_has_the_scheme_s_own_atomics(struct):
    floor = len(locked(fastpath.run_steps(BINARY, "Untracked")))
    assert len(locked(fastpath.run_steps(BINARY, struct))) - floor == own_atomics()[struct]


def test_every_loop_says_what_atomics_it_has():
    """All but Nonlazy, whose second switch_mm brings the locked instructions of a first switch along once more, and
    ShootdownLoaded, whose switch without an active_mm has those of a first switch once where the others have them twice."""
    assert set(LOOPS) - set(own_atomics()) == {"Untracked", "Nonlazy", "ShootdownLoaded"}


def test_a_switch_without_active_mm_has_no_atomics_of_its_own_but_shootdown_s_fence():
    fences = [i for i in locked(fastpath.run_steps(BINARY, "ShootdownLoaded")) if re.match(r"lock or. \$0x0", i)]
    assert len(fences) <= len([i for i in locked(fastpath.run_steps(BINARY, "Shootdown")) if re.match(r"lock or. \$0x0", i)])
    assert len(locked(fastpath.run_steps(BINARY, "ShootdownLoaded"))) < len(locked(fastpath.run_steps(BINARY, "Shootdown")))


def test_the_check_can_fail():
    calls = [(0, "call 1234", "malloc"), (4, "call *%rax", "")]
    assert {callee for _, _, callee in calls if callee} - COLD
    assert locked([(0, "lock addl $0x1,(%rax)", ""), (1, "xchg %eax,(%rdx)", ""), (2, "mfence", ""), (3, "nop", "")])
    with pytest.raises(fastpath.FastPathError, match="no run_steps for Nobody"):
        fastpath.run_steps(BINARY, "Nobody")

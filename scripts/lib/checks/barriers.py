# SPDX-License-Identifier: MIT
"""docs/barriers.md: every order that a scheme and its kernel paths ask for, what breaks when it asks for less, and
what the kernel's own comment says of it."""

import re

# What the page shows: each scheme once under each lifecycle whose memory is weak and whose rules differ.
SHOWN = (
    ("refcount", "powerpc"),
    ("shootdown", "powerpc"),
    ("shootdown", "arm64"),
    ("hazptr", "powerpc"),
    ("hazptr", "arm64"),
    ("mailbox-fenced", "powerpc"),
    ("mailbox-fenced", "arm64"),
    ("shootdown-filter", "powerpc"),
    ("quiesce", "arm64"),
    ("percpu", "powerpc"),
    ("refcount", "x86-2024"),
)

LIFECYCLES = ("powerpc", "arm64", "x86-2017", "x86-2024")

# Lines move with every comment.
UNSTABLE = re.compile(r"(?<=\.h|cc):\d+(?=\))")

BEGIN, END = "<!-- table: scripts/barriers-page -->\n", "<!-- end of table -->\n"

# By file and function, and the kind of place where a function has several: what the kernel says, in our words.
COMMENTS = {
    "exit.h exit_mm": "exit_mm(): membarrier(2) sends nothing to a task without mm, so what the task did in user mode must "
    "be visible before mm is cleared",
    "kthread.h kthread_unuse_mm": "as exit_mm",
    "exec.h exec_mmap": "membarrier_exec_mmap(): before the registration is cleared",
    "kernel_program.cc schedule": "__schedule(), smp_mb__after_spinlock(): membarrier's barrier between user mode and the "
    "store to rq->curr",
    "context_switch.h finish_task_switch": "finish_task(): the last reference to prev, before another CPU may run it; "
    "pairs with try_to_wake_up()",
    "take_step.h await_off_cpu": "try_to_wake_up(): smp_cond_load_acquire(&p->on_cpu), pairs with finish_task()",
    "context_switch.h context_switch": "arm64's __switch_to(), dsb(ish): a TLB invalidation is complete before the task "
    "migrates; membarrier(2) asks for it too",
    "membarrier.h membarrier_private_expedited": "matches the barriers round the store to rq->curr: what the caller did "
    "comes before the reads of rq->curr, and these before what it does next",
    "membarrier.h ipi_mb": "the IPI is a barrier on the CPU that runs the process",
    "smp.h other_cpus_of_mm": "no order in the kernel: stop_machine() gives it",
    "smp.h cpu_online": "no order in the kernel: stop_machine() gives it",
    "exit.h mmput": "atomic_dec_and_test(); no comment",
    "mm_life.h mmdrop": "finish_task_switch(): membarrier(2) needs a full barrier between the store to rq->curr and user "
    "mode, and mmdrop is it on the way from a kernel thread",
    "shootdown.h lazy_exit": "mmdrop_lazy_tlb(): must be a full barrier even where nothing is counted, for membarrier(2)",
    "mailbox_fenced.h lazy_exit": "not in the posting; as mmdrop_lazy_tlb()",
    "hazptr.h lazy_enter fence": "Desnoyers: between the store to rq->curr and what the kernel thread does, as the grab's "
    "atomic was (switch_mm_cid leans on it)",
    "hazptr.h lazy_exit fence": "Desnoyers: for membarrier(2), as the drop's atomic was",
    "hazptr.h reap fence": "Desnoyers: __mmdrop(), the scanner's half of Dekker against who publishes a slot",
    "hazptr.h reap load": "Desnoyers: pairs with the release that clears the slot",
    "hazptr.h lazy_exit store": "Desnoyers: the slot is cleared behind the last use",
    "hazptr.h lazy_enter store": "Desnoyers: WRITE_ONCE()",
    "mailbox.h lazy_enter": "Lutomirski: WRITE_ONCE(); the caller still owns a reference",
    "mailbox.h lazy_leave": "Lutomirski: smp_store_release(), pairs with the scanner's acquire: who reads NULL may free",
    "mailbox.h users_gone": "Lutomirski: smp_load_acquire(), pairs with that release",
    "mailbox.h put": "Lutomirski: xchg(), fully ordered",
    "powerpc.h switch_mm_irqs_off": "switch_mm_irqs_off(): the bit in mm_cpumask is visible before this CPU can load "
    "translations of next; pairs with the flush. The other, membarrier_arch_switch_mm(): between the store to rq->curr "
    "and user mode, where processes are registered",
    "powerpc.h flush_tlb_mm": "radix__flush_tlb_mm(): page tables are cleared before mm_cpumask is read; pairs with "
    "switch_mm_irqs_off()",
    "arm64.h flush_tlb_mm": "dsb(ishst) before TLBI, that the walkers see the page tables; dsb(ish) behind, that it is done",
}


def comment(place):
    """What the kernel's comment says of a place; empty if it has none."""
    for key in (f"{place['file']} {place['function']} {place['kind']}", f"{place['file']} {place['function']}"):
        if key in COMMENTS:
            return COMMENTS[key]
    return ""


def needed_for(place):
    """One cell of the table: what breaks at each weaker order, and which is enough."""
    trials = place["trials"]
    parts = [f"{one['order']}: {one['violation']} in `{one['case']}`" for one in trials if one["verdict"] == "violated"]
    enough = [one for one in trials if one["verdict"] != "violated"]
    if not parts:
        return "**nothing we know**" + (", bounded" if enough[0]["verdict"] == "bounded" else "")
    return "; ".join(parts) + "".join(f"; {one['order']} is enough" for one in enough)


def name(place):
    """A place without its line, which moves with every comment; the kind tells apart most that share a function."""
    return f"{place['file']} `{place['function']}`"


def rows(tables):
    """One row for each place: scheme, lifecycle, place, order, needed for, the kernel's comment."""
    for table in tables:
        for place in table["places"]:
            yield (
                f"{table['scheme']}, {table['lifecycle']}",
                name(place),
                f"{place['order']} {place['kind']}",
                needed_for(place),
                comment(place),
            )


def table(tables):
    """The table in Markdown: places that say the same under several schemes and lifecycles are one row."""
    merged = {}
    for where, *rest in rows(tables):
        merged.setdefault(tuple(rest), []).append(where)
    text = "| place | order | weakened | the kernel says | seen with |\n|---|---|---|---|---|\n"
    for rest, where in sorted(merged.items()):
        text += f"| {' | '.join(rest)} | {'; '.join(where)} |\n"
    return text


# What the page shows an interleaving of: the title, the scheme, the lifecycle, the place (file, function and kind; the first of those),
# what it asks for instead, in which case.
SHOWN_SCHEDULES = (
    ("Hazptr's fence", "hazptr", "powerpc", "hazptr.h lazy_exit fence", "none", "membarrier-in"),
    ("Shootdown's fence", "shootdown", "powerpc", "shootdown.h lazy_exit fence", "none", "membarrier-in"),
    ("The same on arm64", "shootdown", "arm64", "shootdown.h lazy_exit fence", "none", "membarrier-use"),
    ("The mailbox's release", "mailbox-fenced", "powerpc", "mailbox.h lazy_leave store", "relaxed", "exit"),
    ("The mailbox's exchange", "mailbox-fenced", "powerpc", "mailbox.h put read-modify-write", "relaxed", "exec"),
    ("mm_cpumask's fence", "refcount", "powerpc", "powerpc.h switch_mm_irqs_off fence", "none", "first-touch"),
    ("mmdrop, the last use", "refcount", "powerpc", "mm_life.h mmdrop read-modify-write", "relaxed", "exit"),
    ("mmdrop, the rest", "refcount", "powerpc", "mm_life.h mmdrop read-modify-write", "acq_rel", "membarrier-in"),
    ("exit_mm's fence", "shootdown", "powerpc", "exit.h exit_mm fence", "none", "membarrier-exit"),
    ("finish_task's release", "hazptr", "powerpc", "context_switch.h finish_task_switch store", "relaxed", "migrated"),
)

SCHEDULES_BEGIN, SCHEDULES_END = "<!-- schedules: scripts/barriers-page -->\n", "<!-- end of schedules -->\n"


def place_of(table, key, number):
    """The place of a table that is called so, the `number`-th from 0 in order of lines."""
    file, function, *kind = key.split()
    found = [p for p in table["places"] if [p["file"], p["function"], p["kind"]] == [file, function, *kind]]
    return found[number]


def needed_on(key, cell, weaken, run):
    """Every lifecycle that comes by the place, and whether the case breaks there, the same way, when it asks for less."""
    breaks, holds = [], []
    for lifecycle in ("powerpc", "powerpc-hash") if key.startswith("powerpc") else LIFECYCLES:
        shown = run.json(["check", "--lifecycle", lifecycle, *cell, "--weaken", weaken])[0]
        (breaks if shown["verdict"] == "violated" else holds).append(f"{lifecycle} ({shown['memory']})")
    return f"Breaks on {', '.join(breaks)}" + (f"; not on {', '.join(holds)}." if holds else ".")


def schedule(entry, run):
    """One place, on which machines it is needed for this, and the interleaving: what others can tell, without the rest."""
    title, scheme, lifecycle, key, order, case = entry
    cell = ["--scheme", scheme, "--case", case]
    places = run.json(["check", "--lifecycle", lifecycle, *cell, "--weaken"])[0]["places"]
    place = next(p for p in places if f"{p['file']} {p['function']} {p['kind']}" == key)
    weaken = f"{place['file']}:{place['line']}:{place['column']}={order}"
    shown = run.json(["check", "--lifecycle", lifecycle, *cell, "--weaken", weaken])[0]
    cell += ["--verdicts", shown["violation"].split(", ")[0].lower()]
    lines = [line for line in shown["interleaving"] if line["shared"]]
    text = f"**{title}**: {name(place)}, {place['order']} {place['kind']}, to {order}. {needed_on(key, cell, weaken, run)}\n\n"
    text += f"```\n{scheme}, {lifecycle}, {case}: {shown['violation']}, {shown['where']}\n"
    text += "".join(f"{line['step']:>3}  CPU {line['cpu']}: {UNSTABLE.sub('', line['text'])}\n" for line in lines)
    return text + "```\n\n"


def between(page, begin, end, text):
    """The page with what stands between two marks replaced."""
    before, rest = page.split(begin)
    return before + begin + text + end + rest.split(end)[1]


def rendered(page, run):
    """The page with its table and interleavings made anew. `run.json(arguments)` returns what mmscale prints, parsed."""
    tables = []
    for scheme, lifecycle in SHOWN:
        # What larger cases take is longer than all others together, under x86 from three CPUs on.
        most = ("--most-cpus", "2" if lifecycle.startswith("x86") else "3")
        tables += run.json(["check", "--scheme", scheme, "--lifecycle", lifecycle, *most, "--weaken"])
    page = between(page, BEGIN, END, table(tables))
    shown = "\n" + "".join(schedule(entry, run) for entry in SHOWN_SCHEDULES)
    return between(page, SCHEDULES_BEGIN, SCHEDULES_END, shown)

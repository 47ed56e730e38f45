# SPDX-License-Identifier: MIT
"""What a scheme does, in a line for people who do not know its name; `mmscale schemes` says more."""

WHAT = {
    "refcount": "an atomic in and out of idle, what most kernels do",
    "refcount-packed": "refcount whose counter shares its line with what every switch reads",
    "shootdown": "count nothing, interrupt borrowers when the mm is freed",
    "hazptr": "publish what is borrowed in a line of the CPU's own, look at all when the mm is freed",
    "mailbox": "publish what is borrowed; the last user hands each borrower a reference, no interrupt",
    "percpu": "count in a counter of the mm and CPU, folded when its last user goes",
    "nonlazy": "borrow nothing, load the kernel's own mm at every idle",
    "untracked": "neither count nor interrupt: not safe, the floor under all others",
}

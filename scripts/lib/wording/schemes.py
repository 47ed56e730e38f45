# SPDX-License-Identifier: MIT
"""What a scheme does, in a line for people who do not know its name; `mmscale schemes` says more."""

WHAT = {
    "refcount": "an atomic in and out of idle, what most kernels do",
    "refcount-packed": "refcount whose counter shares its line with what every switch reads",
    "shootdown": "count nothing, interrupt borrowers when the mm is freed",
    "hazptr": "publish what is borrowed in a line of the CPU's own, look at all when the mm is freed",
    "refcount-rcu": "refcount whose last drop in a switch frees from an RCU callback",
    "shootdown-exitflush": "shootdown that lets the exit flush's own interrupts take the borrowers along",
    "shootdown-exitinit": "shootdown whose exiting threads stop borrowing at once",
    "shootdown-batch": "shootdown of several dead mms in one round of interrupts",
    "shootdown-filter": "shootdown of those CPUs of the mask that publish this mm as borrowed",
    "shootdown-filter-all": "shootdown of those CPUs, of all possible ones, that publish this mm as borrowed",
    "shootdown-trim": "shootdown where a CPU that ends its borrow leaves a dying mm's mask by itself",
    "quiesce": "keep a dead mm until every CPU of its mask has ended its borrow, no interrupt",
    "mailbox-fenced": "mailbox with the full barrier that membarrier(2) needs",
    "mailbox": "publish what is borrowed; the last user hands each borrower a reference, no interrupt",
    "percpu": "count in a counter of the mm and CPU, folded when its last user goes",
    "nonlazy": "borrow nothing, load the kernel's own mm at every idle",
    "untracked": "neither count nor interrupt: not safe, the floor under all others",
}

// SPDX-License-Identifier: MIT
//
// futex(2), as thin as can be: what is measured is the call.
#pragma once

#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>

namespace mmscale::host {

using FutexWord = std::atomic<std::uint32_t>;
static_assert(sizeof(FutexWord) == sizeof(std::uint32_t) && FutexWord::is_always_lock_free);

// Whether the waiters all belong to one mm (the kernel then keys the word by address alone) or may be in
// several that share the page.
enum class FutexScope : int { one_mm = FUTEX_PRIVATE_FLAG, shared_page = 0 };

// Sleeps while the word is `expected`, until somebody wakes it or `at_most` is over; may return for no reason, and for a signal.
inline void futex_wait(FutexWord& word, std::uint32_t expected, FutexScope scope,
                       const timespec* at_most = nullptr) {
  ::syscall(SYS_futex, &word, FUTEX_WAIT | static_cast<int>(scope), expected, at_most, nullptr, 0);
}

inline void futex_wake(FutexWord& word, int how_many, FutexScope scope) {
  ::syscall(SYS_futex, &word, FUTEX_WAKE | static_cast<int>(scope), how_many, nullptr, nullptr, 0);
}

}  // namespace mmscale::host

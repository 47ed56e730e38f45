// SPDX-License-Identifier: MIT
#include "machine/fiber/fiber.h"

#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <boost/context/detail/fcontext.hpp>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <system_error>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#if defined(__SANITIZE_THREAD__)
#include <sanitizer/tsan_interface.h>
#endif

namespace mmscale::machine {

namespace {

namespace context = boost::context::detail;

std::size_t page_bytes() {
  static const auto bytes = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  return bytes;
}

// Stacks are mapped at page boundaries, so the busy ends of thousands of them would share a few sets of the
// first-level cache. Each begins a different number of lines below its mapping's end, round and round within
// a page.
std::size_t next_colour() {
  static std::atomic<std::size_t> made{0};
  constexpr std::size_t kLineBytes = 64;
  constexpr std::size_t kColours = 64;
  return made.fetch_add(1, std::memory_order_relaxed) % kColours * kLineBytes;
}

}  // namespace

// First frame on a fiber's stack.
struct Fiber::Trampoline {
#if MMSCALE_OWN_JUMP
  static void enter(Fiber& here) {
    here.entry_(here.argument_);
    std::abort();
  }
#else
  static void enter(context::transfer_t transfer) {
    const auto& passage = *static_cast<const Passage*>(transfer.data);
    Fiber& here = passage.to;
    here.arrive_from(passage.from, transfer.fctx);
    here.entry_(here.argument_);
    std::abort();
  }
#endif
};

Fiber::Fiber() = default;

Fiber::Fiber(std::size_t stack_bytes) {
  const std::size_t page = page_bytes();
  // One page more than asked for, since the colour takes up to one.
  const std::size_t stack_pages = (stack_bytes + page - 1) / page + 1;
  mapping_bytes_ = (stack_pages + 1) * page;
  mapping_ = mmap(nullptr, mapping_bytes_, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapping_ == MAP_FAILED)
    throw std::system_error(errno, std::generic_category(), "mapping a fiber's stack");
  if (mprotect(mapping_, page, PROT_NONE) != 0) {
    const int error = errno;
    munmap(mapping_, mapping_bytes_);
    throw std::system_error(error, std::generic_category(), "protecting a fiber's guard page");
  }
  bottom_ = static_cast<char*>(mapping_) + page;
  bytes_ = stack_pages * page - next_colour();
}

Fiber::~Fiber() {
  if (mapping_ == nullptr) return;
#if defined(__SANITIZE_ADDRESS__)
  ASAN_UNPOISON_MEMORY_REGION(bottom_, bytes_);
#endif
#if defined(__SANITIZE_THREAD__)
  if (tsan_fiber_ != nullptr) __tsan_destroy_fiber(tsan_fiber_);
#endif
  munmap(mapping_, mapping_bytes_);
}

void Fiber::start(Entry entry, void* argument) {
  entry_ = entry;
  argument_ = argument;
#if defined(__SANITIZE_ADDRESS__)
  // Frames that were abandoned left their red zones behind.
  ASAN_UNPOISON_MEMORY_REGION(bottom_, bytes_);
  asan_fake_stack_ = nullptr;
#endif
  void* const top = static_cast<char*>(bottom_) + bytes_;
#if MMSCALE_OWN_JUMP
  // Where it goes on, and then an address that nobody returns to, at an odd multiple of 8 as after a call.
  auto* const words =
      reinterpret_cast<std::uintptr_t*>(reinterpret_cast<std::uintptr_t>(top) & ~std::uintptr_t{15}) - 2;
  words[0] = reinterpret_cast<std::uintptr_t>(Trampoline::enter);
  words[1] = 0;
  context_ = words;
#else
  context_ = context::make_fcontext(top, bytes_, Trampoline::enter);
#endif
#if defined(__SANITIZE_THREAD__)
  // Its shadow call stack still holds the abandoned frames.
  if (tsan_fiber_ != nullptr) __tsan_destroy_fiber(tsan_fiber_);
  tsan_fiber_ = __tsan_create_fiber(0);
#endif
}

#if MMSCALE_OWN_JUMP
void Fiber::jump(Fiber& to) { jump_here(to); }
#else
void Fiber::jump(Fiber& to) {
  Passage passage{*this, to};
  depart_to(to);
  const context::transfer_t transfer = context::jump_fcontext(to.context_, &passage);
  const auto& arrival = *static_cast<const Passage*>(transfer.data);
  arrive_from(arrival.from, transfer.fctx);
}

void Fiber::depart_to([[maybe_unused]] Fiber& to) {
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_start_switch_fiber(&asan_fake_stack_, to.bottom_, to.bytes_);
#endif
#if defined(__SANITIZE_THREAD__)
  // Whichever thread it is that is left.
  if (mapping_ == nullptr) tsan_fiber_ = __tsan_get_current_fiber();
  __tsan_switch_to_fiber(to.tsan_fiber_, 0);
#endif
}

void Fiber::arrive_from(Fiber& from, void* context_of_from) {
  from.context_ = context_of_from;
#if defined(__SANITIZE_ADDRESS__)
  // A thread's stack becomes known when it is first left.
  const void* bottom = nullptr;
  std::size_t bytes = 0;
  __sanitizer_finish_switch_fiber(asan_fake_stack_, &bottom, &bytes);
  if (from.mapping_ == nullptr) {
    from.bottom_ = const_cast<void*>(bottom);
    from.bytes_ = bytes;
  }
#endif
}
#endif

}  // namespace mmscale::machine

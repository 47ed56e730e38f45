// SPDX-License-Identifier: MIT
//
// A stack of its own to run an emulated CPU on, and the jump between two of them. Made for worlds that run
// all CPUs on one thread: the simulator and the explorer.
//
// A jump is Boost.Context's fcontext, or on x86-64 our own, and nothing more: callee-saved registers and the stack
// pointer, no system call, no exception. A fiber is never unwound: one that is abandoned in the middle is simply started
// anew or destroyed, at no cost, and destructors of what lives on its stack do not run. Hence own nothing on
// a fiber's stack (memory, locks, IPI messages belong to whoever made the fiber), and never jump inside a
// catch block (the C++ runtime keeps its caught exceptions per thread, not per stack).
#pragma once

#include <cstddef>
#include <span>

// Whether a jump is instructions of ours: a sanitizer has to be told of it, and AVX-512 has registers that they do not save.
#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) && \
    !defined(__AVX512F__)
#define MMSCALE_OWN_JUMP 1
#else
#define MMSCALE_OWN_JUMP 0
#endif

// Of what jumps, and is part of whoever calls it.
#define MMSCALE_JUMPS inline __attribute__((always_inline))

namespace mmscale::machine {

class Fiber {
 public:
  // Runs on the fiber's stack; must not return. What is finished jumps away and is not jumped to again.
  using Entry = void (*)(void* argument);

  // Pages are only backed when touched, so that this is address space and not memory.
  static constexpr std::size_t kStackBytes = std::size_t{64} << 10;

  // The calling thread itself, on the stack it already has: where jumps start from and come back to.
  Fiber();
  // A fiber with a new stack, a guard page below it. Throws std::system_error if there is no memory.
  explicit Fiber(std::size_t stack_bytes);
  ~Fiber();

  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  // The next jump to this fiber calls entry(argument) at the top of its stack, whatever was there before. Not
  // for a thread, and not for the fiber that runs.
  void start(Entry entry, void* argument);

  // Leaves this fiber, which must be the running one, and goes on in `to`; returns when somebody jumps back
  // here.
  void jump(Fiber& to);

  // The same within the function that calls it, which calls others, too: a leaf has data below its stack pointer. A
  // processor expects to return to where it was called from, and so at the wrong place where fibers take turns every few
  // nanoseconds, each further on than the next: that costs more than the jump. Who jumps here returns from nothing.
#if MMSCALE_OWN_JUMP
  MMSCALE_JUMPS void jump_here(Fiber& to) {
    // Who starts is called with the first of them.
    Fiber* there = &to;
    void* stack = to.context_;
    void** from = &context_;
    asm volatile(
        "lea 1f(%%rip), %%rax\n\t"
        "push %%rbp\n\t"
        "push %%rax\n\t"
        "mov %%rsp, (%2)\n\t"
        "mov %1, %%rsp\n\t"
        "pop %%rax\n\t"
        "jmp *%%rax\n"
        "1:\tpop %%rbp"
        : "+D"(there), "+S"(stack), "+d"(from)
        :
        : "rax", "rbx", "rcx", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "xmm0", "xmm1", "xmm2",
          "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14",
          "xmm15", "memory", "cc");
  }
#else
  void jump_here(Fiber& to) { jump(to); }
#endif

  // Of a fiber that will soon be jumped to: brings what it goes on with nearer to the processor.
  void prefetch() const {
    for (std::size_t line = 0; line < 4; ++line)
      __builtin_prefetch(static_cast<const std::byte*>(context_) + 64 * line);
  }

  // Of a fiber that does not run: what is on its stack, saved registers first. Together with the memory
  // outside it is all that decides how the fiber goes on.
  std::span<std::byte> live_stack() const {
    return {static_cast<std::byte*>(context_), static_cast<std::byte*>(bottom_) + bytes_};
  }
  // To put such bytes back, and go on from there: the place for them, which the next jump to this fiber begins with.
  // Not with sanitizers, whose own books of a stack stay as they are.
  std::span<std::byte> with_live_stack(std::size_t bytes) {
    context_ = static_cast<std::byte*>(bottom_) + bytes_ - bytes;
    return live_stack();
  }

 private:
  // What a jump hands over: who left, and who arrives.
  struct Passage {
    Fiber& from;
    Fiber& to;
  };
  struct Trampoline;

  void depart_to(Fiber& to);
  void arrive_from(Fiber& from, void* context_of_from);

  // Where to go on: its stack, saved registers on top, valid while the fiber does not run.
  void* context_ = nullptr;
  Entry entry_ = nullptr;
  void* argument_ = nullptr;
  // The mapping, guard page included; nullptr for a thread.
  void* mapping_ = nullptr;
  std::size_t mapping_bytes_ = 0;
  // Usable stack: lowest address and size.
  void* bottom_ = nullptr;
  std::size_t bytes_ = 0;
  // What the sanitizers keep of a fiber that does not run.
  [[maybe_unused]] void* asan_fake_stack_ = nullptr;
  [[maybe_unused]] void* tsan_fiber_ = nullptr;
};

}  // namespace mmscale::machine

// SPDX-License-Identifier: MIT
//
// Two ends that pass one message back and forth by sleeping and waking each other: the smallest thing that
// makes a kernel switch.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "host/futex.h"
#include "machine/machine.h"
#include "topology/fd.h"

namespace mmscale::host {

enum class Primitive { futex, pipe };
inline constexpr std::array<std::string_view, 2> kPrimitiveNames = {"futex", "pipe"};

// What one end tells the other.
enum class Message : std::uint32_t {
  none,
  ping,      // answer
  probe,     // take an arithmetic probe, then answer
  snapshot,  // look at what the kernel counted for you, then answer
  quit,      // answer, and stop
};

// The words of a futex wire, in memory that both ends see. On lines apart: each is written by one end.
struct WireWords {
  struct alignas(machine::kApart) Word {
    FutexWord message{0};
  };
  std::array<Word, 2> to;
};

// One wire between end 0 and end 1. Made before the ends' processes are forked; a message is one
// store and one system call on either side (futex), or two system calls (pipe). A futex is keyed by its page
// whoever the ends are: the private key of ends that share an mm is a shorter way through the kernel, and who held it
// against processes would take that for a gain of sharing.
class Wire {
 public:
  // `words` must outlive the wire. Throws std::system_error if there are no more pipes to be had.
  Wire(Primitive primitive, WireWords& words);

  void send_to(unsigned end, Message message);
  // Sleeps until there is one. Throws std::runtime_error if the other end is gone.
  Message receive_at(unsigned end);

 private:
  const Primitive primitive_;
  WireWords* words_;
  // pipes_[end]: where that end reads, and where it is written to.
  std::array<std::array<topology::Fd, 2>, 2> pipes_;
};

}  // namespace mmscale::host

// SPDX-License-Identifier: MIT
//
// A CPU's call queue: the kernel's per-CPU call_single_queue, an llist of call_single_data (kernel/smp.c).
// Any CPU pushes, only the owner takes, all at once.
#pragma once

#include <atomic>
#include <cstdint>

#include "machine/machine.h"

namespace mmscale::machine::silicon {

// One request of one sender to one target: call_single_data. Each sender owns one for every target (the
// kernel's cfd_data->csd), so nothing is allocated to send; `busy` is CSD_FLAG_LOCK. Alone in its line, as
// the kernel's are
// (____cacheline_aligned), since sender and target write it in turn.
template <class M>
struct alignas(kLine) Request {
  Request* next = nullptr;
  IpiHandler<M> handler = nullptr;
  void* info = nullptr;
  std::atomic<std::uint32_t> busy{0};
};

template <class M>
class Inbox {
 public:
  // llist_add: true if the queue was empty, which is when the kernel raises an interrupt. Release, so that
  // the owner sees the request's fields; the CAS is on the line every sender to this CPU fights for, as in
  // the kernel.
  bool push(Request<M>& request) {
    Request<M>* first = head_.load(std::memory_order_relaxed);
    do {
      request.next = first;
    } while (
        !head_.compare_exchange_weak(first, &request, std::memory_order_release, std::memory_order_relaxed));
    return first == nullptr;
  }

  // Whether a request waits. Relaxed: a stale "no" only postpones to the next enable point, which is what a
  // real interrupt's flight time does.
  MMSCALE_INLINE bool pending() const { return head_.load(std::memory_order_relaxed) != nullptr; }

  // llist_del_all + llist_reverse_order: every waiting request, oldest first. Acquire pairs with push's
  // release.
  Request<M>* take_all() {
    Request<M>* newest_first = head_.exchange(nullptr, std::memory_order_acquire);
    Request<M>* oldest_first = nullptr;
    while (newest_first != nullptr) {
      Request<M>* next = newest_first->next;
      newest_first->next = oldest_first;
      oldest_first = newest_first;
      newest_first = next;
    }
    return oldest_first;
  }

 private:
  alignas(kApart) std::atomic<Request<M>*> head_{nullptr};
};

}  // namespace mmscale::machine::silicon

// SPDX-License-Identifier: MIT
#include "machine/silicon/pool.h"

#include <fmt/format.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#include "machine/silicon/rcu.h"
#include "topology/bind.h"
#include "topology/cpu_list.h"

namespace mmscale::machine::silicon {
namespace {

using std::chrono::nanoseconds;
using std::chrono::seconds;

const cpu_set_t* cpu_set(const std::vector<unsigned long>& mask) {
  return reinterpret_cast<const cpu_set_t*>(mask.data());
}

// How many threads have been parked. A handler gets no argument: one count for all pools.
std::atomic<unsigned> parked{0};
static_assert(std::atomic<unsigned>::is_always_lock_free);

// Next to the transport's, which is the last.
int park_signal() { return SIGRTMAX - 1; }

// Where a thread that did not come back stays. liburcu must not wait for it.
void stay_here(int) {
  Rcu::idle_enter();
  parked.fetch_add(1);
  for (;;) ::pause();
}

}  // namespace

// One thread and the order it has: to bind itself, to run a body, or to end. The pool's thread gives orders
// and waits.
class Pool::Worker {
 public:
  Worker(const topology::Topology& topology, unsigned os_cpu) : topology_(topology), os_cpu_(os_cpu) {
    // Created pinned, so that the stack's pages are first touched on the CPU's own node.
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    const std::vector<unsigned long> mask = topology::affinity_mask(os_cpu);
    int error = pthread_attr_setaffinity_np(&attributes, mask.size() * sizeof(mask[0]), cpu_set(mask));
    if (error == 0)
      error = pthread_create(
          &thread_, &attributes,
          [](void* self) -> void* {
            static_cast<Worker*>(self)->loop();
            return nullptr;
          },
          this);
    pthread_attr_destroy(&attributes);
    if (error != 0)
      throw topology::BindError(
          fmt::format("no thread on CPU {}: {}", os_cpu, topology::why_no_thread(error)));
  }

  ~Worker() {
    order([this] { ended_ = true; });
    bring_here();
    pthread_join(thread_, nullptr);
  }

  // For a worker that does not come back from its order: it never will.
  void park() {
    pthread_kill(thread_, park_signal());
    bring_here();
  }

  // Gives an order; the worker must be idle. Woken while this held the lock, it would sleep again for that.
  void order(std::function<void()> what) {
    {
      std::lock_guard lock(mutex_);
      order_ = std::move(what);
      busy_ = true;
    }
    wake_.notify_all();
  }

  // Whether the order was carried out by then.
  bool wait_until(std::chrono::steady_clock::time_point deadline) {
    std::unique_lock lock(mutex_);
    return wake_.wait_until(lock, deadline, [this] { return !busy_; });
  }

  // Binds, and says what went wrong with it.
  void order_bind() {
    order([this] {
      failure_ = nullptr;
      try {
        topology::bind_this_thread(topology_, os_cpu_);
      } catch (...) {
        failure_ = std::current_exception();
      }
    });
  }
  std::exception_ptr failure() const { return failure_; }

 private:
  // Its CPU may have no time for it, and it has to run once more.
  void bring_here() {
    const int here = ::sched_getcpu();
    if (here < 0) return;
    const std::vector<unsigned long> mask = topology::affinity_mask(static_cast<unsigned>(here));
    pthread_setaffinity_np(thread_, mask.size() * sizeof(mask[0]), cpu_set(mask));
  }

  void loop() {
    while (!ended_) {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return busy_; });
      lock.unlock();
      order_();
      lock.lock();
      busy_ = false;
      wake_.notify_all();
    }
  }

  const topology::Topology& topology_;
  const unsigned os_cpu_;
  pthread_t thread_{};
  std::mutex mutex_;
  std::condition_variable wake_;
  std::function<void()> order_;
  bool busy_ = false;
  bool ended_ = false;
  std::exception_ptr failure_;
};

Pool::Pool(const topology::Topology& topology) : topology_(topology) {
  Rcu::start_thread();
  struct sigaction action = {};
  action.sa_handler = stay_here;
  // Nothing disturbs who is parked.
  sigfillset(&action.sa_mask);
  sigaction(park_signal(), &action, nullptr);
}

// Never destroyed: their threads are parked for as long as the process lives.
std::vector<std::unique_ptr<Pool::Worker>>& Pool::abandoned() {
  static auto& workers = *new std::vector<std::unique_ptr<Worker>>;
  return workers;
}

Pool::~Pool() = default;

pid_t Pool::fork() { return abandoned().empty() ? ::fork() : ::_Fork(); }

Pool::Worker& Pool::worker(unsigned os_cpu) {
  auto& slot = workers_[os_cpu];
  if (!slot) slot = std::make_unique<Worker>(topology_, os_cpu);
  return *slot;
}

void Pool::run(std::span<const unsigned> os_cpus, const std::function<void(unsigned)>& body,
               nanoseconds patience) {
  std::vector<Worker*> workers;
  for (unsigned os_cpu : os_cpus) workers.push_back(&worker(os_cpu));

  for (Worker* w : workers) w->order_bind();
  // Binding takes microseconds; this is for machines that are swapping. Who was silent before is asked, but not waited for
  // as long: the windows of a whole campaign may want that CPU.
  const bool asked_before =
      std::ranges::any_of(os_cpus, [this](unsigned cpu) { return silent_.contains(cpu); });
  if (const auto silent = missing(os_cpus, seconds(asked_before ? 1 : 30)); !silent.empty()) {
    park(silent);
    silent_.insert(silent.begin(), silent.end());
    throw topology::BindError(
        fmt::format("CPU {} does not run a thread bound to it", topology::format_cpu_list(silent, 12)));
  }
  for (unsigned os_cpu : os_cpus) silent_.erase(os_cpu);
  for (Worker* w : workers)
    if (w->failure()) std::rethrow_exception(w->failure());

  for (unsigned i = 0; i < workers.size(); ++i) workers[i]->order([&body, i] { body(i); });
  if (const auto stuck = missing(os_cpus, patience); !stuck.empty()) {
    park(stuck);
    throw topology::StuckError(fmt::format("after {} s {} of its threads had not come back: those on CPU {}",
                                           std::chrono::duration_cast<seconds>(patience).count(),
                                           stuck.size(), topology::format_cpu_list(stuck, 12)));
  }
}

std::vector<unsigned> Pool::missing(std::span<const unsigned> os_cpus, nanoseconds patience) const {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  std::vector<unsigned> missing;
  for (const unsigned os_cpu : os_cpus)
    if (!workers_.at(os_cpu)->wait_until(deadline)) missing.push_back(os_cpu);
  return missing;
}

void Pool::park(std::span<const unsigned> os_cpus) {
  const unsigned before = parked.load();
  for (const unsigned os_cpu : os_cpus) {
    const auto at = workers_.find(os_cpu);
    at->second->park();
    // Its thread still refers to it.
    abandoned().push_back(std::move(at->second));
    workers_.erase(at);
  }
  // Who cannot be stopped now (frozen, or stopped by a debugger) takes the signal before it does anything else.
  const auto deadline = std::chrono::steady_clock::now() + seconds(5);
  while (parked.load() - before < os_cpus.size() && std::chrono::steady_clock::now() < deadline)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

}  // namespace mmscale::machine::silicon

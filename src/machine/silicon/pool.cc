// SPDX-License-Identifier: MIT
#include "machine/silicon/pool.h"

#include <fmt/format.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <mutex>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "machine/silicon/rcu.h"
#include "topology/bind.h"
#include "topology/cpu_list.h"

namespace mmscale::machine::silicon {
namespace {

// A kernel affinity mask of any length: glibc's cpu_set_t ends at CPU 1023.
std::vector<unsigned long> affinity_of(unsigned os_cpu) {
  constexpr unsigned kBits = 8 * sizeof(unsigned long);
  std::vector<unsigned long> mask(os_cpu / kBits + 1);
  mask.back() = 1ul << (os_cpu % kBits);
  return mask;
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
    const std::vector<unsigned long> mask = affinity_of(os_cpu);
    int error = pthread_attr_setaffinity_np(&attributes, mask.size() * sizeof(mask[0]),
                                            reinterpret_cast<const cpu_set_t*>(mask.data()));
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
      throw topology::BindError(fmt::format("no thread on CPU {}: {}", os_cpu, strerror(error)));
  }

  ~Worker() {
    order([this] { ended_ = true; });
    pthread_join(thread_, nullptr);
  }

  // For a worker that does not come back from its order: it never will.
  void park() { pthread_kill(thread_, park_signal()); }

  // Gives an order; the worker must be idle.
  void order(std::function<void()> what) {
    std::lock_guard lock(mutex_);
    order_ = std::move(what);
    busy_ = true;
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

Pool::Worker& Pool::worker(unsigned os_cpu) {
  auto& slot = workers_[os_cpu];
  if (!slot) slot = std::make_unique<Worker>(topology_, os_cpu);
  return *slot;
}

void Pool::run(std::span<const unsigned> os_cpus, const std::function<void(unsigned)>& body,
               std::chrono::nanoseconds patience) {
  std::vector<Worker*> workers;
  for (unsigned os_cpu : os_cpus) workers.push_back(&worker(os_cpu));

  for (Worker* w : workers) w->order_bind();
  // Binding takes microseconds; a minute is for machines that are swapping.
  const auto bound_by = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  for (std::size_t i = 0; i < workers.size(); ++i)
    if (!workers[i]->wait_until(bound_by))
      throw topology::BindError(fmt::format("CPU {}: its thread does not run", os_cpus[i]));
  for (Worker* w : workers)
    if (w->failure()) std::rethrow_exception(w->failure());

  for (unsigned i = 0; i < workers.size(); ++i) workers[i]->order([&body, i] { body(i); });
  const auto deadline = std::chrono::steady_clock::now() + patience;
  std::vector<unsigned> missing;
  for (std::size_t i = 0; i < workers.size(); ++i)
    if (!workers[i]->wait_until(deadline)) missing.push_back(os_cpus[i]);
  if (!missing.empty()) park(missing, patience);
}

void Pool::park(const std::vector<unsigned>& os_cpus, std::chrono::nanoseconds patience) {
  const std::string which = fmt::format("after {} s {} of its threads had not come back: those on CPU {}",
                                        std::chrono::duration_cast<std::chrono::seconds>(patience).count(),
                                        os_cpus.size(), topology::format_cpu_list(os_cpus, 12));
  const unsigned before = parked.load();
  for (const unsigned os_cpu : os_cpus) {
    const auto at = workers_.find(os_cpu);
    at->second->park();
    // Its thread still refers to it.
    abandoned().push_back(std::move(at->second));
    workers_.erase(at);
  }
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (parked.load() - before < os_cpus.size()) {
    if (std::chrono::steady_clock::now() > deadline) {
      fmt::print(stderr, "mmscale: {}; nor can they be stopped; giving up\n", which);
      std::fflush(nullptr);
      std::_Exit(EXIT_FAILURE);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  throw StuckError(which);
}

}  // namespace mmscale::machine::silicon

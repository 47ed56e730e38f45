// SPDX-License-Identifier: MIT
#include "trace/trace_dat.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <map>
#include <system_error>
#include <utility>
#include <vector>

#include "topology/limited_child.h"
#include "trace/c_libraries.h"
#include "trace/raw_records.h"
#include "trace/stamps.h"

namespace mmscale::trace {
namespace {

using topology::LimitedChild;

// CPU time and memory for one file. A million events take about a second, and each has tens of bytes; a damaged file
// can make libtracecmd read in circles.
constexpr std::uintmax_t kBytesPerSecond = 4 << 20;
constexpr rlim_t kLeastSeconds = 5;

LimitedChild::Limits limits_for(const std::string& path) {
  std::error_code error;
  const std::uintmax_t bytes = std::filesystem::file_size(path, error);
  return {.cpu_seconds = kLeastSeconds + (error ? 0 : bytes / kBytesPerSecond),
          .memory_bytes = rlim_t{2} << 30};
}

struct Message {
  enum class What : std::uint8_t { event, error, end } what = What::event;
  Event event;
  std::uint64_t offset = 0;
  std::array<char, 160> error{};
};
static_assert(std::is_trivially_copyable_v<Message>);

class Child {
 public:
  Child(std::FILE* out, std::string path, std::optional<double> tick_rate)
      : out_(out), path_(std::move(path)), tick_rate_(tick_rate) {}

  void run() {
    tracecmd_set_loglevel(TEP_LOG_NONE);
    tep_set_loglevel(TEP_LOG_NONE);
    std::vector<tracecmd_input*> buffers = open_buffers();
    if (buffers.empty()) return error("libtracecmd cannot make sense of its header");
    if (!clock_fits(buffers.front())) return;
    if (buffers.size() > 1) {
      share_out(buffers);
      buffers = open_buffers();
      for (std::size_t i = 0; i < buffers.size(); ++i) buffer_of_[buffers[i]] = i;
      records_ = {};
    }
    tracecmd_iterate_events_multi(
        buffers.data(), static_cast<int>(buffers.size()),
        [](auto* handle, auto* record, int, void* self) {
          return static_cast<Child*>(self)->take(handle, record);
        },
        this);
    if (failed_) return;
    Message end;
    end.what = Message::What::end;
    send(end);
  }

 private:
  // The file's buffers, the top one first.
  std::vector<tracecmd_input*> open_buffers() {
    std::vector<tracecmd_input*> buffers;
    tracecmd_input* const top = tracecmd_open(path_.c_str(), 0);
    if (top == nullptr) return buffers;
    buffers.push_back(top);
    for (int i = 0; i < tracecmd_buffer_instances(top); ++i)
      if (tracecmd_input* const instance = tracecmd_buffer_instance_handle(top, i); instance != nullptr)
        buffers.push_back(instance);
    return buffers;
  }

  // Which buffer each kind of event is taken from: the first that has it.
  void share_out(const std::vector<tracecmd_input*>& buffers) {
    std::fill(owner_.begin(), owner_.end(), buffers.size());
    for (std::size_t i = 0; i < buffers.size(); ++i) {
      buffer_of_[buffers[i]] = i;
      tracecmd_iterate_events(
          buffers[i], nullptr, 0,
          [](auto* handle, auto* record, int, void* data) {
            auto* const self = static_cast<Child*>(data);
            const Kind kind = self->records_.kind_of(tracecmd_get_tep(handle), *record);
            auto& owner = self->owner_[static_cast<std::size_t>(kind)];
            owner = std::min(owner, self->buffer_of_[handle]);
            return 0;
          },
          this);
    }
  }

  // Whether its time stamps are time, or ticks whose rate is known.
  bool clock_fits(tracecmd_input* input) {
    const char* const name = tracecmd_get_trace_clock != nullptr ? tracecmd_get_trace_clock(input) : nullptr;
    const bool ticks = name != nullptr && kTickClocks.find(name) != kTickClocks.npos && *name != '\0';
    if (ticks && !tick_rate_)
      error(
          fmt::format("its clock is {}, which counts ticks: say how many a second has by --tick-rate, or "
                      "record with trace-cmd record -C mono",
                      std::string_view(name).substr(0, 16)));
    if (!ticks && tick_rate_) error("its time stamps are in ns: --tick-rate does not apply");
    return !failed_;
  }

  void error(std::string_view what) {
    failed_ = true;
    Message message;
    message.what = Message::What::error;
    message.offset = offset_;
    what.substr(0, message.error.size() - 1).copy(message.error.data(), message.error.size() - 1);
    send(message);
  }

  void send(const Message& message) {
    // Without a reader: it has what it wants.
    if (std::fwrite(&message, sizeof message, 1, out_) != 1) _exit(0);
  }

  int take(tracecmd_input* handle, tep_record* record) {
    offset_ = record->offset;
    Message message;
    message.offset = offset_;
    if (record->missed_events != 0) {
      message.event.kind = Kind::lost;
      message.event.cpu = static_cast<std::uint32_t>(record->cpu);
      message.event.count = record->missed_events > 0 ? static_cast<std::uint64_t>(record->missed_events) : 0;
      send(message);
    }
    // A stack or a wakeup: its task is whoever was current, also behind the sched_switch that it left by.
    const Kind kind = records_.kind_of(tracecmd_get_tep(handle), *record);
    if (kind == Kind::seen || owner_[static_cast<std::size_t>(kind)] != buffer_of(handle)) return 0;
    if (const char* wrong = records_.decode(tracecmd_get_tep(handle), *record, record->cpu, message.event)) {
      error(wrong);
      return -1;
    }
    if (tick_rate_)
      message.event.time_ns = ticks_to_ns(message.event.time_ns, *tick_rate_).value_or(UINT64_MAX);
    send(message);
    return 0;
  }

  std::size_t buffer_of(tracecmd_input* handle) const {
    const auto found = buffer_of_.find(handle);
    return found != buffer_of_.end() ? found->second : 0;
  }

  std::FILE* const out_;
  const std::string path_;
  const std::optional<double> tick_rate_;
  std::map<tracecmd_input*, std::size_t> buffer_of_;
  // By Kind: the buffer that it is taken from.
  std::array<std::size_t, 9> owner_{};
  std::uint64_t offset_ = 0;
  RawRecords records_;
  bool failed_ = false;
};

}  // namespace

struct TraceDat::Reader {
  std::string path;
  std::optional<LimitedChild> child;
  Message message;
  std::uint64_t offset = 0;

  [[noreturn]] void fail(std::string_view what) const {
    throw TraceError(fmt::format("{}: byte {}: {}", path, offset, what));
  }

  // How the child ended without a word.
  [[noreturn]] void died() {
    if (const std::string broke = child->ended().broke; !broke.empty())
      fail(fmt::format("libtracecmd broke down on what follows ({})", broke));
    fail("libtracecmd gave up on what follows");
  }
};

TraceDat::TraceDat(const std::string& path, std::optional<double> tick_rate)
    : reader_(std::make_unique<Reader>()) {
  reader_->path = path;
  try {
    reader_->child.emplace(limits_for(path), [&](std::FILE* out) {
      Child(out, path, tick_rate).run();
      return 0;
    });
  } catch (const std::system_error& error) {
    throw TraceError(fmt::format("{}: {}", path, error.what()));
  }
}

TraceDat::~TraceDat() = default;

bool TraceDat::next(Event& event) {
  Reader& reader = *reader_;
  Message& message = reader.message;
  // Once it has said its last word, that stands.
  if (message.what == Message::What::event && reader.child->read(&message, sizeof message) != sizeof message)
    reader.died();
  reader.offset = message.offset;
  if (message.what == Message::What::end) return false;
  if (message.what == Message::What::error) reader.fail(message.error.data());
  event = message.event;
  return true;
}

}  // namespace mmscale::trace

// SPDX-License-Identifier: MIT
#include "trace/raw_records.h"

#include <cstring>
#include <optional>
#include <string_view>

#include "trace/text_fields.h"

namespace mmscale::trace {
namespace {

constexpr int kCommLength = 16;

// A number of the record, 0 for a field that the kernel does not have; nothing if it lies outside.
std::optional<std::uint64_t> read(tep_format_field* field, const tep_record& record) {
  if (field == nullptr) return 0;
  unsigned long long value = 0;
  if (field->offset < 0 || field->size < 0 || field->offset > record.size - field->size ||
      tep_read_number_field(field, record.data, &value) != 0)
    return std::nullopt;
  return value;
}

std::optional<Comm> read_comm(tep_format_field* field, const tep_record& record) {
  if (field == nullptr) return Comm();
  if (field->offset < 0 || field->offset > record.size - kCommLength) return std::nullopt;
  const char* const text = static_cast<const char*>(record.data) + field->offset;
  return Comm({text, strnlen(text, kCommLength - 1)});
}

// A text that lies elsewhere in the record: the field (__data_loc) has its offset, and its length in the
// upper half.
std::optional<std::string_view> read_text(tep_format_field* field, const tep_record& record) {
  const auto where = read(field, record);
  if (!where || field == nullptr) return where ? std::optional(std::string_view()) : std::nullopt;
  const std::uint64_t offset = *where & 0xffff;
  const std::uint64_t length = *where >> 16 & 0xffff;
  if (offset + length > static_cast<std::uint64_t>(record.size)) return std::nullopt;
  const char* const text = static_cast<const char*>(record.data) + offset;
  return std::string_view(text, strnlen(text, length));
}

}  // namespace

const RawRecords::Layout& RawRecords::layout_of(tep_event* event) {
  const auto [at, first] = layouts_.try_emplace(event->id);
  Layout& layout = at->second;
  if (!first) return layout;
  const std::string_view name = event->name;
  const auto field = [event](const char* field_name) { return tep_find_field(event, field_name); };
  if (name == "sched_switch")
    layout = {.kind = Kind::switched,
              .comm = field("prev_comm"),
              .pid = field("prev_pid"),
              .other_comm = field("next_comm"),
              .other = field("next_pid"),
              .state = field("prev_state")};
  else if (name == "task_newtask")
    layout = {.kind = Kind::newtask,
              .other_comm = field("comm"),
              .other = field("pid"),
              .flags = field("clone_flags")};
  else if (name == "sched_process_fork")
    layout = {.kind = Kind::fork, .other = field("child_pid")};
  else if (name == "sched_process_exec")
    layout = {
        .kind = Kind::exec, .pid = field("pid"), .other = field("old_pid"), .filename = field("filename")};
  else if (name == "sched_process_exit")
    layout = {.kind = Kind::exit, .comm = field("comm"), .pid = field("pid")};
  else if (name == "csd_queue_cpu")
    layout = {.kind = Kind::ipi, .function = field("func")};
  return layout;
}

Kind RawRecords::kind_of(tep_handle* tep, tep_record& record) {
  tep_event* const event = tep_find_event_by_record(tep, &record);
  return event != nullptr ? layout_of(event).kind : Kind::seen;
}

const char* RawRecords::decode(tep_handle* tep, tep_record& record, int cpu, Event& out) {
  out = {};
  tep_event* const event = tep_find_event_by_record(tep, &record);
  if (event == nullptr) return "a record of no known event";
  const Layout& layout = layout_of(event);
  const auto pid = layout.pid != nullptr ? read(layout.pid, record)
                                         : std::optional<std::uint64_t>(tep_data_pid(tep, &record));
  const auto other = read(layout.other, record);
  const auto flags = read(layout.flags, record);
  const auto state = read(layout.state, record);
  const auto function = read(layout.function, record);
  const auto comm = read_comm(layout.comm, record);
  const auto other_comm = read_comm(layout.other_comm, record);
  const auto filename = read_text(layout.filename, record);
  if (!pid || !other || !flags || !state || !function || !comm || !other_comm || !filename)
    return "a record is shorter than its format says";
  out.kind = layout.kind;
  out.time_ns = record.ts;
  out.cpu = static_cast<std::uint32_t>(cpu);
  out.pid = static_cast<std::int32_t>(*pid);
  out.other = static_cast<std::int32_t>(*other);
  out.comm = layout.filename != nullptr ? executed_name(*filename) : *comm;
  out.other_comm = *other_comm;
  out.flags = *flags;
  if (layout.state != nullptr) out.state = state_letter(*state);
  if (layout.function != nullptr)
    if (const char* name = tep_find_function(tep, *function)) out.call = call_of(name);
  return nullptr;
}

}  // namespace mmscale::trace

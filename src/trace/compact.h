// SPDX-License-Identifier: MIT
//
// mmscale's own trace files: a text header that anybody can read, then the events in some bytes each.
// docs/traces.md has the format.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "measure/output_file.h"
#include "trace/event.h"
#include "trace/lines.h"

namespace mmscale::trace {

inline constexpr std::string_view kCompactMagic = "mmscale-trace 1\n";

// Where and how a trace was recorded: "kernel: 6.18.4", ... in the order of the file.
using Provenance = std::vector<std::pair<std::string, std::string>>;

class CompactReader final : public Source {
 public:
  explicit CompactReader(const std::string& path);
  bool next(Event& event) override;
  std::string_view format() const override { return "mmscale trace"; }
  const Provenance& provenance() const { return provenance_; }

 private:
  std::uint64_t varint();
  std::uint32_t small(std::uint64_t limit, const char* what);
  std::uint8_t byte();
  // By CompactFields: what events are made of.
  friend struct CompactFields;
  void comm(Comm& comm);
  void pid(std::int32_t& pid, const char* what = "pid");
  void number(std::uint64_t& value) { value = varint(); }
  void one_byte(bool& value) { value = byte() != 0; }
  void one_byte(char& value) { value = static_cast<char>(byte()); }
  void call(Call& call) { call = static_cast<Call>(small(kCallNames.size() - 1, "call")); }

  ByteReader bytes_;
  Provenance provenance_;
  std::uint64_t time_ns_ = 0;
  std::uint64_t events_ = 0;
  std::uint32_t crc_ = 0;
  // Comms, by the number each got when it first appeared.
  std::vector<Comm> comms_;
  bool ended_ = false;
};

// Writes such a file; gzipped if its name ends in .gz. Everybody's names and pids are in it, so it is for its owner's
// eyes. What was there before stays until finish(). Throws measure::OutputError.
class CompactWriter {
 public:
  CompactWriter(const std::string& path, const Provenance& provenance);
  CompactWriter(const CompactWriter&) = delete;
  CompactWriter& operator=(const CompactWriter&) = delete;

  // Events in the order of time.
  void write(const Event& event);
  // The end mark: a file without it is one that was cut off.
  void finish();

 private:
  void varint(std::uint64_t value);
  void flush();
  void put(std::string_view bytes);
  friend struct CompactFields;
  void comm(const Comm& comm);
  void pid(std::int32_t pid, const char* = {}) { varint(static_cast<std::uint64_t>(pid)); }
  void number(std::uint64_t value) { varint(value); }
  void one_byte(char value) { buffer_ += value; }
  void call(Call call) { varint(static_cast<std::uint64_t>(call)); }

  measure::OutputFile file_;
  const bool packed_;
  off_t end_ = 0;
  std::string buffer_;
  std::uint64_t time_ns_ = 0;
  std::uint64_t events_ = 0;
  std::uint32_t crc_ = 0;
  std::vector<Comm> comms_;
};

}  // namespace mmscale::trace

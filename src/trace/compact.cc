// SPDX-License-Identifier: MIT
#include "trace/compact.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>

namespace mmscale::trace {
namespace {

// Behind the last event, where an event's kind would be.
constexpr std::uint8_t kEnd = 0xff;
// Comms that are remembered; later ones are written out each time. Keeps both sides in constant memory.
constexpr std::size_t kMostComms = 4096;
constexpr std::size_t kMostHeader = 64 << 10;
// Written, and packed, so many bytes at a time.
constexpr std::size_t kBlock = 256 << 10;

}  // namespace

// What an event of each kind has behind its pid and comm, read or written by `io`.
struct CompactFields {
  template <class Io, class E>
  static void pass(Io& io, E& event) {
    switch (event.kind) {
      case Kind::task:
        io.pid(event.tgid, "tgid");
        return io.one_byte(event.kernel);
      case Kind::switched:
        io.one_byte(event.state);
        io.pid(event.other);
        return io.comm(event.other_comm);
      case Kind::newtask:
        io.pid(event.other);
        return io.number(event.flags);
      case Kind::fork:
      case Kind::exec:
        return io.pid(event.other);
      case Kind::ipi:
        return io.call(event.call);
      case Kind::lost:
        return io.number(event.count);
      case Kind::exit:
      case Kind::seen:
        return;
    }
  }
};

CompactReader::CompactReader(const std::string& path) : bytes_(path) {
  std::string header;
  while (!header.ends_with("\n\n")) {
    const int c = bytes_.get();
    if (c < 0) bytes_.fail("the header ends in the middle");
    if (header.size() == kMostHeader) bytes_.fail("the header has no end");
    header += static_cast<char>(c);
  }
  if (!header.starts_with(kCompactMagic)) bytes_.fail("does not begin with 'mmscale-trace 1'");
  std::string_view lines = std::string_view(header).substr(kCompactMagic.size());
  while (lines.size() > 1) {
    const std::string_view line = lines.substr(0, lines.find('\n'));
    const std::size_t colon = line.find(": ");
    if (colon == line.npos)
      bytes_.fail(fmt::format("'{}' in the header is not 'name: value'", line.substr(0, 40)));
    provenance_.emplace_back(line.substr(0, colon), line.substr(colon + 2));
    lines.remove_prefix(line.size() + 1);
  }
}

std::uint8_t CompactReader::byte() {
  const int c = bytes_.get();
  if (c < 0) bytes_.fail("the trace ends in the middle, without its end mark");
  const auto b = static_cast<unsigned char>(c);
  crc_ = static_cast<std::uint32_t>(crc32(crc_, &b, 1));
  return b;
}

std::uint64_t CompactReader::varint() {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    const std::uint8_t b = byte();
    value |= static_cast<std::uint64_t>(b & 0x7f) << shift;
    if ((b & 0x80) == 0) return value;
  }
  bytes_.fail("a number of more than 64 bits");
}

std::uint32_t CompactReader::small(std::uint64_t limit, const char* what) {
  const std::uint64_t value = varint();
  if (value > limit) bytes_.fail(fmt::format("{} {}, {} is the most", what, value, limit));
  return static_cast<std::uint32_t>(value);
}

void CompactReader::pid(std::int32_t& pid, const char* what) {
  pid = static_cast<std::int32_t>(small(kMostPid, what));
}

void CompactReader::comm(Comm& comm) {
  const std::uint64_t number = varint();
  if (number != 0) {
    if (number > comms_.size()) bytes_.fail(fmt::format("comm {} of {}", number, comms_.size()));
    comm = comms_[number - 1];
    return;
  }
  const std::uint32_t length = small(15, "a comm of length");
  std::string text;
  for (std::uint32_t i = 0; i < length; ++i) text += static_cast<char>(byte());
  if (comms_.size() < kMostComms) comms_.emplace_back(text);
  comm = Comm(text);
}

bool CompactReader::next(Event& event) {
  if (ended_) return false;
  const std::uint8_t tag = byte();
  if (tag == kEnd) {
    const std::uint64_t events = varint();
    const std::uint32_t crc = crc_;
    std::uint32_t written = 0;
    for (unsigned i = 0; i < 4; ++i) written |= static_cast<std::uint32_t>(byte()) << (8 * i);
    if (events != events_) bytes_.fail(fmt::format("{} events were written, {} are here", events, events_));
    if (written != crc) bytes_.fail("damaged: the checksum differs");
    if (bytes_.get() >= 0) bytes_.fail("something follows the end mark");
    ended_ = true;
    return false;
  }
  if (tag > static_cast<std::uint8_t>(Kind::lost)) bytes_.fail(fmt::format("{} is no kind of event", tag));
  ++events_;
  event = {};
  event.kind = static_cast<Kind>(tag);
  time_ns_ += varint();
  event.time_ns = time_ns_;
  event.cpu = small(kMostCpus - 1, "CPU");
  pid(event.pid);
  comm(event.comm);
  CompactFields::pass(*this, event);
  return true;
}

CompactWriter::CompactWriter(const std::string& path, const Provenance& provenance)
    : file_(path, measure::Readers::owner), packed_(path.ends_with(".gz")) {
  std::string header(kCompactMagic);
  for (const auto& [name, value] : provenance) {
    std::string line = fmt::format("{}: {}", name, value);
    std::replace(line.begin(), line.end(), '\n', ' ');
    header += line + '\n';
  }
  put(header + '\n');
}

void CompactWriter::put(std::string_view bytes) {
  if (const std::string lost = file_.lost(end_); !lost.empty())
    throw measure::OutputError(fmt::format("{}: while it was written, {}", file_.name(), lost));
  const std::string packed = packed_ ? measure::gzip_member(bytes) : std::string();
  const std::string_view written = packed_ ? packed : bytes;
  file_.write(written, end_);
  end_ += static_cast<off_t>(written.size());
}

void CompactWriter::varint(std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) buffer_ += static_cast<char>(value | 0x80);
  buffer_ += static_cast<char>(value);
}

void CompactWriter::comm(const Comm& comm) {
  const auto found = std::find(comms_.begin(), comms_.end(), comm);
  if (found != comms_.end()) return varint(static_cast<std::uint64_t>(found - comms_.begin()) + 1);
  varint(0);
  varint(comm.view().size());
  buffer_ += comm.view();
  if (comms_.size() < kMostComms) comms_.push_back(comm);
}

void CompactWriter::write(const Event& event) {
  buffer_ += static_cast<char>(event.kind);
  // The reader only adds: what is late is written at the time of its predecessor.
  const std::uint64_t time = std::max(event.time_ns, time_ns_);
  varint(time - time_ns_);
  time_ns_ = time;
  varint(event.cpu);
  pid(event.pid);
  comm(event.comm);
  CompactFields::pass(*this, event);
  ++events_;
  if (buffer_.size() > kBlock) flush();
}

void CompactWriter::flush() {
  if (buffer_.empty()) return;
  crc_ = static_cast<std::uint32_t>(
      crc32(crc_, reinterpret_cast<const Bytef*>(buffer_.data()), static_cast<uInt>(buffer_.size())));
  put(buffer_);
  buffer_.clear();
}

void CompactWriter::finish() {
  buffer_ += static_cast<char>(kEnd);
  varint(events_);
  flush();
  std::string crc;
  for (unsigned i = 0; i < 4; ++i) crc += static_cast<char>(crc_ >> (8 * i));
  put(crc);
  file_.commit();
}

}  // namespace mmscale::trace

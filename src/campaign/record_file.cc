// SPDX-License-Identifier: MIT
#include "campaign/record_file.h"

#include <fmt/format.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

namespace mmscale::campaign {
namespace {

using measure::OutputError;

constexpr std::string_view kTail = "\n  ]\n}\n";

std::string dumped(const nlohmann::ordered_json& value, int indent = -1) {
  return value.dump(indent, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

// All before the first record.
std::string head_of(const nlohmann::ordered_json& context) {
  const std::string whole = dumped({{"context", context}}, 2);
  return whole.substr(0, whole.rfind('\n')) + ",\n  \"benchmarks\": [";
}

// A line for each member, and for each of a member that is an object; what is deeper is one line.
std::string lines_of(const nlohmann::ordered_json& object, std::size_t spaces, unsigned levels) {
  if (!object.is_object() || object.empty() || levels == 0) return dumped(object);
  std::string out = "{";
  for (const auto& [name, value] : object.items()) {
    out += out.size() == 1 ? "\n" : ",\n";
    out.append(spaces + 2, ' ');
    out += dumped(name) + ": " + lines_of(value, spaces + 2, levels - 1);
  }
  return out.append("\n").append(spaces, ' ') + "}";
}

// Enough for gzip to find again what all windows have in common, little enough to pack once for each.
constexpr std::size_t kMember = std::size_t{128} << 10;

}  // namespace

RecordFile::RecordFile(const std::string& path, const nlohmann::ordered_json& context)
    : path_(path), compressed_(path.ends_with(".gz")), head_(packed(head_of(context))), tail_(packed(kTail)) {
  file_.emplace(path_);
  begin();
  // With nothing to preserve it is where it belongs from the start.
  if (!file_->replaces()) file_->publish();
}

RecordFile::~RecordFile() {
  try {
    // An old file is worth more than a new one without a record.
    if (records_ > 0 || (file_ && !file_->replaces())) close();
  } catch (const OutputError&) {
    // Nobody is left to tell; whoever must know calls close().
  }
}

std::string RecordFile::packed(std::string_view text) const {
  return compressed_ ? measure::gzip_member(text) : std::string(text);
}

void RecordFile::begin() {
  file_->write(file_->is_regular() ? head_ + tail_ : head_, 0);
  end_ = static_cast<off_t>(head_.size());
  open_.clear();
  member_.clear();
}

void RecordFile::append(const nlohmann::ordered_json& run) {
  look_after();
  const std::string text = (records_ == 0 ? "\n    " : ",\n    ") + lines_of(run, 4, 2);
  const std::string member = packed(open_ + text);
  write_whole(member);
  open_ += text;
  member_ = member;
  if (!compressed_ || open_.size() >= kMember) {
    end_ += static_cast<off_t>(member_.size());
    open_.clear();
    member_.clear();
  }
  ++records_;
}

void RecordFile::close() {
  if (!file_) return;
  look_after();
  try {
    if (!file_->is_regular()) file_->write(tail_, 0);
    file_->commit();
    file_.reset();
  } catch (const OutputError& error) {
    file_.reset();
    fail(error);
  }
}

void RecordFile::write_whole(std::string_view text) {
  try {
    file_->write(file_->is_regular() ? std::string(text) + tail_ : std::string(text), end_);
  } catch (const OutputError& error) {
    if (file_->is_regular()) {
      // These bytes were there before, so a full disk has room for them.
      file_->write(member_ + tail_, end_);
      file_->cut(end_ + static_cast<off_t>(member_.size() + tail_.size()));
    }
    fail(error);
  }
}

// Sees whether the file is still ours. If not, everything that can be had of it and all that follows goes beside it.
void RecordFile::look_after() {
  const off_t end = end_ + static_cast<off_t>(member_.size());
  const std::string lost = file_->lost(end + static_cast<off_t>(tail_.size()));
  if (lost.empty()) return;
  const std::string beside = fmt::format("{}.{}.rest{}", path_, ::getpid(), compressed_ ? ".gz" : "");
  const std::string kept = file_->contents(end);
  const bool whole = static_cast<off_t>(kept.size()) == end;
  std::string mishap = fmt::format("{}: while it was written, {}; {} in {}", path_, lost,
                                   whole ? "all records are" : "what comes now is", beside);
  try {
    file_.emplace(beside);
    if (whole)
      file_->write(kept + tail_, 0);
    else {
      begin();
      records_ = 0;
    }
    file_->publish();
  } catch (const OutputError& error) {
    file_.reset();
    throw OutputError(fmt::format("cannot write {}: {}; nor beside it: {}", path_, lost, error.what()));
  }
  mishap_ = std::move(mishap);
  fmt::print(stderr, "mmscale: {}\n", mishap_);
}

void RecordFile::fail(const OutputError& error) const {
  throw OutputError(fmt::format(
      "{}{}", error.what(),
      records_ == 0 ? "" : fmt::format("; what was recorded before is whole, {} in all", records_)));
}

}  // namespace mmscale::campaign

// SPDX-License-Identifier: MIT
#include "measure/text_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "topology/text.h"

namespace mmscale::measure {
namespace {

constexpr std::string_view kBlanks{" \t\r\n\0", 5};

}  // namespace

std::optional<std::string> read_text(const std::filesystem::path& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return std::nullopt;
  std::string text;
  std::array<char, 16384> buffer;
  ssize_t got = 0;
  do {
    got = ::read(fd, buffer.data(), buffer.size());
    if (got > 0) text.append(buffer.data(), static_cast<std::size_t>(got));
  } while (got > 0 || (got < 0 && errno == EINTR));
  ::close(fd);
  if (got < 0) return std::nullopt;
  return text;
}

std::optional<std::string> read_line(const std::filesystem::path& path) {
  const auto text = read_text(path);
  if (!text) return std::nullopt;
  std::string_view rest = *text;
  std::string line{trimmed(next_line(rest))};
  if (line.empty()) return std::nullopt;
  return line;
}

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

std::optional<std::int64_t> to_integer(std::string_view text) {
  return topology::number<std::int64_t>(trimmed(text));
}

std::string_view next_line(std::string_view& text) {
  const auto end = text.find('\n');
  const auto line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return line;
}

std::string_view next_word(std::string_view& text) {
  const auto first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) {
    text = {};
    return {};
  }
  text.remove_prefix(first);
  const auto word = text.substr(0, text.find_first_of(kBlanks));
  text.remove_prefix(word.size());
  return word;
}

std::optional<std::int64_t> line_value(std::string_view text, std::string_view key) {
  while (!text.empty()) {
    auto line = next_line(text);
    if (next_word(line) == key) return to_integer(next_word(line));
  }
  return std::nullopt;
}

std::optional<std::int64_t> stat_field(std::string_view stat, int field) {
  const auto bracket = stat.rfind(')');
  if (bracket == std::string_view::npos) return std::nullopt;
  stat.remove_prefix(bracket + 1);
  for (int i = 3; i < field; ++i) next_word(stat);
  return to_integer(next_word(stat));
}

std::vector<pid_t> tasks_in(const std::filesystem::path& directory) {
  std::vector<pid_t> tasks;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(directory, error), end; !error && entry != end;
       entry.increment(error))
    if (const auto number = to_integer(entry->path().filename().native()))
      tasks.push_back(static_cast<pid_t>(*number));
  return tasks;
}

}  // namespace mmscale::measure

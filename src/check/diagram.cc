// SPDX-License-Identifier: MIT
#include "check/diagram.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

namespace mmscale::check {

namespace {

// Pixels. The text is monospaced, so that widths can be told without a font.
constexpr double kCharacter = 7.3;
constexpr int kRow = 20;
constexpr int kMargin = 16;
constexpr int kNumbers = 40;
constexpr int kTop = 92;

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text)
    if (c == '&')
      out += "&amp;";
    else if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else
      out += c;
  return out;
}

int width_of(std::string_view text) {
  return static_cast<int>(kCharacter * static_cast<double>(text.size()));
}

}  // namespace

std::string to_svg(const Trace& trace, std::string_view title) {
  // Each CPU's column is as wide as its longest text.
  std::vector<int> lifeline;
  int right = kMargin + kNumbers;
  for (unsigned cpu = 0; cpu < trace.cpus; ++cpu) {
    int width = width_of("CPU 0") + 2 * kMargin;
    for (const Line& line : trace.lines)
      if (line.cpu == cpu) width = std::max(width, width_of(line.text) + 2 * kMargin);
    lifeline.push_back(right + 8);
    right += width + kMargin;
  }
  const std::string verdict = trace.violation.empty() ? "no violation" : trace.violation + ": " + trace.where;
  const int width =
      std::max({right, width_of(title) + 2 * kMargin, width_of(verdict) + 4 * kMargin}) + kMargin;
  const int bottom = kTop + kRow * static_cast<int>(trace.lines.size());
  const int height = bottom + 64;

  std::string out = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" viewBox=\"0 0 {0} {1}\" "
      "font-family=\"DejaVu Sans Mono, Menlo, Consolas, monospace\" font-size=\"12\" fill=\"#1b1f24\">\n"
      "<title>{2}</title>\n<rect width=\"{0}\" height=\"{1}\" fill=\"#ffffff\"/>\n"
      "<text x=\"{3}\" y=\"30\" font-size=\"14\" font-weight=\"bold\">{2}</text>\n",
      width, height, escaped(title), kMargin);
  for (unsigned cpu = 0; cpu < trace.cpus; ++cpu)
    out += fmt::format(
        "<rect x=\"{0}\" y=\"48\" width=\"64\" height=\"24\" rx=\"3\" fill=\"#e7edf5\" stroke=\"#4a6a94\"/>\n"
        "<text x=\"{1}\" y=\"64\" text-anchor=\"middle\" font-weight=\"bold\">CPU {2}</text>\n"
        "<line x1=\"{3}\" y1=\"72\" x2=\"{3}\" y2=\"{4}\" stroke=\"#8fa3bd\"/>\n",
        lifeline[cpu] - 8, lifeline[cpu] + 24, cpu, lifeline[cpu], bottom);
  for (std::size_t i = 0; i < trace.lines.size(); ++i) {
    const Line& line = trace.lines[i];
    const int y = kTop + kRow * static_cast<int>(i);
    const bool last = i + 1 == trace.lines.size() && !trace.violation.empty();
    // Where the other CPU takes over: what the race is about.
    if (i > 0 && trace.lines[i - 1].cpu != line.cpu)
      out += fmt::format(
          "<line x1=\"{}\" y1=\"{}\" x2=\"{}\" y2=\"{}\" stroke=\"#c9d2de\" stroke-dasharray=\"3 3\"/>\n",
          lifeline[trace.lines[i - 1].cpu], y - kRow, lifeline[line.cpu], y);
    const std::string_view fill = last                                 ? "#c62828"
                                  : line.kind == Line::Kind::step      ? "#4a6a94"
                                  : line.kind == Line::Kind::interrupt ? "#e08a00"
                                                                       : "#ffffff";
    out += fmt::format(
        "<text x=\"{}\" y=\"{}\" text-anchor=\"end\" fill=\"#6a737d\">{}</text>\n"
        "<circle cx=\"{}\" cy=\"{}\" r=\"4\" fill=\"{}\" stroke=\"#4a6a94\"/>\n"
        "<text x=\"{}\" y=\"{}\"{}>{}</text>\n",
        kMargin + kNumbers - 12, y + 4, i + 1, lifeline[line.cpu], y, fill, lifeline[line.cpu] + 12, y + 4,
        last                                 ? " fill=\"#c62828\" font-weight=\"bold\""
        : line.kind == Line::Kind::interrupt ? " fill=\"#a35f00\""
                                             : "",
        escaped(line.text));
  }
  const std::string_view ink = trace.violation.empty() ? "#2e7d32" : "#c62828";
  out += fmt::format(
      "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"28\" rx=\"3\" fill=\"#ffffff\" stroke=\"{}\" "
      "stroke-width=\"2\"/>\n<text x=\"{}\" y=\"{}\" font-weight=\"bold\" fill=\"{}\">{}</text>\n</svg>\n",
      kMargin, bottom + 12, width - 2 * kMargin, ink, kMargin + 12, bottom + 31, ink, escaped(verdict));
  return out;
}

}  // namespace mmscale::check

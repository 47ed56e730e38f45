// SPDX-License-Identifier: MIT
#include "measure/interrupts.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <functional>
#include <system_error>

#include "measure/text_file.h"

namespace mmscale::measure {

std::vector<InterruptRow> parse_interrupts(std::string_view text, std::span<const unsigned> cpus) {
  // The head names the columns: only CPUs that are online have one.
  auto head = next_line(text);
  std::vector<std::size_t> columns;  // which of `cpus` each is; as many as there are where it is none
  for (auto word = next_word(head); word.starts_with("CPU"); word = next_word(head))
    columns.push_back(static_cast<std::size_t>(
        std::ranges::find(cpus, static_cast<unsigned>(to_integer(word.substr(3)).value_or(0))) -
        cpus.begin()));
  std::vector<InterruptRow> rows;
  while (!text.empty()) {
    auto line = next_line(text);
    const auto key = next_word(line);
    if (!key.ends_with(':')) continue;
    std::vector<std::optional<std::int64_t>> counts(cpus.size());
    bool whole = true;
    // Of hundreds of CPUs this is megabytes, before and after each window.
    for (const std::size_t column : columns) {
      line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
      std::int64_t count = 0;
      const auto read = std::from_chars(line.data(), line.data() + line.size(), count);
      whole = whole && read.ec == std::errc();
      line.remove_prefix(static_cast<std::size_t>(read.ptr - line.data()));
      if (column < counts.size()) counts[column] = count;
    }
    if (whole)
      rows.push_back(
          {std::string(key.substr(0, key.size() - 1)), std::string(trimmed(line)), std::move(counts)});
  }
  return rows;
}

std::vector<std::pair<std::string, double>> busiest(std::span<const InterruptRow> before,
                                                    std::span<const InterruptRow> after, std::size_t index,
                                                    double seconds) {
  std::vector<std::pair<std::string, double>> rates;
  for (const InterruptRow& row : after) {
    const auto then = std::ranges::find(before, row.name, &InterruptRow::name);
    const std::int64_t count =
        row.counts[index].value_or(0) - (then == before.end() ? 0 : then->counts[index].value_or(0));
    if (count > 0)
      rates.emplace_back(fmt::format("{} ({})", row.name, row.description),
                         static_cast<double>(count) / seconds);
  }
  std::ranges::sort(rates, std::greater(), &std::pair<std::string, double>::second);
  rates.resize(std::min<std::size_t>(rates.size(), 3));
  return rates;
}

std::optional<IpiKind> ipi_kind(std::string_view description) {
  // x86: arch/x86/kernel/irq.c; arm64: ipi_types[] in its smp.c, arm, loongarch likewise; riscv: ipi_names[]; powerpc:
  // irq.c, and the chips' own rows; s390: irqclass_sub_desc[]. Some put a chip or a class before it ("[EXT] External
  // Call"), some what it belongs to behind it ("XIVE-IPI 0 Edge IPI-0").
  constexpr std::string_view kReschedule[] = {"Rescheduling interrupts", "Rescheduling IPIs"};
  constexpr std::string_view kCall[] = {"Function call interrupts", "Function call IPIs",
                                        "Single function call interrupts"};
  constexpr std::string_view kTlb[] = {"TLB shootdowns"};
  constexpr std::string_view kOther[] = {"Doorbell interrupts",
                                         "IRQ work interrupts",
                                         "IRQ work IPIs",
                                         "CPU wake-up interrupts",
                                         "CPU stop interrupts",
                                         "CPU stop (for crash dump) interrupts",
                                         "CPU stop NMIs",
                                         "CPU stop for crash dump NMIs",
                                         "CPU backtrace interrupts",
                                         "KGDB roundup interrupts",
                                         "Timer broadcast interrupts",
                                         "Completion interrupts",
                                         "XIVE-IPI",
                                         "XICS",
                                         "External Call",
                                         "Emergency Signal"};
  const auto is = [description](std::string_view text) {
    const auto at = description.find(text);
    if (at == std::string_view::npos) return false;
    // Whole words, at either end.
    const std::string_view rest = description.substr(at + text.size());
    if (at == 0 ? !rest.empty() && rest.front() != ' ' : description[at - 1] != ' ' || !rest.empty())
      return false;
    // XICS has rows of devices, too.
    return text != "XICS" || rest.ends_with(" IPI");
  };
  if (std::ranges::any_of(kReschedule, is)) return IpiKind::reschedule;
  if (std::ranges::any_of(kCall, is)) return IpiKind::function_call;
  if (std::ranges::any_of(kTlb, is)) return IpiKind::tlb;
  return std::ranges::any_of(kOther, is) ? std::optional(IpiKind::other) : std::nullopt;
}

}  // namespace mmscale::measure

// SPDX-License-Identifier: MIT
#include "trace/stamps.h"

#include "trace/text_fields.h"

namespace mmscale::trace {

std::optional<std::uint64_t> ticks_to_ns(std::uint64_t ticks, double rate) {
  const long double ns = static_cast<long double>(ticks) / rate * 1e9L;
  return ns < 0x1p63L ? std::optional(static_cast<std::uint64_t>(ns)) : std::nullopt;
}

bool Stamps::read(std::string_view word, std::uint64_t& ns) const {
  const bool ticks = word.find_first_of(kDecimalPoints) == word.npos;
  if (ticks_ && *ticks_ != ticks) return false;
  std::optional<std::uint64_t> value = ticks ? number<std::uint64_t>(word) : seconds(word);
  if (value && ticks) value = tick_rate_ ? ticks_to_ns(*value, *tick_rate_) : 0;
  ns = value.value_or(0);
  return value.has_value();
}

const char* Stamps::accept(std::string_view word) {
  if (ticks_) return nullptr;
  ticks_ = word.find_first_of(kDecimalPoints) == word.npos;
  if (*ticks_ && !tick_rate_)
    return "time stamps without a point are ticks of trace_clock counter, uptime, x86-tsc, ppc-tb or "
           "s390-tod (or trace-cmd report --raw-ts): say how many a second has by --tick-rate, or record "
           "with trace_clock local or mono";
  if (!*ticks_ && tick_rate_) return "time stamps are in seconds: --tick-rate does not apply";
  return nullptr;
}

}  // namespace mmscale::trace

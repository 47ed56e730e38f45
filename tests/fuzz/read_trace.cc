// SPDX-License-Identifier: MIT
//
// What libFuzzer runs for each reader of traces (scripts/fuzz builds it once per reader): a file of any bytes
// is read to its end or to a TraceError, and what was read goes through the builder. Anything else is a
// crash.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "memory_file.h"
#include "trace/builder.h"
#include "trace/compact.h"
#include "trace/ftrace_text.h"
#include "trace/perf_text.h"
#include "trace/trace_dat.h"

namespace {

using namespace mmscale::trace;

// No step may name a slot or a CPU that the facts do not know.
void check(const Facts& facts, const Chunk& chunk) {
  if (chunk.cpus.size() != facts.cpus.size()) std::abort();
  std::uint32_t globals = 0;
  for (const auto& steps : chunk.cpus)
    for (const Step& step : steps) {
      globals += step.global();
      if (step.slot != Step::kIdle && step.slot >= facts.slots) std::abort();
      if (step.other != Step::kIdle && step.other >= facts.slots) std::abort();
      if (step.epoch > chunk.epoch) std::abort();
    }
  if (globals != chunk.epoch) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const MemoryFile file(data, size);
  std::vector<Event> events;
  try {
    MMSCALE_READER reader(file.path());
    for (Event event; events.size() < 10'000 && reader.next(event);)
      // What trace::Trace refuses (open.cc).
      if (event.cpu < kMostCpus && event.pid >= 0 && event.other >= 0) events.push_back(event);
  } catch (const TraceError&) {
  }
  Builder survey;
  for (const Event& event : events) survey.add(event);
  const Facts facts = survey.finish();
  Builder builder(facts);
  for (const Event& event : events) builder.add(event);
  check(facts, builder.chunk());
  facts.explain();
  return 0;
}

// SPDX-License-Identifier: MIT
//
// From a trace to one result per scheme: reads it once and lets every scheme's emulated system have each
// chunk.
#pragma once

#include <string>
#include <vector>

#include "trace/open.h"
#include "trace/replay.h"

namespace mmscale::trace {

struct SchemeResult {
  std::string scheme;
  ReplayResult result;
};

struct SessionResult {
  // Of the pass that was replayed.
  Facts facts;
  std::vector<SchemeResult> schemes;
  // In virtual time: more than one where memory has no room for all schemes at once.
  std::size_t passes = 0;
};

// Replays `trace` under each scheme; `spec` says where, its scheme is ignored. In virtual time several
// schemes at once, on so many threads; on silicon one after the other. Throws TraceError and what make_replay
// throws.
SessionResult replay_all(const Trace& trace, const ReplaySpec& spec, const std::vector<std::string>& schemes,
                         unsigned threads);

}  // namespace mmscale::trace

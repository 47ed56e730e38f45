// SPDX-License-Identifier: MIT
//
// From the ring buffer's binary records to events, by the formats the kernel describes them with.
#pragma once

#include <map>

#include "trace/c_libraries.h"
#include "trace/event.h"

namespace mmscale::trace {

class RawRecords {
 public:
  // Fills in `event`; returns what is wrong with the record, or nullptr.
  const char* decode(tep_handle* tep, tep_record& record, int cpu, Event& event);
  // Of what kind a record is; Kind::seen for any that says nothing about tasks.
  Kind kind_of(tep_handle* tep, tep_record& record);

 private:
  // Of one kind of event: where its numbers are.
  struct Layout {
    Kind kind = Kind::seen;
    tep_format_field* comm = nullptr;
    tep_format_field* pid = nullptr;
    tep_format_field* other_comm = nullptr;
    tep_format_field* other = nullptr;
    tep_format_field* state = nullptr;
    tep_format_field* flags = nullptr;
    tep_format_field* function = nullptr;
    tep_format_field* filename = nullptr;
  };

  const Layout& layout_of(tep_event* event);

  std::map<int, Layout> layouts_;
};

}  // namespace mmscale::trace

// SPDX-License-Identifier: MIT
//
// A small view of a campaign that is under way: a bar for each scheme, and which package got how much.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "measure/record.h"

namespace mmscale::campaign {

// What is known so far, and its picture in plain ASCII. Knows nothing of a terminal but its size.
//
// Cases that differ in nothing but the scheme (in `ipi`: the transport) are a group; a group's bars have one
// scale and begin at 0. A bar is the median of the case's valid windows so far: operations per second of all
// CPUs, or ns where single operations are timed. Below a group of more than one package stands which part of
// all rounds each package made in the group's last valid window.
class LiveView {
 public:
  // After a window has run.
  void add(const measure::Record& record);

  // At most `height` lines of at most `width` columns. Where not all groups have room, those whose windows
  // ran last are shown; those that are shown stand in the order in which they began.
  std::vector<std::string> lines(unsigned width, unsigned height) const;

 private:
  struct Bar {
    std::string label;
    std::vector<double> values;  // of the valid windows
    unsigned windows = 0;
  };
  struct Group {
    std::string name;
    std::string unit;
    bool timed = false;  // a longer bar is a slower scheme
    std::vector<Bar> bars;
    std::map<unsigned, double> shares;  // by package, of the last valid window
    std::string shares_of;              // whose window that was
    std::uint64_t updated = 0;
  };

  Group& group_of(const measure::Record& record);
  static std::vector<std::string> picture(const Group& group, unsigned width);

  std::vector<Group> groups_;
  std::uint64_t windows_ = 0;
  std::string last_invalid_;
};

}  // namespace mmscale::campaign

// SPDX-License-Identifier: MIT
//
// A campaign's figures in the forms that other tools read.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "measure/record.h"

namespace mmscale::campaign {

// What standard output can have: console, json, csv, lkp, prometheus.
std::vector<std::string_view> formats();

// As the kernel test robot's programs print: `switch.idle.refcount.all.compact.cpus_2.ns_per_switch: 20.1`, each figure the
// median of the case's valid windows, then `windows` and `valid_windows`. A case without a valid window has no figure.
std::string lkp(std::span<const std::vector<measure::Record>> cases);

// The same as gauges of Prometheus' text format, 0.0.4, by figure: mmscale_ns_per_switch{case="...",scheme="..."} 20.1.
// node_exporter's textfile collector takes it as it is.
std::string prometheus(std::span<const std::vector<measure::Record>> cases);

}  // namespace mmscale::campaign

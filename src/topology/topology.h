// SPDX-License-Identifier: MIT
// Where a Layout comes from: hwloc's view of this host, of a synthetic description or of an XML file.
#pragma once

#include <hwloc.h>

#include <filesystem>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>

#include "topology/layout.h"

namespace mmscale::topology {

struct TopologyError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Loading takes milliseconds to seconds on big machines: load once and hand it around.
class Topology {
 public:
  // This machine, and what of it we were allowed when this was called.
  static Topology host();

  // hwloc's synthetic format, e.g. "pack:16 [numa] core:12 pu:8".
  static Topology synthetic(const std::string& description);

  // What `lstopo machine.xml` wrote, by any hwloc before 3.0; read by a child with limits (limited_child.h), so no native().
  static Topology from_xml(const std::filesystem::path& path);

  const Layout& layout() const { return layout_; }
  std::span<const Pu> pus() const { return layout_.pus; }
  std::span<const NumaNode> numa_nodes() const { return layout_.numa_nodes; }

  // False for synthetic and XML topologies: nothing can be bound there.
  bool is_this_system() const { return layout_.is_this_system; }

  // For what the Layout does not carry, such as binding. Owned by this object; null if there is none.
  hwloc_topology_t native() const { return handle_.get(); }

 private:
  struct Destroy {
    void operator()(hwloc_topology_t topology) const { hwloc_topology_destroy(topology); }
  };
  using Handle = std::unique_ptr<hwloc_topology, Destroy>;

  static Handle create();
  Topology(Handle loaded, std::string source);

  Handle handle_;
  Layout layout_;
};

}  // namespace mmscale::topology

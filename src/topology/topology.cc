// SPDX-License-Identifier: MIT
#include "topology/topology.h"

#include <fmt/format.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <map>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "topology/believe_affinity.h"
#include "topology/bitmap.h"
#include "topology/input_file.h"
#include "topology/limited_child.h"
#include "topology/render.h"
#include "topology/synthetic_bounds.h"

namespace mmscale::topology {
namespace {

std::string reason(int error) { return std::strerror(error); }

// Unbound threads of the process count: the one that loads may have been pinned already. Without /proc, where the others
// cannot be looked up, that one's own.
Bitmap affinity_of_process(hwloc_topology_t topology) {
  Bitmap mask;
  if (hwloc_get_cpubind(topology, mask.get(), HWLOC_CPUBIND_PROCESS) != 0 &&
      hwloc_get_cpubind(topology, mask.get(), HWLOC_CPUBIND_THREAD) != 0)
    throw TopologyError(fmt::format("cannot read this process' CPU affinity: {}", reason(errno)));
  return mask;
}

// hwloc's logical index of the object of that type around the PU, if there is one.
std::optional<unsigned> index_above(hwloc_topology_t topology, hwloc_obj_t pu, hwloc_obj_type_t type) {
  hwloc_obj_t object = hwloc_get_ancestor_obj_by_type(topology, type, pu);
  if (object == nullptr) return std::nullopt;
  return object->logical_index;
}

// L1 is left out at load, so a cache found here is one that a machine could call its last level.
hwloc_obj_t last_level_cache(hwloc_obj_t pu) {
  hwloc_obj_t outermost = nullptr;
  for (hwloc_obj_t object = pu->parent; object != nullptr; object = object->parent)
    if (hwloc_obj_type_is_dcache(object->type)) outermost = object;
  return outermost;
}

// The first memory on the way up. Where several nodes are
// equally near hwloc lists ordinary memory before HBM.
unsigned local_numa_node(hwloc_obj_t pu) {
  for (hwloc_obj_t object = pu->parent; object != nullptr; object = object->parent)
    if (object->memory_arity != 0) return object->memory_first_child->os_index;
  return kNone;
}

// Hands out 0, 1, 2... to keys in the order they first appear. Two PUs are
// in the same object exactly if their keys are equal; what the key is made
// of says what stands in for a level that the machine does not report.
class Numbering {
 public:
  // `within`: what the object is a part of, if it must not reach beyond.
  unsigned operator()(std::uint64_t key, unsigned within = 0) {
    return numbers_.try_emplace({key, within}, static_cast<unsigned>(numbers_.size())).first->second;
  }
  std::size_t size() const { return numbers_.size(); }

 private:
  std::map<std::pair<std::uint64_t, unsigned>, unsigned> numbers_;
};

// A key that no reported object has, made from the number of what stands in for it.
std::uint64_t stand_in(unsigned number) { return (std::uint64_t{1} << 32) + number; }
std::uint64_t key(std::optional<unsigned> reported, unsigned otherwise) {
  return reported ? *reported : stand_in(otherwise);
}

void read_online_pus(hwloc_topology_t topology, Layout& layout) {
  Numbering cores, llcs, dies, packages;
  Numbering caches;
  std::map<unsigned, unsigned> seen_of_core;
  layout.reported = {.package = hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_PACKAGE) > 0,
                     .die = hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_DIE) > 0,
                     .llc = false,
                     .core = hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_CORE) > 0};
  const hwloc_const_bitmap_t cpuset = hwloc_topology_get_allowed_cpuset(topology);
  for (hwloc_obj_t object = nullptr; (object = hwloc_get_next_obj_by_type(topology, HWLOC_OBJ_PU, object));) {
    Pu pu{.os_index = object->os_index};
    // Without packages the machine is one; without dies a package is one; without cores a PU has no siblings;
    // and caches that nobody told us of are not shared.
    pu.package = packages(key(index_above(topology, object, HWLOC_OBJ_PACKAGE), 0));
    pu.die = dies(key(index_above(topology, object, HWLOC_OBJ_DIE), pu.package));
    pu.core = cores(key(index_above(topology, object, HWLOC_OBJ_CORE), object->logical_index));
    const hwloc_obj_t cache = last_level_cache(object);
    layout.reported.llc |= cache != nullptr;
    // gp_index is unique over caches of all levels, which
    // logical_index is not: P and E cores may end at L3 and L2.
    const std::uint64_t cache_key = cache != nullptr ? cache->gp_index : stand_in(pu.core);
    caches(cache_key);
    // No cache is known that spans packages, but firmware that says so is (virtual arm64 machines).
    pu.llc = llcs(cache_key, pu.package);
    pu.numa_node = local_numa_node(object);
    pu.smt = seen_of_core[pu.core]++;
    pu.in_cpuset = hwloc_bitmap_isset(cpuset, object->os_index) != 0;
    pu.allowed = pu.in_cpuset;
    layout.pus.push_back(pu);
  }
  if (llcs.size() > caches.size())
    layout.source +=
        "; a cache is reported to span packages, each package's part is taken for one of its own";
}

// A CPU that is offline has no object: the kernel does not say where it would be.
void add_offline_pus(hwloc_topology_t topology, Layout& layout) {
  Bitmap offline;
  hwloc_bitmap_andnot(offline.get(), hwloc_topology_get_complete_cpuset(topology),
                      hwloc_topology_get_topology_cpuset(topology));
  for (unsigned os_index : members(offline.get())) {
    if (find(layout, os_index) != nullptr) continue;
    layout.pus.push_back({.os_index = os_index, .online = false, .in_cpuset = false, .allowed = false});
  }
}

void read_numa_nodes(hwloc_topology_t topology, Layout& layout) {
  // Not from the node's own cpuset: hwloc gives a node without CPUs the cpuset of what it is attached to.
  const auto is_local = [&](unsigned node) {
    return std::ranges::any_of(layout.pus, [&](const Pu& pu) { return pu.numa_node == node; });
  };
  const hwloc_const_bitmap_t allowed = hwloc_topology_get_allowed_nodeset(topology);
  for (hwloc_obj_t node = nullptr; (node = hwloc_get_next_obj_by_type(topology, HWLOC_OBJ_NUMANODE, node));) {
    layout.numa_nodes.push_back({.os_index = node->os_index,
                                 .memory_bytes = node->attr->numanode.local_memory,
                                 .has_cpus = is_local(node->os_index),
                                 .allowed = hwloc_bitmap_isset(allowed, node->os_index) != 0});
  }
}

std::string name_of_kind(std::span<const hwloc_info_s> infos, int kind) {
  for (const char* wanted : {"CoreType", "FrequencyMaxMHz"}) {
    for (const hwloc_info_s& info : infos)
      if (std::string_view(info.name) == wanted)
        return std::string_view(wanted) == "CoreType" ? info.value : fmt::format("{} MHz", info.value);
  }
  return fmt::format("kind {}", kind);
}

// hwloc lists the most thrifty kind first, we the fastest. PUs
// of no kind, if any, come last as a kind of their own.
void read_core_kinds(hwloc_topology_t topology, Layout& layout) {
  const int kinds = hwloc_cpukinds_get_nr(topology, 0);
  if (kinds <= 0) return;
  std::map<unsigned, unsigned> kind_of;
  for (int kind = kinds - 1; kind >= 0; --kind) {
    Bitmap cpus;
    int efficiency = -1;
    unsigned info_count = 0;
    hwloc_info_s* infos = nullptr;
    hwloc_cpukinds_get_info(topology, static_cast<unsigned>(kind), cpus.get(), &efficiency, &info_count,
                            &infos, 0);
    for (unsigned os_index : members(cpus.get()))
      kind_of[os_index] = static_cast<unsigned>(layout.core_kinds.size());
    layout.core_kinds.push_back({name_of_kind({infos, info_count}, kind)});
    layout.core_kinds_ranked = efficiency >= 0;
  }
  const auto no_kind = static_cast<unsigned>(layout.core_kinds.size());
  for (Pu& pu : layout.pus) {
    if (!pu.online) continue;
    const auto found = kind_of.find(pu.os_index);
    pu.core_kind = found == kind_of.end() ? no_kind : found->second;
    if (pu.core_kind == layout.core_kinds.size()) layout.core_kinds.push_back({"unknown"});
  }
}

Layout read_layout(hwloc_topology_t topology, std::string source) {
  Layout layout;
  layout.source = std::move(source);
  if (topology == nullptr) return layout;
  layout.is_this_system = hwloc_topology_is_thissystem(topology) != 0;
  read_online_pus(topology, layout);
  if (layout.is_this_system) {
    const Bitmap affinity = affinity_of_process(topology);
    for (Pu& pu : layout.pus) pu.allowed = pu.in_cpuset && affinity.contains(pu.os_index);
    believe_affinity(affinity, layout);
  }
  add_offline_pus(topology, layout);
  read_numa_nodes(topology, layout);
  read_core_kinds(topology, layout);
  return layout;
}

// hwloc answers "invalid argument" to everything; a file of a newer hwloc deserves a better answer.
bool is_version_3_xml(std::ifstream& file) {
  std::string head(4096, '\0');
  file.read(head.data(), static_cast<std::streamsize>(head.size()));
  return head.find("<topology version=\"3") != std::string::npos;
}

// What to do about an XML file that hwloc refused. Without libxml2 it reads the one form that lstopo writes, and no
// comments; Debian's hwloc takes libxml2 from a package of its own. Asked of hwloc itself, with the least file that
// only libxml2 reads.
std::string_view xml_remedy() {
  constexpr std::string_view kWithComment =
      "<?xml version=\"1.0\"?>\n<!-- -->\n<topology version=\"2.0\"><object type=\"Machine\" os_index=\"0\" "
      "cpuset=\"0x1\" complete_cpuset=\"0x1\" allowed_cpuset=\"0x1\" nodeset=\"0x1\" "
      "complete_nodeset=\"0x1\" allowed_nodeset=\"0x1\" gp_index=\"1\"><object type=\"NUMANode\" "
      "os_index=\"0\" cpuset=\"0x1\" complete_cpuset=\"0x1\" nodeset=\"0x1\" complete_nodeset=\"0x1\" "
      "gp_index=\"2\"/><object type=\"PU\" os_index=\"0\" cpuset=\"0x1\" complete_cpuset=\"0x1\" "
      "nodeset=\"0x1\" complete_nodeset=\"0x1\" gp_index=\"3\"/></object></topology>\n";
  hwloc_topology_t probe = nullptr;
  if (hwloc_topology_init(&probe) != 0) return {};
  const bool reads = hwloc_topology_set_xmlbuffer(probe, kWithComment.data(), kWithComment.size() + 1) == 0 &&
                     hwloc_topology_load(probe) == 0;
  hwloc_topology_destroy(probe);
  return reads ? "write one with 'lstopo machine.xml'"
               : "if it is one, with comments or edited by hand, hwloc needs libxml2 for it: install "
                 "Debian's package libhwloc-plugins, or write it anew with 'lstopo machine.xml'";
}

// Exit statuses of the process that reads XML.
constexpr int kRefused = 1;
constexpr int kTooLarge = 2;

}  // namespace

Topology::Handle Topology::create() {
  // What hwloc thinks of this machine's firmware goes to the terminal otherwise; whoever wants it sets it to 0.
  setenv("HWLOC_HIDE_ERRORS", "2", 0);
  hwloc_topology_t raw = nullptr;
  if (hwloc_topology_init(&raw) != 0) throw TopologyError("hwloc: cannot create a topology, out of memory");
  Handle handle(raw);
  unsigned long flags = HWLOC_TOPOLOGY_FLAG_INCLUDE_DISALLOWED;
#if HWLOC_API_VERSION >= 0x00020800
  // Before, they are read in vain.
  flags |= HWLOC_TOPOLOGY_FLAG_NO_DISTANCES | HWLOC_TOPOLOGY_FLAG_NO_MEMATTRS;
#endif
  hwloc_topology_set_flags(raw, flags);
  // The x86 backend visits every CPU to execute CPUID there: slow with many CPUs and a disturbance to
  // isolated ones. Linux already knows.
  hwloc_topology_set_components(raw, HWLOC_TOPOLOGY_COMPONENTS_FLAG_BLACKLIST, "x86");
  hwloc_topology_set_io_types_filter(raw, HWLOC_TYPE_FILTER_KEEP_NONE);
  hwloc_topology_set_icache_types_filter(raw, HWLOC_TYPE_FILTER_KEEP_NONE);
  for (hwloc_obj_type_t type : {HWLOC_OBJ_MISC, HWLOC_OBJ_MEMCACHE, HWLOC_OBJ_L1CACHE})
    hwloc_topology_set_type_filter(raw, type, HWLOC_TYPE_FILTER_KEEP_NONE);
  // hwloc merges a level into its neighbour where both hold the same PUs, unless told to keep it.
  for (hwloc_obj_type_t type : {HWLOC_OBJ_PACKAGE, HWLOC_OBJ_DIE, HWLOC_OBJ_CORE, HWLOC_OBJ_L2CACHE,
                                HWLOC_OBJ_L3CACHE, HWLOC_OBJ_L4CACHE, HWLOC_OBJ_L5CACHE})
    hwloc_topology_set_type_filter(raw, type, HWLOC_TYPE_FILTER_KEEP_ALL);
  return handle;
}

Topology::Topology(Handle loaded, std::string source)
    : handle_(std::move(loaded)), layout_(read_layout(handle_.get(), std::move(source))) {}

Topology Topology::host() {
  // hwloc asks with longer and longer masks until the kernel answers: for ever where a sandbox refuses to.
  std::vector<unsigned long> mask(1024);
  if (::syscall(SYS_sched_getaffinity, 0, mask.size() * sizeof mask[0], mask.data()) < 0)
    throw TopologyError(fmt::format("cannot read this process' CPU affinity: {}", reason(errno)));
  constexpr std::string_view kReplaced = "the machine that HWLOC_* in the environment names";
  // hwloc obeys these itself, and would in this process. Who says that it is this system all the same is believed.
  if (getenv("HWLOC_THISSYSTEM") == nullptr) {
    const char* const xml = getenv("HWLOC_XMLFILE");
    const char* const described = getenv("HWLOC_SYNTHETIC");
    if (xml != nullptr || described != nullptr) {
      Topology replaced = xml != nullptr ? from_xml(xml) : synthetic(described);
      replaced.layout_.source = std::string(kReplaced);
      return replaced;
    }
  }
  Handle handle = create();
  if (hwloc_topology_load(handle.get()) != 0)
    throw TopologyError(fmt::format("hwloc cannot read this host's topology: {}", reason(errno)));
  // And HWLOC_FSROOT.
  const bool replaced = hwloc_topology_is_thissystem(handle.get()) == 0;
  return {std::move(handle), std::string(replaced ? kReplaced : "this host")};
}

Topology Topology::synthetic(const std::string& description) {
  if (const std::string excess = synthetic_excess(description); !excess.empty())
    throw TopologyError(fmt::format("synthetic topology '{}': {}", description.substr(0, 200), excess));
  Handle handle = create();
  if (hwloc_topology_set_synthetic(handle.get(), description.c_str()) != 0 ||
      hwloc_topology_load(handle.get()) != 0) {
    throw TopologyError(
        fmt::format("synthetic topology '{}' is not valid: name levels from the outside in, ending in pu, "
                    "like 'pack:2 [numa] die:2 l3:2 core:4 pu:2'",
                    description));
  }
  return {std::move(handle), fmt::format("synthetic '{}'", description)};
}

Topology Topology::from_xml(const std::filesystem::path& path) {
  const auto refuse = [&](std::string_view why) {
    return TopologyError(fmt::format("topology XML '{}': {}", path.string(), why));
  };
  if (const std::string why = unreadable(path, kMostXmlBytes); !why.empty()) throw refuse(why);
  std::ifstream file(path);
  if (is_version_3_xml(file)) {
    throw refuse(
        "written by hwloc 3, which hwloc 2 cannot read; write it with 'lstopo --export-xml-flags v2'");
  }
  LimitedChild child({}, [&](std::FILE* out) {
    Handle handle = create();
    // A failed set_xml must end here: load would go on and describe this host instead.
    if (hwloc_topology_set_xml(handle.get(), path.c_str()) != 0 || hwloc_topology_load(handle.get()) != 0)
      return kRefused;
    const Topology topology(std::move(handle), fmt::format("XML '{}'", path.string()));
    const Layout& layout = topology.layout();
    if (layout.pus.size() > kMostPus ||
        std::ranges::any_of(layout.pus, [](const Pu& pu) { return pu.os_index > kMostOsIndex; }))
      return kTooLarge;
    const std::string bytes = to_bytes(layout);
    return std::fwrite(bytes.data(), 1, bytes.size(), out) == bytes.size() ? 0 : kRefused;
  });
  std::string bytes;
  char part[65536];
  while (const std::size_t got = child.read(part, sizeof part)) bytes.append(part, got);
  const LimitedChild::Ending ending = child.ended();
  if (!ending.broke.empty()) throw refuse(fmt::format("damaged: hwloc breaks down on it ({})", ending.broke));
  if (ending.status == kTooLarge)
    throw refuse(fmt::format("more than {} CPUs, or one with a number above {}", kMostPus, kMostOsIndex));
  std::optional<Layout> layout = ending.status == 0 ? from_bytes(bytes) : std::nullopt;
  if (!layout) throw refuse(fmt::format("not a topology that hwloc can read; {}", xml_remedy()));
  // hwloc's own stayed in the child.
  Topology topology(nullptr, layout->source);
  topology.layout_ = *std::move(layout);
  return topology;
}

}  // namespace mmscale::topology

# SPDX-License-Identifier: MIT
# Everything comes from Debian 12 packages; scripts/bootstrap names them.
find_package(Threads REQUIRED)
find_package(fmt 9 REQUIRED)
find_package(CLI11 2.1 REQUIRED)
find_package(nlohmann_json 3.11 REQUIRED)
find_package(benchmark 1.7 REQUIRED)
find_package(GTest)
find_package(boost_context 1.74 REQUIRED)

find_package(PkgConfig REQUIRED)
pkg_check_modules(hwloc REQUIRED IMPORTED_TARGET hwloc>=2.4)
pkg_check_modules(numa REQUIRED IMPORTED_TARGET numa)
pkg_check_modules(liburcu REQUIRED IMPORTED_TARGET liburcu-qsbr)
pkg_check_modules(zlib REQUIRED IMPORTED_TARGET zlib)

# mmscale_part(NAME WHAT DEFAULT): an option that is DEFAULT wherever nobody said ON or OFF. The default is found anew each
# time: what was missing at one configure, since only measuring was asked for, may be there at the next.
function(mmscale_part name what default)
  set(${name} AUTO CACHE STRING "${what}: ON, OFF or AUTO")
  set_property(CACHE ${name} PROPERTY STRINGS AUTO ON OFF)
  if(NOT "${${name}}" STREQUAL "AUTO")
    return()
  endif()
  if(default)
    set(${name} ON PARENT_SCOPE)
  else()
    set(${name} OFF PARENT_SCOPE)
  endif()
endfunction()

# What can be done without: then `mmscale record` and trace.dat, or the CPUs' own counters, are said to be unavailable.
pkg_check_modules(tracing IMPORTED_TARGET libtracecmd libtracefs libtraceevent)
mmscale_part(MMSCALE_TRACING "mmscale record, and replay of trace.dat (libtracecmd, libtracefs, libtraceevent)" "${tracing_FOUND}")
# libpfm4 comes without a pkg-config file.
find_library(MMSCALE_PFM pfm)
mmscale_part(MMSCALE_PMU "The CPUs' own counters (libpfm4)" "${MMSCALE_PFM}")
foreach(part TRACING PMU)
  if(NOT MMSCALE_${part})
    message(STATUS "without MMSCALE_${part}: see cmake/dependencies.cmake")
  endif()
endforeach()

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
pkg_check_modules(hwloc REQUIRED IMPORTED_TARGET hwloc>=2.8)
pkg_check_modules(numa REQUIRED IMPORTED_TARGET numa)
pkg_check_modules(liburcu REQUIRED IMPORTED_TARGET liburcu-qsbr)
# libpfm4 comes without a pkg-config file.
find_library(MMSCALE_PFM pfm REQUIRED)
pkg_check_modules(zlib REQUIRED IMPORTED_TARGET zlib)
pkg_check_modules(tracing REQUIRED IMPORTED_TARGET libtracecmd libtracefs libtraceevent)

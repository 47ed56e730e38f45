# SPDX-License-Identifier: MIT
# The toolchain of a preset that is named for another architecture, as Debian calls it, and maybe a variant of it
# (arm64-lse): Debian's cross compiler, the libraries that scripts/cross unpacked, and QEMU to run the tests.
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES MMSCALE_CROSS)
string(REGEX REPLACE "-.*" "" architecture "${MMSCALE_CROSS}")
set(processors arm64 aarch64 ppc64el powerpc64le s390x s390x riscv64 riscv64)
list(FIND processors "${architecture}" at)
if(at EQUAL -1)
  message(FATAL_ERROR "MMSCALE_CROSS '${MMSCALE_CROSS}': arm64, ppc64el, s390x or riscv64")
endif()
math(EXPR at "${at} + 1")
list(GET processors ${at} processor)

set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR ${processor})
set(CMAKE_CXX_COMPILER ${processor}-linux-gnu-g++)
set(CMAKE_SYSROOT ${CMAKE_CURRENT_LIST_DIR}/../build/cross/${architecture})
set(CMAKE_LIBRARY_ARCHITECTURE ${processor}-linux-gnu)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
foreach(kind LIBRARY INCLUDE PACKAGE)
  set(CMAKE_FIND_ROOT_PATH_MODE_${kind} ONLY)
endforeach()
set(ENV{PKG_CONFIG_SYSROOT_DIR} ${CMAKE_SYSROOT})
set(ENV{PKG_CONFIG_LIBDIR} ${CMAKE_SYSROOT}/usr/lib/${processor}-linux-gnu/pkgconfig:${CMAKE_SYSROOT}/usr/share/pkgconfig)

string(REPLACE powerpc ppc emulated ${processor})
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-${emulated}-static -L ${CMAKE_SYSROOT} -E LD_LIBRARY_PATH=/lib/${processor}-linux-gnu:/usr/lib/${processor}-linux-gnu)

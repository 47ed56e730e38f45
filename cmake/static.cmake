# SPDX-License-Identifier: MIT
# `mmscale_static`: the command as one file that needs no other, for scripts/dist. The floors are those of `mmscale`;
# what they stand on comes as archives, from this folder before the system's.
set(MMSCALE_STATIC_ARCHIVES "" CACHE PATH "Folder of libfmt.a and libbenchmark.a (and libtracecmd.a): adds mmscale_static")
if(NOT MMSCALE_STATIC_ARCHIVES)
  return()
endif()

add_executable(mmscale_static EXCLUDE_FROM_ALL
  ${PROJECT_SOURCE_DIR}/src/cli/main.cc ${PROJECT_SOURCE_DIR}/cmake/without/udev_and_plugins.cc)
set_target_properties(mmscale_static PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/static)
target_include_directories(mmscale_static PRIVATE ${PROJECT_SOURCE_DIR})
target_link_libraries(mmscale_static PRIVATE mmscale_options)

foreach(directory ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR}/bench)
  if(EXISTS ${directory}/CMakeLists.txt)
    get_property(targets DIRECTORY ${directory} PROPERTY BUILDSYSTEM_TARGETS)
    foreach(target ${targets})
      get_target_property(type ${target} TYPE)
      get_target_property(excluded ${target} EXCLUDE_FROM_ALL)
      if(type STREQUAL "STATIC_LIBRARY" AND NOT excluded)
        list(APPEND floors $<TARGET_FILE:${target}>)
        add_dependencies(mmscale_static ${target})
      endif()
    endforeach()
  endif()
endforeach()

foreach(name fmt benchmark hwloc numa urcu-qsbr urcu-common pfm tracefs traceevent boost_context z)
  find_library(MMSCALE_STATIC_${name} lib${name}.a PATHS ${MMSCALE_STATIC_ARCHIVES} NO_CACHE)
  if(NOT MMSCALE_STATIC_${name})
    message(FATAL_ERROR "mmscale_static: there is no lib${name}.a; scripts/dist makes what Debian does not have")
  endif()
  list(APPEND archives ${MMSCALE_STATIC_${name}})
endforeach()
find_library(MMSCALE_STATIC_tracecmd libtracecmd.a PATHS ${MMSCALE_STATIC_ARCHIVES} NO_CACHE)
if(MMSCALE_STATIC_tracecmd)
  list(APPEND archives ${MMSCALE_STATIC_tracecmd})
  # Made with it only if there was one: what trace-cmd packs by default.
  find_library(MMSCALE_STATIC_zstd libzstd.a PATHS ${MMSCALE_STATIC_ARCHIVES} NO_CACHE)
  if(MMSCALE_STATIC_zstd)
    list(APPEND archives ${MMSCALE_STATIC_zstd})
  endif()
else()
  # Before the archive that has the real one, which is then left in there.
  target_sources(mmscale_static PRIVATE ${PROJECT_SOURCE_DIR}/cmake/without/trace_dat.cc)
endif()
target_link_options(mmscale_static PRIVATE -static -s)
target_link_libraries(mmscale_static PRIVATE -Wl,--start-group ${floors} ${archives} -Wl,--end-group)

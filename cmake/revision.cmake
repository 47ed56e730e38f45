# SPDX-License-Identifier: MIT
# Writes build/<preset>/generated/revision.h at every build, and touches it only when the revision changed, so that
# a record always names the source that made it without recompiling the world.
set(MMSCALE_GENERATED_DIR ${PROJECT_BINARY_DIR}/generated)
add_custom_target(mmscale_revision
  BYPRODUCTS ${MMSCALE_GENERATED_DIR}/revision.h
  COMMAND ${CMAKE_COMMAND}
    -DSOURCE_DIR=${PROJECT_SOURCE_DIR} -DVERSION=${PROJECT_VERSION}
    -DOUTPUT=${MMSCALE_GENERATED_DIR}/revision.h
    -P ${PROJECT_SOURCE_DIR}/cmake/write_revision.cmake
  COMMENT "Checking the git revision" VERBATIM)

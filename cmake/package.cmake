# SPDX-License-Identifier: MIT
# `cpack --config build/release/CPackConfig.cmake` makes mmscale_VERSION_ARCH.deb of what `cmake --install` installs,
# with the dependencies that dpkg-shlibdeps finds; with -G RPM, and rpmbuild, an .rpm.
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/mmscale RENAME copyright)
set(CPACK_RPM_PACKAGE_LICENSE MIT)
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME mmscale)
set(CPACK_PACKAGE_CONTACT "The mmscale developers <mmscale@localhost>")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION science)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
include(CPack)

# Debian packages: `cpack -G DEB` in the build folder makes
#   semcodec          programs, shared libraries, the default model
#   libsemcodec-dev   headers, CMake package, .pc files, examples
#
# For packages that others install, configure with -DCMAKE_INSTALL_PREFIX=/usr and
# -DSEMCODEC_BUNDLE_TORCH=ON: Debian has no LibTorch of this version, so it comes along.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME semcodec)
set(CPACK_PACKAGE_VENDOR "semcodec")
set(CPACK_PACKAGE_CONTACT "semcodec maintainers <maintainers@semcodec.invalid>")
set(CPACK_PACKAGING_INSTALL_PREFIX ${CMAKE_INSTALL_PREFIX})
set(CPACK_COMPONENTS_ALL runtime dev)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_ENABLE_COMPONENT_DEPENDS OFF)

set(CPACK_COMPONENT_RUNTIME_DESCRIPTION
    "Semantic-communication video codec\n Encodes video at 1 to 60 kbit/s and generates it again with neural networks.")
set(CPACK_DEBIAN_RUNTIME_PACKAGE_NAME semcodec)
set(CPACK_DEBIAN_RUNTIME_PACKAGE_SECTION video)
# dpkg-shlibdeps knows the Debian libraries; LibTorch is none of them.
set(CPACK_DEBIAN_RUNTIME_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS ${SEMCODEC_TORCH_DIR}/lib
    ${CMAKE_LIBRARY_OUTPUT_DIRECTORY})

set(CPACK_COMPONENT_DEV_DESCRIPTION
    "Development files of semcodec\n Headers, CMake package, pkg-config files and examples.")
set(CPACK_DEBIAN_DEV_PACKAGE_NAME libsemcodec-dev)
set(CPACK_DEBIAN_DEV_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_DEV_PACKAGE_DEPENDS "semcodec (= ${PROJECT_VERSION})")
include(CPack)

# Google Highway (Apache-2.0 or BSD-3-Clause): the vector instructions of common/cpu.
#
#   semcodec_highway   headers, choice of instructions at run time; without torch
#
# A system's own from 1.2 on is taken; Debian 12 has 1.0.3, which knows no products of bfloat16 pairs.
# Else SEMCODEC_HIGHWAY_DIR (the folder that holds hwy/), which scripts/setup.sh fetches.
find_package(hwy 1.2 CONFIG QUIET)
if(hwy_FOUND)
  add_library(semcodec_highway INTERFACE)
  target_link_libraries(semcodec_highway INTERFACE hwy::hwy)
  set(_scope INTERFACE)
  message(STATUS "Highway: ${hwy_VERSION} of the system")
else()
  set(SEMCODEC_HIGHWAY_DIR "$ENV{SEMCODEC_HIGHWAY_DIR}" CACHE PATH "folder with hwy/highway.h")
  if(NOT SEMCODEC_HIGHWAY_DIR)
    execute_process(COMMAND bash ${CMAKE_CURRENT_LIST_DIR}/../scripts/setup.sh --print-highway-dir
                    OUTPUT_VARIABLE _dir OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
    set(SEMCODEC_HIGHWAY_DIR "${_dir}" CACHE PATH "folder with hwy/highway.h" FORCE)
  endif()
  if(NOT EXISTS "${SEMCODEC_HIGHWAY_DIR}/hwy/targets.cc")
    message(FATAL_ERROR "Google Highway was not found; run `bash scripts/setup.sh`, or set "
                        "SEMCODEC_HIGHWAY_DIR to a folder that holds hwy/ of version 1.2 or later")
  endif()
  message(STATUS "Highway: ${SEMCODEC_HIGHWAY_DIR}")
  add_library(semcodec_highway STATIC ${SEMCODEC_HIGHWAY_DIR}/hwy/targets.cc
                                      ${SEMCODEC_HIGHWAY_DIR}/hwy/abort.cc)
  set_target_properties(semcodec_highway PROPERTIES CXX_VISIBILITY_PRESET hidden
                                                    VISIBILITY_INLINES_HIDDEN ON)
  target_include_directories(semcodec_highway SYSTEM PUBLIC ${SEMCODEC_HIGHWAY_DIR})
  target_compile_definitions(semcodec_highway PUBLIC HWY_STATIC_DEFINE)
  set(_scope PUBLIC)
endif()
# Of x86 a baseline (SSE2), AVX2, AVX-512 and AVX-512 with BF16, as common/cpu/level.h names them: more
# sets make the build longer and nothing faster. SVE's registers have no size that a compiler knows.
target_compile_definitions(semcodec_highway ${_scope}
  "HWY_DISABLED_TARGETS=(HWY_SSSE3|HWY_SSE4|HWY_AVX3_DL|HWY_AVX10_2|HWY_ALL_SVE)")

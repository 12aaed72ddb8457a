# semcodec_library(NAME SOURCES... [TORCH] [HIDDEN] LINK targets...)
# semcodec_program(NAME SOURCES... [TORCH] LINK targets...)
# semcodec_test(NAME SOURCES... [TORCH] LABELS labels... LINK targets...)
# semcodec_script_test(NAME LABELS labels... [TIMEOUT seconds] [SKIPS] [BUILDS]
#                      COMMAND program arguments...)
#
# One place for include paths, warnings and the precompiled torch header. A target sees only
# what it links, which is how the dependency rules of docs/architecture.md are enforced.

set(SEMCODEC_WARNINGS -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Wold-style-cast
                      -Woverloaded-virtual -Wnull-dereference)
# g++ 12 raises these falsely at -O3 inside std::string, std::vector and std::span once inlined.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  list(APPEND SEMCODEC_WARNINGS -Wno-stringop-overflow -Wno-stringop-overread -Wno-array-bounds
                                -Wno-restrict -Wno-maybe-uninitialized)
endif()
if(SEMCODEC_WERROR)
  list(APPEND SEMCODEC_WARNINGS -Werror)
endif()

set(SEMCODEC_TORCH_OPTIONS -Wno-null-dereference -Wno-pedantic -Wno-old-style-cast
                           $<$<CONFIG:Release>:-O2>)

function(_semcodec_common name uses_torch)
  target_include_directories(${name} PUBLIC ${PROJECT_SOURCE_DIR} ${PROJECT_SOURCE_DIR}/include
                                            ${PROJECT_BINARY_DIR}/include)
  target_compile_options(${name} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:${SEMCODEC_WARNINGS}>)
  if(uses_torch)
    get_target_property(_type ${name} TYPE)
    if(_type STREQUAL "EXECUTABLE")
      # -fPIE, CMake's choice for executables, could not share the precompiled header.
      set_target_properties(${name} PROPERTIES POSITION_INDEPENDENT_CODE OFF)
      target_compile_options(${name} PRIVATE -fPIC)
    endif()
    target_link_libraries(${name} PUBLIC LibTorch::cpu)
    # g++ 12 warns falsely inside torch's templates once they are inlined into our code. -O2 in
    # optimised builds: these files call into torch, and -O3 only makes them slower to compile.
    target_compile_options(${name} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:${SEMCODEC_TORCH_OPTIONS}>)
    if(NOT TARGET semcodec_torch_pch)
      file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/torch_pch.cpp
           CONTENT "// Holds the precompiled torch header.\n")
      add_library(semcodec_torch_pch OBJECT ${CMAKE_BINARY_DIR}/torch_pch.cpp)
      target_link_libraries(semcodec_torch_pch PUBLIC LibTorch::cpu)
      target_precompile_headers(semcodec_torch_pch PRIVATE <torch/torch.h>)
      target_compile_options(semcodec_torch_pch PRIVATE ${SEMCODEC_WARNINGS}
                             ${SEMCODEC_TORCH_OPTIONS})
    endif()
    target_precompile_headers(${name} REUSE_FROM semcodec_torch_pch)
    # g++ instantiates what torch's headers left pending once more for every file, for a dozen seconds.
    set_target_properties(${name} PROPERTIES UNITY_BUILD ${SEMCODEC_UNITY} UNITY_BUILD_BATCH_SIZE 8)
    if(SEMCODEC_UNITY)
      # Private structs hold types of their file's anonymous namespace, which g++ takes for a header's.
      target_compile_options(${name} PRIVATE $<$<CXX_COMPILER_ID:GNU>:-Wno-subobject-linkage>)
    endif()
  endif()
endfunction()

function(semcodec_library name)
  cmake_parse_arguments(A "TORCH;HIDDEN" "" "SOURCES;LINK" ${ARGN})
  add_library(${name} STATIC ${A_SOURCES})
  if(A_HIDDEN)
    set_target_properties(${name} PROPERTIES CXX_VISIBILITY_PRESET hidden
                                             VISIBILITY_INLINES_HIDDEN ON)
  endif()
  target_link_libraries(${name} PUBLIC ${A_LINK})
  _semcodec_common(${name} ${A_TORCH})
endfunction()

function(semcodec_program name)
  cmake_parse_arguments(A "TORCH" "" "SOURCES;LINK" ${ARGN})
  add_executable(${name} ${A_SOURCES})
  target_link_libraries(${name} PRIVATE ${A_LINK})
  _semcodec_common(${name} ${A_TORCH})
endfunction()

# Whether a target links torch, by itself or through what it links.
function(_semcodec_links_torch target result)
  get_property(_known GLOBAL PROPERTY semcodec_links_torch_${target})
  if("${_known}" STREQUAL "")
    set(_known FALSE)
    set_property(GLOBAL PROPERTY semcodec_links_torch_${target} FALSE)  # for circles
    get_target_property(_links ${target} INTERFACE_LINK_LIBRARIES)
    get_target_property(_imported ${target} IMPORTED)
    if(NOT _imported)
      get_target_property(_own ${target} LINK_LIBRARIES)
      list(APPEND _links ${_own})
    endif()
    foreach(_link ${_links})
      if(_link MATCHES "^LibTorch::")
        set(_known TRUE)
      elseif(TARGET ${_link})
        _semcodec_links_torch(${_link} _below)
        if(_below)
          set(_known TRUE)
        endif()
      endif()
    endforeach()
    set_property(GLOBAL PROPERTY semcodec_links_torch_${target} ${_known})
  endif()
  set(${result} ${_known} PARENT_SCOPE)
endfunction()

# Those tests have the label `torchfree` and are built by the target of that name: quick to build with
# other compilers and under sanitizers (scripts/checks.sh).
function(semcodec_test name)
  cmake_parse_arguments(A "TORCH" "" "SOURCES;LINK;LABELS" ${ARGN})
  add_executable(${name} ${A_SOURCES})
  target_link_libraries(${name} PRIVATE ${A_LINK} GTest::gtest_main)
  _semcodec_common(${name} ${A_TORCH})
  target_compile_definitions(${name} PRIVATE SEMCODEC_SOURCE_DIR="${PROJECT_SOURCE_DIR}"
                             SEMCODEC_BINARY_DIR="${PROJECT_BINARY_DIR}")
  _semcodec_links_torch(${name} _torch)
  if(NOT _torch)
    list(APPEND A_LABELS torchfree)
    if(NOT TARGET torchfree)
      add_custom_target(torchfree)
    endif()
    add_dependencies(torchfree ${name})
  endif()
  semcodec_script_test(${name} LABELS ${A_LABELS} COMMAND ${name})
endfunction()

# Every test has a label, one of unit, golden, gpu, program, install (docs/testing.md); `slow` comes
# besides where it takes 40 s or more on two cores, so that `ctest -LE slow` is quick. SKIPS: status
# 77 means that what it needs is not there. BUILDS: it uses the build folder as a builder does, which
# one test at a time may.
function(semcodec_script_test name)
  cmake_parse_arguments(A "SKIPS;BUILDS" "TIMEOUT" "LABELS;COMMAND" ${ARGN})
  set(_known unit golden gpu program install fuzz slow torchfree)
  set(_kinds ${A_LABELS})
  list(REMOVE_ITEM _kinds slow fuzz torchfree)
  if(NOT _kinds)
    message(FATAL_ERROR "The test ${name} has no label; give it LABELS, see docs/testing.md")
  endif()
  foreach(_label ${A_LABELS})
    if(NOT _label IN_LIST _known)
      message(FATAL_ERROR "The test ${name} has the label ${_label}; known are ${_known}")
    endif()
  endforeach()
  if(NOT A_TIMEOUT)
    set(A_TIMEOUT 600)
  endif()
  _add_test(NAME ${name} COMMAND ${A_COMMAND} WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
  set_tests_properties(${name} PROPERTIES LABELS "${A_LABELS}" TIMEOUT ${A_TIMEOUT})
  if(A_BUILDS)
    set_tests_properties(${name} PROPERTIES RESOURCE_LOCK build_folder)
  endif()
  if(A_SKIPS)
    set_tests_properties(${name} PROPERTIES SKIP_RETURN_CODE 77)
  endif()
endfunction()

function(add_test)
  message(FATAL_ERROR "Use semcodec_test() or semcodec_script_test(), which ask for a label")
endfunction()

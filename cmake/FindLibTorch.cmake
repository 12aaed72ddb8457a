# Finds LibTorch (the C++ side of a PyTorch wheel or a libtorch archive).
#
# Torch's own CMake config asks for a CUDA toolkit whenever the wheel was built with CUDA, also
# on a machine that will never use it, so the few facts we need are read off the folder directly.
#
#   LibTorch::cpu    headers, libtorch_cpu, libc10. All programs link this one; it starts fast.
#   LibTorch::cuda   adds libtorch_cuda, libc10_cuda. Only the CUDA module (loaded at run time
#                    when a GPU is wanted) links it. Present when the wheel has it.
#
# Looks at SEMCODEC_TORCH_DIR (the folder that holds include/ and lib/), then at the environment
# variable of that name, then where scripts/setup.sh puts it, then asks python3.

set(SEMCODEC_TORCH_DIR "$ENV{SEMCODEC_TORCH_DIR}" CACHE PATH "torch folder with include/ and lib/")
if(NOT SEMCODEC_TORCH_DIR)
  execute_process(COMMAND bash ${PROJECT_SOURCE_DIR}/scripts/setup.sh --print-torch-dir
                  OUTPUT_VARIABLE _dir OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  if(NOT EXISTS "${_dir}/include/torch")
    execute_process(COMMAND python3 -c
                    "import importlib.util as u, os; print(os.path.dirname(u.find_spec('torch').origin))"
                    OUTPUT_VARIABLE _dir OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  endif()
  if(EXISTS "${_dir}/include/torch")
    set(SEMCODEC_TORCH_DIR "${_dir}" CACHE PATH "torch folder with include/ and lib/" FORCE)
  endif()
endif()

find_library(LIBTORCH_CPU_LIBRARY torch_cpu PATHS ${SEMCODEC_TORCH_DIR}/lib NO_DEFAULT_PATH)
find_library(LIBTORCH_C10_LIBRARY c10 PATHS ${SEMCODEC_TORCH_DIR}/lib NO_DEFAULT_PATH)
find_library(LIBTORCH_CUDA_LIBRARY torch_cuda PATHS ${SEMCODEC_TORCH_DIR}/lib NO_DEFAULT_PATH)
find_library(LIBTORCH_C10_CUDA_LIBRARY c10_cuda PATHS ${SEMCODEC_TORCH_DIR}/lib NO_DEFAULT_PATH)

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(LibTorch
  REQUIRED_VARS SEMCODEC_TORCH_DIR LIBTORCH_CPU_LIBRARY LIBTORCH_C10_LIBRARY
  REASON_FAILURE_MESSAGE "run `bash scripts/setup.sh`, or set SEMCODEC_TORCH_DIR to a torch folder")

if(LibTorch_FOUND AND NOT TARGET LibTorch::cpu)
  set(_inc ${SEMCODEC_TORCH_DIR}/include ${SEMCODEC_TORCH_DIR}/include/torch/csrc/api/include)
  add_library(LibTorch::c10 SHARED IMPORTED)
  set_target_properties(LibTorch::c10 PROPERTIES IMPORTED_LOCATION ${LIBTORCH_C10_LIBRARY})
  add_library(LibTorch::cpu SHARED IMPORTED)
  set_target_properties(LibTorch::cpu PROPERTIES
    IMPORTED_LOCATION ${LIBTORCH_CPU_LIBRARY}
    INTERFACE_INCLUDE_DIRECTORIES "${_inc}"
    INTERFACE_LINK_LIBRARIES "LibTorch::c10;Threads::Threads")
  # The wheel's libraries find their CUDA run time through an RPATH of their own; the linker
  # need not resolve it here.
  set_property(TARGET LibTorch::cpu APPEND PROPERTY INTERFACE_LINK_OPTIONS
               -Wl,--allow-shlib-undefined -Wl,--unresolved-symbols=ignore-in-shared-libs)
  if(LIBTORCH_CUDA_LIBRARY)
    add_library(LibTorch::cuda INTERFACE IMPORTED)
    target_link_libraries(LibTorch::cuda INTERFACE LibTorch::cpu ${LIBTORCH_CUDA_LIBRARY}
                          ${LIBTORCH_C10_CUDA_LIBRARY})
  endif()
endif()

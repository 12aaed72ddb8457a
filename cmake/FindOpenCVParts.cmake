# Finds the parts of OpenCV that the project uses: opencv_core, opencv_imgproc, opencv_video.
#
# Debian keeps OpenCV's own CMake config in libopencv-dev, which pulls in over a hundred packages;
# the three small -dev packages are enough. Where the config is installed, it is used.
find_package(OpenCV QUIET COMPONENTS core imgproc video)
set(OpenCVParts_FOUND ${OpenCV_FOUND})
if(NOT OpenCV_FOUND)
  find_path(OPENCV_INCLUDE_DIR opencv2/core.hpp PATH_SUFFIXES opencv4)
  set(OpenCVParts_FOUND ON)
  foreach(_part core imgproc video)
    find_library(OPENCV_${_part}_LIBRARY opencv_${_part})
    if(NOT OPENCV_INCLUDE_DIR OR NOT OPENCV_${_part}_LIBRARY)
      set(OpenCVParts_FOUND OFF)
    elseif(NOT TARGET opencv_${_part})
      add_library(opencv_${_part} SHARED IMPORTED)
      set_target_properties(opencv_${_part} PROPERTIES
        IMPORTED_LOCATION ${OPENCV_${_part}_LIBRARY}
        INTERFACE_INCLUDE_DIRECTORIES ${OPENCV_INCLUDE_DIR})
    endif()
  endforeach()
endif()
if(NOT OpenCVParts_FOUND AND OpenCVParts_FIND_REQUIRED)
  message(FATAL_ERROR "OpenCV (core, imgproc, video) was not found; run `bash scripts/setup.sh`")
endif()

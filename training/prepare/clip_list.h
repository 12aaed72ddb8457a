#pragma once
// Which clips a folder holds: videos, stills, and sequences of numbered pictures.

#include <string>
#include <vector>

namespace semcodec {

enum class ClipLayout {
  videos,      ///< every file is a clip by itself; a picture is a still
  sequence,    ///< a folder with two or more pictures is a clip, in the order of their numbers
  cityscapes,  ///< CITY_SEQUENCE_FRAME_leftImg8bit.png: a clip for each run of frame numbers, 17 Hz
  apolloscape  ///< …/Record###/Camera #/*.jpg: a clip for each such folder, the rate from the times
               ///< in the names (YYMMDD_HHMMSSmmm_…), cut where a time is missing
};

/// "videos", "sequence", "cityscapes", "apolloscape". Throws Error(usage).
ClipLayout parse_clip_layout(const std::string& text);

struct ClipSource {
  std::string name;                ///< of the frame store, unique in the list
  std::vector<std::string> files;  ///< one file, or the pictures of a sequence in their order
  double rate = 0;                 ///< frames a second of a sequence, 0 when not known
};

/// The clips of files and folders (searched with all their subfolders), in an order and with names
/// that do not depend on the file system. A file that is no picture of a wanted sequence is left
/// out by the two dataset layouts, and a clip of its own in the others.
std::vector<ClipSource> list_clips(const std::vector<std::string>& inputs, ClipLayout layout);

/// Whether the name is that of a picture (PNG, JPEG, BMP, PPM, WebP, TIFF).
bool is_picture_file(const std::string& path);

/// The files themselves, sorted.
std::vector<std::string> list_files(const std::vector<std::string>& inputs);

}  // namespace semcodec

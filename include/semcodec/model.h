#pragma once
/// @file
//// @file
//// Model packages: folders with the networks that encoder and decoder run.
////
//// A package is given by the path of its folder (a text with a '/'), or by a name such as
//// "default", which is looked for in these folders, one after the other:
////
////  1. those that add_model_folder() named, the last one first;
////  2. those in the environment variable SEMCODEC_MODEL_PATH, separated by ':';
////  3. the data folder beside the program or library: ../share/semcodec/models;
////  4. the data folder of the installation that this was built for.
////
//// Opening a package runs no code of it: networks are weights alone.

#include <string>
#include <vector>

#include "semcodec/export.h"

namespace semcodec {

/// What is known of a package before its networks are loaded.
struct ModelInfo {
  std::string name{};        ///< as streams name it
  std::string folder{};      ///< where it lies
  std::string hash{};        ///< 16 hex digits; a stream names the hash that it was made for
  bool hybrid = false;       ///< knows the hybrid profile (frames with base pictures)
  int texture_channels = 0;  ///< learned planes, 0 = none
};

/// Reads the description of a package. Throws Error(input) when it is not there, Error(corrupt)
/// when its description is not sound.
SEMCODEC_API ModelInfo open_model(const std::string& name_or_folder);

/// The folders in which names are looked for, in this order. Not all of them need exist.
SEMCODEC_API std::vector<std::string> model_folders();

/// Looks for names in `folder` before all others. For the whole process; thread-safe.
SEMCODEC_API void add_model_folder(const std::string& folder);

}  // namespace semcodec

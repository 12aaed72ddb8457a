#pragma once
// The semantic labels beside a frame store.

#include <string>
#include <vector>

#include "models/segmentation/segmenter.h"

namespace semcodec {

/// What `--segmenter` names: a file, or `espnet` among the weights. Throws Error(input).
std::string segmenter_file(const std::string& name);

/// Writes NAME.classes for NAME.frames, unless it is there: the class of every pixel, one byte
/// each. The network is given the frames of `files` again, at their own size or smaller, so that
/// the long side is at most `side`: what is small in the store it would not recognise.
void write_class_store(const std::vector<std::string>& files, const std::string& frames_path,
                       Segmenter& segmenter, int side);

}  // namespace semcodec

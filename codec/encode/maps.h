#pragma once
// The maps of --maps: what a coded frame says, as pictures.

#include <cstdint>
#include <string>

#include "semcodec/planes.h"

namespace semcodec {

/// Makes the folder unless it is there. Throws Error(output).
void make_map_folder(const std::string& folder);

/// Writes FOLDER/NNNNNN-colour.png and -edges.png at the coded size.
void write_maps(const std::string& folder, std::int64_t index, const SemanticFrame& frame,
                const StreamInfo& info);

}  // namespace semcodec

#pragma once
// Where packages lie that are given by name; semcodec/model.h says in which order it looks.

#include <optional>
#include <string>

#include "semcodec/model.h"

namespace semcodec {

/// The folder of the package `name` (no '/' in it), nothing when no folder has one.
std::optional<std::string> find_model_folder(const std::string& name);

}  // namespace semcodec

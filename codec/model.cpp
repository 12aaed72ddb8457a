#include "semcodec/model.h"

#include "models/package/model_package.h"

namespace semcodec {

ModelInfo open_model(const std::string& name_or_folder) {
  const auto package = open_package(name_or_folder);
  ModelInfo info;
  info.name = package.name;
  info.folder = package.folder;
  info.hash = package.hash;
  info.hybrid = package.restorer.has_value();
  info.texture_channels = package.config.texture.channels;
  return info;
}

}  // namespace semcodec

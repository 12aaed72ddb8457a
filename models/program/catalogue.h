#pragma once
// What there is to run: the weights that ship with the project and those that can be fetched.

#include <cstdint>
#include <string>
#include <vector>

namespace semcodec {

/// A file of models/zoo.
struct ShippedFile {
  std::string package;  ///< "default"
  std::string file;     ///< "edges.safetensors"
  std::string path;
  std::uint64_t size = 0;  ///< bytes
  std::string sha256;
};

/// An entry of models/weights.json.
struct FetchableWeights {
  std::string name;     ///< what scripts/fetch.sh and `run` take
  std::string address;  ///< the first of its addresses
  std::string licence;
  std::string used_for;
  std::uint64_t size = 0;  ///< bytes to download
  std::string sha256;      ///< of the file to download
  std::string path;        ///< of the converted file where it is here, else empty
};

struct Catalogue {
  std::vector<ShippedFile> shipped;
  std::vector<FetchableWeights> fetchable;
};

/// Looks into models/zoo and models/weights.json of the project. Throws Error(input) when there is
/// neither.
Catalogue read_catalogue();

std::string catalogue_table(const Catalogue& catalogue);  ///< for people
std::string catalogue_json(const Catalogue& catalogue);  ///< {"shipped": […], "fetchable": […]}

/// The file behind WEIGHTS of `run`: a path, a name of models/weights.json, or "default" and the
/// other packages of models/zoo, of which `zoo_file` is meant. Throws Error(input) that says what
/// names there are, or how to fetch one that is known but not here.
std::string resolve_weights(const std::string& weights, const std::string& zoo_file);

}  // namespace semcodec

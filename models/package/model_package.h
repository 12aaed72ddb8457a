#pragma once
// A model package: the folder that encoder and decoder take as `--model`.
//
//   model.json               what is in it (below)
//   generator.safetensors    the temporal generator
//   edges.safetensors        PiDiNet of the sender
//   texture.safetensors      texture network of the sender (unless texture_channels is 0)
//   flow.safetensors         FlowNet2 of the receiver (may be absent: coarse motion only)
//   restorer.safetensors     the generator of frames that carry a base picture (may be absent)
//   MODEL_CARD.md            for people: data, teachers, figures, terms
//
// model.json: {"format": 1, "name": "default", "generator": {sizes of GeneratorConfig},
//              "restorer": {sizes of RestorerConfig}, "detail": 0.5, "base_flow": "dis",
//              "refine_flow": true}.
// Opening a package runs no code.

#include <optional>
#include <string>

#include "models/generator/generator.h"
#include "models/generator/restorer.h"

namespace semcodec {

struct ModelPackage {
  std::string name;  ///< see is_model_name(); what model.json says beyond that is replaced by '-'
  std::string folder;
  GeneratorConfig config;
  std::optional<RestorerConfig> restorer;  ///< nothing: no frames with base pictures
  /// Motion between base pictures: "dis" (base_flow.h) or "flownet2"; what the restorer was trained
  /// with.
  std::string base_flow = "dis";
  double detail = 0.5;       ///< RestorerFacts::detail unless the user says otherwise
  bool refine_flow = false;  ///< FlowNet2 refines the transmitted motion at the receiver
  /// First 16 hex digits of a sha256: of generator.safetensors or, with a restorer, of the hex
  /// digests of generator.safetensors and restorer.safetensors one after the other.
  std::string hash;

  std::string generator_path() const { return folder + "/generator.safetensors"; }
  std::string edges_path() const { return folder + "/edges.safetensors"; }
  std::string texture_path() const { return folder + "/texture.safetensors"; }
  std::string flow_path() const { return folder + "/flow.safetensors"; }
  std::string restorer_path() const { return folder + "/restorer.safetensors"; }
};

/// What a package may be called: 1 to 64 of A-Z a-z 0-9 . _ -, not beginning with a dot.
bool is_model_name(const std::string& name);

/// Opens a package by name (looked for as semcodec/model.h says) or by folder. Throws Error(input)
/// when it is not there, Error(corrupt) when model.json is not sound, or asks for a network of
/// other sizes than its weights have.
ModelPackage open_package(const std::string& name_or_folder);

/// The same for a name that a stream brings: looked up in the model folders only, whatever files
/// there are elsewhere. Throws Error(unsupported) when it is no name, or none that is there.
ModelPackage open_named_package(const std::string& name);

/// Writes model.json into `folder`: everything of `package` but its folder and hash.
void write_package_description(const std::string& folder, const ModelPackage& package);

/// The generator of a package, in evaluation form: on `device`, weights in `dtype`, channels last.
/// Without a `dtype`: inference_dtype(device). On the CPU engine_wanted() decides between
/// GeneratorEngine and torch.
Generator load_generator(const ModelPackage& package, torch::Device device,
                         std::optional<torch::Dtype> dtype);

/// The restorer of a package, in the same way; the package must have one. Torch runs
/// it, GeneratorEngine's kernels its interpolator.
Restorer load_restorer(const ModelPackage& package, torch::Device device,
                       std::optional<torch::Dtype> dtype);

/// The sender's texture network, in the same way. The package must have texture channels.
TextureEncoder load_texture_encoder(const ModelPackage& package, torch::Device device,
                                    torch::Dtype dtype);

}  // namespace semcodec

#pragma once
// A generator of the sizes of training/recipes/paper.toml, to time what no package of that size is
// there for.

#include "benchmarks/scratch_folder.h"
#include "models/package/model_package.h"

namespace semcodec {

/// A package with weights by a formula in a temporary folder, which goes when this does. It has a
/// generator alone: no networks of the sender, no FlowNet2.
class PaperPackage {
 public:
  PaperPackage();

  const ModelPackage& package() const { return package_; }

 private:
  ScratchFolder folder_;
  ModelPackage package_;
};

}  // namespace semcodec

#include "training/edges/edge_options.h"

namespace semcodec {

OptionTable table_of(EdgeOptions& o) {
  OptionTable table("edges", "Stage `edges`");
  table.add("use", o.use, any_value(),
            "`all`: take the edge network of this package, or this file, as it is");
  table.add("teacher", o.teacher, any_value(),
            "weights of a larger PiDiNet to distil from: a file, or a name such as `pidinet`");
  table.add("annotations", o.annotations, any_value(),
            "folder of frame stores with `NAME.labels` (`prepare --annotated`), besides `data`");
  table.add("distillation", o.distillation, at_least(0), "weight of the loss against the teacher");
  table.add("labels", o.labels, at_least(0),
            "weight of the loss against annotations, on pictures that have them");
  table.add("size", o.size, one_of({"full", "small", "tiny", "full-l", "small-l", "tiny-l"}),
            "of the network");
  table.add("lambda", o.lambda, above(0), "weight of pixels that are no edges");
  table.add("eta", o.eta, below(0, 1), "share of the annotators that makes an edge");
  table.add("crop", o.crop, multiple_of(8, 32), "side of the crops, pixels");
  add_trainer_options(table, o);
  table.gone("seconds", "is gone; 'edges.steps' is the length of the run");
  return table;
}

EdgeOptions read_edge_options(const Config& config) {
  EdgeOptions o;
  read_run_options(config, o, "the folder of frame stores");
  table_of(o).read(config);
  return o;
}

}  // namespace semcodec

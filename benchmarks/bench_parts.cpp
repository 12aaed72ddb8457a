#include "benchmarks/bench_parts.h"

#include <cstring>
#include <memory>

#include "benchmarks/paper_package.h"
#include "common/app/worker_pool.h"
#include "decoder/synthesis/synthesiser.h"
#include "encoder/analysis/colour.h"
#include "encoder/analysis/structure.h"
#include "encoder/core/edge_finder.h"
#include "models/core/device.h"
#include "models/core/graphed.h"
#include "models/generator/flow_geometry.h"
#include "models/kernels/generate_frame.h"
#include "models/pidinet/edge_detector.h"
#include "tests/models/seeded_values.h"

namespace semcodec {
namespace {

constexpr std::int64_t kBetween =
    9;  ///< frames between two coded frames: 10 a run, 2.5 coded frames a second

/// A smooth picture with edges and some noise, H×W×3 bytes.
RgbImage bench_picture(int width, int height) {
  RgbImage picture(width, height);
  std::uint32_t noise = 1;
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const int patch = (x / 40 * 7 + y / 30 * 13) % 11;
      const int shade[3] = {x * 128 / width + 9 * patch, 40 + y * 128 / height + 12 * (patch % 4),
                            200 - 15 * patch};
      for (int c = 0; c < 3; ++c) {
        noise = noise * 1664525U + 1013904223U;
        picture.row(y)[3 * x + c] = static_cast<std::uint8_t>(
            std::clamp(shade[c] + static_cast<int>(noise >> 28) - 8, 0, 255));
      }
    }
  }
  return picture;
}

Plane bench_plane(int width, int height, int levels) {
  Plane plane{width, height, levels, {}};
  for (int i = 0; i < width * height; ++i) {
    plane.values.push_back(static_cast<std::uint8_t>((i / 3 + i / width) % levels));
  }
  return plane;
}

SemanticFrame bench_frame(const BenchSettings& s, std::int64_t pts, bool first) {
  SemanticFrame frame;
  frame.pts = pts;
  frame.entry_point = first;
  frame.structure = bench_plane(s.width / 8, s.height / 8, 4);
  frame.labels = bench_plane(s.width / 16, s.height / 16, 12);
  for (int i = 0; i < 12; ++i) {
    const auto shade = static_cast<std::uint8_t>(20 * i);
    frame.palette.push_back({shade, static_cast<std::uint8_t>(255 - shade), shade});
  }
  if (first) return frame;
  frame.motion.width = s.width / 16;
  frame.motion.height = s.height / 16;
  const auto cells = static_cast<std::size_t>(frame.motion.width * frame.motion.height);
  frame.motion.dx.assign(cells, 9);
  frame.motion.dy.assign(cells, -5);
  for (std::int64_t i = 1; i <= kBetween; ++i) {
    frame.interpolated_pts.push_back(pts - (kBetween + 1) + i);
  }
  return frame;
}

/// On a GPU the decoder runs a network as one CUDA graph, so that is what is timed.
void graph_on_gpu(BenchPart& part, const BenchSettings& s) {
  if (!s.device.is_cuda()) return;
  part.steps = part.run;
  const auto graph = std::make_shared<Graphed>(
      part.name, [run = part.run](const Graphed::Tensors&) { return Graphed::Tensors{run()}; });
  const auto mark = torch::zeros({1}, torch::TensorOptions().device(s.device));
  part.run = [graph, mark] { return (*graph)({mark})[0]; };
}

/// PiDiNet by itself, from RGB bytes.
BenchPart edge_part(const std::string& name, std::shared_ptr<EdgeDetector> detector,
                    const torch::Tensor& bytes) {
  BenchPart part;
  part.name = name;
  part.inputs["rgb"] = bytes.to(torch::kFloat32) / 255.0;
  part.run = [detector, bytes] { return detector->detect(bytes); };
  return part;
}

BenchPart analysis_part(const BenchSettings& s, std::shared_ptr<EdgeDetector> detector) {
  BenchPart part;
  part.name = "encode-analysis";
  part.whole_path = true;
  StructureOptions structure;
  structure.cell = 8;
  ColourOptions colours;
  colours.cell = 16;
  colours.clusters = 12;
  const auto finder = std::make_shared<EdgeFinder>(*detector);
  const auto colour = std::make_shared<ColourAnalyser>(colours, finder->clustering());
  part.run = [detector, finder, colour, structure, picture = bench_picture(s.width, s.height)] {
    const auto edges = finder->find(picture);
    const Plane plane = map_structure(*edges, structure).plane;
    const ColourMap map = colour->analyse(picture);
    return torch::tensor({plane.values.at(0) + map.labels.values.at(0)});
  };
  return part;
}

FrameContext generator_context(const BenchSettings& s, const ModelPackage& package,
                               bool references) {
  const int w = s.width, h = s.height, channels = package.config.texture.channels;
  CodedFrameInput input;
  input.condition = torch::rand({1, 4, h / 2, w / 2});
  input.planes = plane_scalars(8, 4, 16, 1.0);
  if (channels > 0) input.texture = torch::rand({1, channels, h / 16, w / 16}) * 2 - 1;
  FrameContext x;
  if (!references) {
    x = image_context(input);
  } else {
    const CodedFrameState a{torch::rand({1, 4, h / 2, w / 2}), torch::rand({1, 3, h, w})};
    const CodedFrameState b{torch::rand({1, 4, h / 2, w / 2}), torch::rand({1, 3, h, w})};
    const auto flow = torch::randn({1, 2, h / kFlowScale, w / kFlowScale}) * 4;
    const auto interval = torch::full({1}, 0.4);
    x = coded_frame_context(input, a, flow, interval, &b, flow, interval);
  }
  for (auto* t : {&x.condition, &x.condition_a, &x.condition_b, &x.reference_a, &x.reference_b,
                  &x.texture, &x.scalars}) {
    if (t->defined()) *t = t->to(s.device);
  }
  return x;
}

BenchPart generator_part(const BenchSettings& s, const std::string& name, Generator generator,
                         const FrameContext& x) {
  BenchPart part;
  part.name = name;
  part.inputs = {{"condition", x.condition},     {"condition_a", x.condition_a},
                 {"condition_b", x.condition_b}, {"reference_a", x.reference_a},
                 {"reference_b", x.reference_b}, {"scalars", x.scalars}};
  if (x.texture.defined()) part.inputs["texture"] = x.texture;
  part.run = [generator, x]() mutable { return generator->generate(x); };
  graph_on_gpu(part, s);
  return part;
}

BenchPart interpolator_part(const BenchSettings& s, const std::string& name,
                            Interpolator interpolator) {
  InterpolatorInput x;
  const auto options = torch::TensorOptions().device(s.device);
  x.picture_a = torch::rand({1, 3, s.height, s.width}, options);
  x.picture_b = torch::rand({1, 3, s.height, s.width}, options);
  x.small_a = small_picture(x.picture_a);
  x.small_b = small_picture(x.picture_b);
  if (s.device.is_cpu()) {
    x.pixels_a = to_pixels(x.picture_a);
    x.pixels_b = to_pixels(x.picture_b);
  }
  const auto flow = torch::randn({1, 2, s.height / kFlowScale, s.width / kFlowScale}, options) * 3;
  x.flow_a = flow;
  x.flow_b = -flow;
  x.tau = torch::full({1}, 0.4, options);
  x.interval = torch::full({1}, 0.4, options);
  BenchPart network;
  network.name = name;
  network.inputs = {{"picture_a", x.picture_a},
                    {"picture_b", x.picture_b},
                    {"small_a", x.small_a},
                    {"small_b", x.small_b},
                    {"flow_a", x.flow_a},
                    {"flow_b", x.flow_b},
                    {"tau", x.tau},
                    {"interval", x.interval}};
  // What the decoder runs: the network and the mixing, to bytes.
  network.run = [net = std::move(interpolator), x]() mutable {
    return x.picture_a.is_cpu() ? net->generator_bytes(x) : to_bytes(net->forward(x).frame);
  };
  graph_on_gpu(network, s);
  return network;
}

/// The restorer and its interpolator as the decoder runs them, and what they are measured against:
/// the restorer's plain modules, and the interpolator by our own engine.
void add_restorer(std::vector<BenchPart>& parts, const BenchSettings& s,
                  const ModelPackage& package) {
  auto restorer = load_restorer(package, s.device, s.dtype);
  const auto options = torch::TensorOptions().device(s.device);
  RestorerInput x;
  x.base = torch::rand({1, 3, s.height, s.width}, options);
  x.memory = torch::rand({1, 3, s.height, s.width}, options);
  x.near_a = torch::rand({1, 3, s.height / 2, s.width / 2}, options);
  x.near_b = torch::rand({1, 3, s.height / 2, s.width / 2}, options);
  x.edges = torch::zeros({1, 1, s.height / 2, s.width / 2}, options);
  RestorerFacts facts;
  facts.has_a = facts.has_b = facts.has_memory = true;
  x.scalars = restorer_scalars(facts).to(s.device);
  BenchPart part;
  part.name = "restore";
  part.inputs = {{"base", x.base},     {"memory", x.memory}, {"near_a", x.near_a},
                 {"near_b", x.near_b}, {"edges", x.edges},   {"scalars", x.scalars}};
  part.run = [restorer, x]() mutable { return restorer->generate(x); };
  graph_on_gpu(part, s);
  parts.push_back(part);
  parts.push_back(interpolator_part(s, "between-restored", restorer->interpolator()));
  if (!s.device.is_cpu()) return;
  part.name = "restore-modules";
  part.run = [restorer, x]() mutable { return restorer->forward(x).frame.clamp(0, 1); };
  parts.push_back(part);
  if (!engine_wanted(s.device, s.dtype)) return;
  Interpolator by_engine(package.restorer->between);
  load_into(*by_engine, state_of(*restorer->interpolator()), "interpolator");
  by_engine->use_engine();
  parts.push_back(interpolator_part(s, "between-engine", by_engine));
}

BenchPart synthesis_part(const BenchSettings& s, const ModelPackage& package) {
  StreamInfo info;
  info.width = info.coded_width = s.width;
  info.height = info.coded_height = s.height;
  info.time_base_den = 25;
  SynthesisOptions options;
  options.device = s.device;
  options.dtype = s.dtype;
  const auto synthesiser = std::make_shared<Synthesiser>(package, info, options);
  const auto pts = std::make_shared<std::int64_t>(0);
  BenchPart part;
  part.name = "decode-synthesis";
  part.whole_path = true;
  part.frames = kBetween + 1;
  // As semcodec-decode does: beside a GPU a second thread fetches one frame while the next is
  // generated. On the CPU one frame after the other, by all threads of the operators.
  const auto pool = std::make_shared<WorkerPool>(s.device.is_cpu() ? 0 : 2);
  part.run = [=] {
    if (*pts == 0) synthesiser->push(bench_frame(s, 0, true), [](GeneratedFrame&&) {});
    *pts += kBetween + 1;
    torch::Tensor last;
    std::vector<std::future<torch::Tensor>> frames;
    for (auto& job : synthesiser->plan(bench_frame(s, *pts, false))) {
      if (s.device.is_cpu()) last = job.generate();
      if (s.device.is_cuda()) frames.push_back(pool->submit(std::move(job.generate)));
    }
    for (auto& frame : frames) last = frame.get();
    return last;
  };
  return part;
}

/// What both kinds of package have.
void add_generator_parts(std::vector<BenchPart>& parts, const BenchSettings& s,
                         const ModelPackage& package) {
  auto generator = load_generator(package, s.device, s.dtype);
  parts.push_back(generator_part(s, "image", generator, generator_context(s, package, false)));
  parts.push_back(generator_part(s, "coded_frame", generator, generator_context(s, package, true)));
  parts.push_back(interpolator_part(s, "between", generator->interpolator()));
  if (package.restorer) add_restorer(parts, s, package);
}

}  // namespace

std::vector<BenchPart> bench_parts(const BenchSettings& s,
                                   std::map<std::string, TensorMap>* weights) {
  torch::manual_seed(1);
  std::vector<BenchPart> parts;
  const RgbImage picture = bench_picture(s.width, s.height);
  const auto bytes = torch::empty({s.height, s.width, 3}, torch::kUInt8);
  std::memcpy(bytes.data_ptr<std::uint8_t>(), picture.pixels.data(), picture.pixels.size());
  const auto rgb = bytes.permute({2, 0, 1}).unsqueeze(0).to(s.device);
  for (const char* size : {"full", "small", "tiny"}) {
    const std::string name = std::string("pidinet-") + size;
    PiDiNet net(PiDiNetConfig::named(size));
    TensorMap state = state_of(*net), values = state;
    seed_weights(values);
    load_into(*net, values, name);
    if (weights != nullptr) (*weights)[name] = values;
    parts.push_back(edge_part(name, std::make_shared<EdgeDetector>(net, s.device, s.dtype), rgb));
  }
  const ModelPackage package = open_package(s.model);
  const auto edges = std::make_shared<EdgeDetector>(package.edges_path(), s.device, s.dtype);
  parts.push_back(edge_part("edges", edges, rgb));
  add_generator_parts(parts, s, package);
  parts.push_back(analysis_part(s, edges));
  parts.push_back(synthesis_part(s, package));
  return parts;
}

std::vector<BenchPart> paper_parts(const BenchSettings& s) {
  torch::manual_seed(1);
  const PaperPackage paper;
  std::vector<BenchPart> parts;
  add_generator_parts(parts, s, paper.package());
  parts.push_back(synthesis_part(s, paper.package()));
  return parts;
}

}  // namespace semcodec

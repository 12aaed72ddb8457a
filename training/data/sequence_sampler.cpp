#include "training/data/sequence_sampler.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <opencv2/imgproc.hpp>
#include <opencv2/video/tracking.hpp>

#include "common/core/error.h"
#include "common/core/log.h"
#include "common/semantic/class_plane.h"
#include "encoder/analysis/colour.h"
#include "encoder/analysis/motion.h"
#include "encoder/analysis/structure.h"
#include "models/baselines/xdog.h"
#include "models/generator/conditions.h"
#include "models/generator/flow_geometry.h"
#include "training/data/draws.h"
#include "training/data/intra_picture.h"

namespace semcodec {

namespace {

constexpr double kStillRate = 25;  // frames a second of the videos that stills stand for
constexpr std::int64_t kStillFrames = 64;

/// The picture at `index`, mirrored when asked.
RgbImage load_picture(const FrameStore& store, std::uint64_t index, bool flip) {
  RgbImage image(store.header().width, store.header().height);
  const std::uint8_t* source = store.frame(index);
  if (!flip) {
    std::memcpy(image.pixels.data(), source, image.pixels.size());
    return image;
  }
  const auto width = static_cast<std::size_t>(image.width);
  for (int y = 0; y < image.height; ++y) {
    const std::uint8_t* in = source + std::size_t{3} * width * static_cast<std::size_t>(y);
    std::uint8_t* out = image.row(y);
    for (std::size_t x = 0; x < width; ++x) std::memcpy(out + 3 * x, in + 3 * (width - 1 - x), 3);
  }
  return image;
}

std::vector<float> load_edges(const FrameStore& store, std::uint64_t index, bool flip) {
  const auto width = static_cast<std::size_t>(store.header().width);
  const auto height = static_cast<std::size_t>(store.header().height);
  std::vector<float> out(width * height);
  const std::uint8_t* in = store.frame(index);
  for (std::size_t y = 0; y < height; ++y) {
    for (std::size_t x = 0; x < width; ++x) {
      out[y * width + x] = static_cast<float>(in[y * width + (flip ? width - 1 - x : x)]) / 255.0F;
    }
  }
  return out;
}

std::vector<std::uint8_t> load_classes(const FrameStore& store, std::uint64_t index, bool flip) {
  const auto width = static_cast<std::ptrdiff_t>(store.header().width);
  const std::uint8_t* in = store.frame(index);
  std::vector<std::uint8_t> out(in, in + store.header().frame_bytes());
  if (!flip) return out;
  for (auto row = out.begin(); row != out.end(); row += width) std::reverse(row, row + width);
  return out;
}

torch::Tensor crop_picture(const RgbImage& image, int x, int y, int size) {
  auto whole = torch::from_blob(const_cast<std::uint8_t*>(image.pixels.data()),
                                {image.height, image.width, 3}, torch::kUInt8);
  return whole.narrow(0, y, size)
             .narrow(1, x, size)
             .permute({2, 0, 1})
             .unsqueeze(0)
             .to(torch::kFloat32) /
         255.0;
}

std::vector<float> sketch_of(const RgbImage& image) {
  const auto whole = torch::from_blob(const_cast<std::uint8_t*>(image.pixels.data()),
                                      {1, image.height, image.width, 3}, torch::kUInt8);
  const auto sketch =
      xdog_sketch(whole.permute({0, 3, 1, 2}).to(torch::kFloat32) / 255.0).contiguous();
  return {sketch.data_ptr<float>(), sketch.data_ptr<float>() + sketch.numel()};
}

torch::Tensor crop_at(const torch::Tensor& map, int x, int y, int size, int scale) {
  return map.narrow(2, y / scale, size / scale).narrow(3, x / scale, size / scale).contiguous();
}

/// Dense backward flow of `current` towards `previous` at 1/4 of the size.
torch::Tensor dense_flow(const RgbImage& current, const RgbImage& previous) {
  const auto half_grey = [](const RgbImage& image) {
    const cv::Mat rgb(image.height, image.width, CV_8UC3,
                      const_cast<std::uint8_t*>(image.pixels.data()));
    cv::Mat grey, half;
    cv::cvtColor(rgb, grey, cv::COLOR_RGB2GRAY);
    cv::resize(grey, half, {}, 0.5, 0.5, cv::INTER_AREA);
    return half;
  };
  cv::Mat flow, quarter;
  const auto dis = cv::DISOpticalFlow::create(cv::DISOpticalFlow::PRESET_FAST);
  dis->calc(half_grey(current), half_grey(previous), flow);
  cv::resize(flow, quarter, {current.width / kFlowScale, current.height / kFlowScale}, 0, 0,
             cv::INTER_AREA);
  return torch::from_blob(quarter.data, {1, quarter.rows, quarter.cols, 2}, torch::kFloat32)
             .permute({0, 3, 1, 2})
             .contiguous() *
         2.0;
}

/// Draws an operating point: plane sizes and their fineness.
struct Planes {
  ColourOptions colour;
  StructureOptions structure;
  bool with_colour = true, with_structure = true;
  int classes = 0;  ///< above 0: the colour plane holds semantic labels
  double texture_share = 0;
};

Planes draw_planes(Random& random, int texture_channels) {
  Planes planes;
  // In quarters of the channels; often all of them, so that the last ones learn too.
  if (texture_channels > 0) planes.texture_share = pick(random, {0, 0, 1, 2, 4, 4, 4, 4}) / 4.0;
  // Where the texture is sent, the other planes tend to be coarse or left out: an encoder spends
  // its bits that way, and a texture that is never needed is never learnt.
  const bool textured = planes.texture_share >= 0.5;
  planes.colour.cell = textured ? pick(random, {4, 8, 8, 16, 16, 16, 16, 32, 32})
                                : pick(random, {4, 8, 8, 8, 8, 16, 16, 16, 32});
  planes.structure.cell = textured ? pick(random, {2, 4, 4, 8, 8, 8, 8, 16, 16})
                                   : pick(random, {2, 4, 4, 4, 8, 8, 8, 8, 16});
  planes.with_colour = !(textured && random.below(6) == 0);
  planes.with_structure = random.below(textured ? 4 : 16) != 0;
  planes.colour.clusters = pick(random, {8, 12, 16, 16, 16, 24, 32, 64});
  // As encoders smooth (settings.cpp): cleaner labels than k-means alone would give.
  planes.colour.smoothing = static_cast<float>(pick(random, {0, 10, 30, 30, 60}));
  planes.colour.iterations = 8;
  planes.colour.threads = 1;
  planes.colour.seed = random.next();
  planes.structure.levels = pick(random, {2, 3, 4, 4, 4});
  planes.structure.min_length = pick(random, {0, 0, 6, 12});
  return planes;
}

torch::Tensor condition_of(const RgbImage& image, const std::vector<float>& edges,
                           const std::vector<std::uint8_t>& classes, ColourAnalyser& colour,
                           const Planes& planes) {
  SemanticFrame frame;
  if (planes.classes > 0) {
    frame.labels = class_plane(classes.data(), image.width, image.height, planes.classes);
    frame.palette = class_palette(planes.classes);
  } else if (planes.with_colour) {
    auto map = colour.analyse(image);
    frame.labels = std::move(map.labels);
    frame.palette = std::move(map.palette);
  }
  if (planes.with_structure) {
    frame.structure = analyse_structure(edges.data(), image.width, image.height, planes.structure);
  }
  return render_condition(frame, image.width, image.height);
}

}  // namespace

SequenceSampler::SequenceSampler(const std::string& folder, const SamplerOptions& options)
    : options_(options) {
  std::vector<std::string> paths;
  std::error_code code;
  for (const auto& entry : std::filesystem::directory_iterator(folder, code)) {
    if (entry.path().extension() == ".frames") paths.push_back(entry.path().string());
  }
  require(!paths.empty(), ErrorKind::input,
          "No .frames file in " + folder + "; make them with `semcodec-train prepare`.");
  std::sort(paths.begin(), paths.end());  // the same order on every file system
  std::vector<Clip> stills;
  for (const auto& path : paths) {
    auto edges = std::filesystem::path(path).replace_extension(".edges").string();
    Clip clip{FrameStore(path), FrameStore(edges), {}};
    const auto& a = clip.frames.header();
    const auto& b = clip.edges.header();
    require(a.width == b.width && a.height == b.height && a.frames == b.frames && a.channels == 3 &&
                b.channels == 1,
            ErrorKind::input, edges + " does not belong to " + path + "; make both again.");
    if (a.width < options.crop || a.height < options.crop) {
      log::warning(path + " is smaller than the crop of " + std::to_string(options.crop) +
                   " pixels. Skipped.");
      continue;
    }
    if (clip.still()) {
      if (options.planes != "labels") stills.push_back(std::move(clip));
    } else if (a.frames >= 3) {
      if (options.planes == "labels") {
        auto classes = std::filesystem::path(path).replace_extension(".classes").string();
        require(std::filesystem::exists(classes), ErrorKind::input,
                classes + " is missing; `semcodec-train prepare --segmenter FILE` writes it.");
        clip.classes.emplace(classes);
        const auto& c = clip.classes->header();
        require(
            a.width == c.width && a.height == c.height && a.frames == c.frames && c.channels == 1,
            ErrorKind::input, classes + " does not belong to " + path + "; make it again.");
      }
      clips_.push_back(std::move(clip));
    } else {
      log::warning(path + " has fewer than 3 frames. Skipped.");
    }
  }
  videos_ = clips_.size();
  for (auto& clip : stills) clips_.push_back(std::move(clip));
  require(!clips_.empty(), ErrorKind::input,
          "No clip of at least 3 frames, and no still, in " + folder + ".");
}

std::uint64_t SequenceSampler::frames() const {
  std::uint64_t sum = 0;
  for (const auto& clip : clips_) sum += clip.frames.size();
  return sum;
}

const SequenceSampler::Clip& SequenceSampler::choose(Random& random) const {
  const bool both = videos_ > 0 && videos_ < clips_.size();
  if (videos_ == 0 || (both && uniform(random) < options_.still_share)) {
    return clips_[videos_ + random.below(clips_.size() - videos_)];
  }
  // Videos by the square root of their length: the longest should not drown the others.
  double total = 0;
  for (std::size_t i = 0; i < videos_; ++i) {
    total += std::sqrt(static_cast<double>(clips_[i].frames.size()));
  }
  double left = uniform(random) * total;
  std::size_t chosen = 0;
  for (; chosen + 1 < videos_; ++chosen) {
    left -= std::sqrt(static_cast<double>(clips_[chosen].frames.size()));
    if (left < 0) break;
  }
  return clips_[chosen];
}

SequenceSampler::View SequenceSampler::view(const Clip& clip, std::int64_t index, bool flip,
                                            const StillMotion& motion) const {
  const auto at = clip.still() ? 0 : static_cast<std::uint64_t>(index);
  View out{load_picture(clip.frames, at, flip), load_edges(clip.edges, at, flip), {}};
  if (clip.classes) out.classes = load_classes(*clip.classes, at, flip);
  if (clip.still()) {
    // Time counts from the middle, so that the view strays little from the picture.
    const double seconds = static_cast<double>(index - kStillFrames / 2) / kStillRate;
    out.picture = still_at(out.picture, motion, seconds);
    out.edges = still_edges_at(out.edges, out.picture.width, out.picture.height, motion, seconds);
  }
  return out;
}

SequenceSample SequenceSampler::draw(std::uint64_t seed, bool between) const {
  torch::NoGradGuard guard;
  Random random(seed);
  const Clip& clip = choose(random);
  const StillMotion still_motion = draw_still_motion(random);
  const double rate = clip.still() ? kStillRate : clip.frames.header().rate();
  const auto limit =
      clip.still() ? kStillFrames - 1 : static_cast<std::int64_t>(clip.frames.size() - 1);

  const auto gap_in = [&](double low, double high, std::int64_t at_least, std::int64_t at_most) {
    const double seconds = low + uniform(random) * (high - low);
    return std::clamp(static_cast<std::int64_t>(std::lround(seconds * rate)), at_least, at_most);
  };
  std::int64_t gap_01 = 0, gap_third = 0;
  if (between) {
    gap_01 = gap_in(options_.min_interval, options_.max_interval, 2, limit);
    gap_third = 1 + static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(gap_01 - 1)));
  } else {
    gap_01 = gap_in(options_.min_interval, options_.max_interval, 1, limit / 2);
    gap_third = gap_in(options_.min_interval, options_.max_interval, 1, limit / 2);
  }
  const std::int64_t span = between ? gap_01 : gap_01 + gap_third;
  const auto first =
      static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(limit - span + 1)));
  const std::int64_t index[3] = {first, first + gap_01,
                                 between ? first + gap_third : first + gap_01 + gap_third};

  const bool flip = options_.flip && random.below(2) == 1;
  const int crop = options_.crop, width = clip.frames.header().width,
            height = clip.frames.header().height;
  const auto offset = [&](int range) {
    return 16 * static_cast<int>(random.below(static_cast<std::uint64_t>(range / 16 + 1)));
  };
  const int x = offset(width - crop), y = offset(height - crop);
  Planes planes = draw_planes(random, options_.texture_channels);
  // Asked for only when wanted, so that the samples of other runs stay what they were.
  if (options_.finest_share > 0 && uniform(random) < options_.finest_share) {
    planes.colour.cell = pick(random, {2, 4});
    planes.colour.clusters = pick(random, {64, 256});
    planes.colour.smoothing = 0;
    planes.structure.cell = 2;
    planes.structure.levels = 4;
    planes.structure.min_length = 0;
    planes.with_colour = planes.with_structure = true;
    planes.texture_share = options_.texture_channels > 0 ? 1 : 0;
  }
  if (options_.planes != "all") {
    const bool labels = options_.planes == "labels";
    planes.with_colour = labels || options_.planes == "colour";
    planes.with_structure = !planes.with_colour;
    planes.texture_share = 0;
    planes.classes = labels ? options_.classes : 0;
  }
  if (options_.clusters > 0) planes.colour.clusters = options_.clusters;
  if (planes.classes > 0) {
    planes.colour.cell = kClassCell;
    planes.colour.clusters = planes.classes;
  }
  ColourAnalyser colour(planes.colour);

  SequenceSample sample;
  sample.between = between;
  RgbImage pictures[3];
  for (int i = 0; i < 3; ++i) {
    auto seen = view(clip, index[i], flip, still_motion);
    pictures[i] = std::move(seen.picture);
    if (options_.planes == "sketch") seen.edges = sketch_of(pictures[i]);
    sample.pictures[i] = crop_picture(pictures[i], x, y, crop);
    if (i < 2 || !between) {
      const auto condition = condition_of(pictures[i], seen.edges, seen.classes, colour, planes);
      sample.conditions[i] = crop_at(condition, x, y, crop, 2);
    }
  }
  // As plane_scalars() of a frame without the plane would say it.
  sample.planes =
      plane_scalars(planes.with_colour ? planes.colour.cell : 32,
                    planes.with_structure ? planes.structure.cell : 32,
                    planes.with_colour ? planes.colour.clusters : 0, planes.texture_share);
  const bool has_key = uniform(random) < options_.key_share;
  sample.has_key = torch::full({1}, has_key ? 1.0F : 0.0F);
  sample.key = has_key ? as_intra_picture(sample.pictures[0], random)
                       : torch::zeros_like(sample.pictures[0]);

  const bool dense = uniform(random) < options_.dense_flow_share;
  const auto flow = [&](int from, int to) {
    return dense ? dense_flow(pictures[from], pictures[to])
                 : dense_motion(estimate_motion(pictures[to], pictures[from]), width, height);
  };
  const auto flow_10 = flow(1, 0);
  sample.flow_10 = crop_at(flow_10, x, y, crop, kFlowScale);
  if (between) {
    const auto flow_01 = dense ? dense_flow(pictures[0], pictures[1]) : invert(flow_10);
    sample.flow_01 = crop_at(flow_01, x, y, crop, kFlowScale);
  } else {
    sample.flow_21 = crop_at(flow(2, 1), x, y, crop, kFlowScale);
  }
  sample.interval = torch::tensor({static_cast<float>(static_cast<double>(gap_01) / rate)});
  sample.third = torch::tensor(
      {static_cast<float>(between ? static_cast<double>(gap_third) / static_cast<double>(gap_01)
                                  : static_cast<double>(gap_third) / rate)});
  return sample;
}

std::vector<torch::Tensor*> tensors_of(SequenceSample& s) {
  return {&s.pictures[0],   &s.pictures[1], &s.pictures[2], &s.conditions[0], &s.conditions[1],
          &s.conditions[2], &s.planes,      &s.key,         &s.has_key,       &s.flow_10,
          &s.flow_01,       &s.flow_21,     &s.interval,    &s.third};
}

}  // namespace semcodec

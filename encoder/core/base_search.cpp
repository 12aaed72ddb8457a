#include "encoder/core/base_search.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <opencv2/imgproc.hpp>

#include "common/entropy/base_unit_coder.h"
#include "encoder/analysis/dense_flow.h"

namespace semcodec {

namespace {

constexpr double kScales[] = {0.25, 0.375, 0.5, 0.75, 1};
constexpr double kRates[] = {2.5, 3.2, 4, 5, 6.3, 8, 10, 12.5, 16, 25};  // coded frames a second
constexpr int kQuantiserStep = 2;                                        // of the trials
constexpr int kMaxTrials = 6;
constexpr double kRecordBits = 8 * 3.5;  // framing of a coded frame
constexpr std::size_t kFewest = 4;       // coded frames that tell anything

template <std::size_t N>
int nearest(const double (&list)[N], double value) {
  const auto apart = [value](double x) { return std::abs(std::log(x / value)); };
  const auto* found = std::min_element(std::begin(list), std::end(list),
                                       [&](double a, double b) { return apart(a) < apart(b); });
  return static_cast<int>(found - std::begin(list));
}

cv::Mat view(const RgbImage& picture) {
  return {picture.height, picture.width, CV_8UC3, const_cast<std::uint8_t*>(picture.pixels.data())};
}

double squared_error(const cv::Mat& a, const cv::Mat& b) {
  return cv::norm(a, b, cv::NORM_L2SQR) / (static_cast<double>(a.total()) * a.channels());
}

}  // namespace

BaseSearch::BaseSearch(const BaseSegment& segment, const BaseSearchOptions& options,
                       BaseTrials& known)
    : segment_(segment), options_(options), known_(known) {}

std::vector<std::size_t> BaseSearch::coded_frames(double interval) const {
  std::vector<std::size_t> coded;
  double due = 0;
  for (std::size_t i = 0; i < segment_.frames.size(); ++i) {
    const double now = segment_.seconds[i] - segment_.seconds[0];
    if (now + segment_.frame_seconds / 2 < due) continue;
    coded.push_back(i);
    due += interval;
  }
  return coded;
}

/// What interpolation leaves of the source at this rate: mean over all frames, measured half-way
/// between two coded ones, where it is worst, with flow found at half size.
double BaseSearch::interpolation_error(int rate) {
  if (const auto found = interpolation_.find(rate); found != interpolation_.end()) {
    return found->second;
  }
  const auto coded = coded_frames(options_.interval.value_or(1 / kRates[rate]));
  const auto dense = make_dense_flow(MotionOptions::Preset::fast);
  const auto enlarged = [&](const cv::Mat& flow) {
    cv::Mat result;
    cv::resize(flow * 2, result, {segment_.frames[0]->width, segment_.frames[0]->height}, 0, 0,
               cv::INTER_LINEAR);
    return result;
  };
  double sum = 0;
  for (std::size_t k = 0; k + 1 < coded.size(); ++k) {
    const std::size_t a = coded[k], b = coded[k + 1], middle = (a + b) / 2;
    if (b - a < 2) continue;
    const float tau = static_cast<float>(middle - a) / static_cast<float>(b - a);
    const cv::Mat grey_a = grey_picture(*segment_.frames[a], true),
                  grey_b = grey_picture(*segment_.frames[b], true);
    const cv::Mat there = enlarged(dense_flow(*dense, grey_a, grey_b)),
                  back = enlarged(dense_flow(*dense, grey_b, grey_a));
    cv::Mat blend;
    // Motion from the moment between to either side, as if what moves there moved at both ends.
    const cv::Mat to_a = -tau * (1 - tau) * there + tau * tau * back,
                  to_b = (1 - tau) * (1 - tau) * there - tau * (1 - tau) * back;
    cv::addWeighted(fetch(view(*segment_.frames[a]), to_a), 1 - tau,
                    fetch(view(*segment_.frames[b]), to_b), tau, 0, blend);
    const double worst =
        squared_error(blend, view(*segment_.frames[middle])) / (4 * tau * (1 - tau));
    for (std::size_t i = a + 1; i < b; ++i) {
      const double t = static_cast<double>(i - a) / static_cast<double>(b - a);
      sum += 4 * t * (1 - t) * worst;
    }
  }
  const double mean = sum / static_cast<double>(segment_.frames.size());
  interpolation_[rate] = mean;
  return mean;
}

BaseScore BaseSearch::attempt(const Place& place, int quantiser) {
  const auto key = std::tuple(place.scale, place.rate, quantiser);
  if (const auto found = known_.find(key); found != known_.end()) return found->second;
  const RgbImage& first = *segment_.frames[0];
  const double scale = options_.scale.value_or(kScales[place.scale]);
  const double interval = options_.interval.value_or(1 / kRates[place.rate]);
  const auto coded = coded_frames(interval);
  BaseCoderOptions coder_options;
  coder_options.width = base_side(first.width, scale);
  coder_options.height = base_side(first.height, scale);
  coder_options.rate = 1 / interval;
  coder_options.look_ahead = options_.look_ahead;
  coder_options.effort = options_.effort;
  const auto coder = options_.coder(coder_options);
  for (const std::size_t i : coded) coder->push(*segment_.frames[i], quantiser);
  coder->finish();
  const auto decode = options_.decoder();
  BaseScore score;
  double key_bits = 0, bits = 0;
  entropy::BaseUnitCoder packer;
  for (const std::size_t i : coded) {
    const auto unit = coder->pop();
    if (!unit) break;
    (i == 0 ? key_bits : bits) +=
        8.0 * static_cast<double>(packer.pack(*unit).size()) + kRecordBits;
    const RgbImage base = decode(*unit, coder_options.width, coder_options.height);
    cv::Mat raised;
    cv::resize(view(base), raised, {first.width, first.height}, 0, 0, cv::INTER_CUBIC);
    score.distortion += squared_error(raised, view(*segment_.frames[i])) / double(coded.size());
  }
  score.distortion += interpolation_error(place.rate);
  const double span = segment_.seconds.back() - segment_.seconds[0];
  score.rate = key_bits / std::max(segment_.group_seconds, span) + bits / std::max(span, interval);
  known_[key] = score;
  return score;
}

double BaseSearch::cost(const Place& place, double lambda) {
  const double scale = options_.scale.value_or(kScales[place.scale]);
  const double rate = 1 / options_.interval.value_or(1 / kRates[place.rate]);
  if (coded_frames(1 / rate).size() < kFewest) return std::numeric_limits<double>::infinity();
  const int quantiser =
      kQuantiserStep *
      static_cast<int>(std::lround(hybrid_quantiser(lambda, scale, rate) / kQuantiserStep));
  const auto score = attempt(place, std::min(quantiser, 63));
  const auto& first = *segment_.frames[0];
  return score.distortion + lambda * score.rate / (double(first.width) * double(first.height));
}

HybridPoint BaseSearch::best(double quality) {
  const HybridPoint ladder = hybrid_point(quality);
  const double lambda = hybrid_lambda(quality);
  std::map<std::pair<int, int>, double> costs;
  const auto cost_of = [&](const Place& p) {
    const auto [found, fresh] = costs.try_emplace({p.scale, p.rate}, 0.0);
    if (fresh) found->second = cost(p, lambda);
    return found->second;
  };
  Place at{nearest(kScales, ladder.scale), nearest(kRates, 1 / ladder.interval)};
  double least = cost_of(at);
  // Downhill along either list; a direction that failed is left alone until the other one moved.
  for (bool moved = true; moved && costs.size() < kMaxTrials;) {
    moved = false;
    for (const Place step : {Place{0, -1}, Place{0, 1}, Place{1, 0}, Place{-1, 0}}) {
      const Place next{at.scale + step.scale, at.rate + step.rate};
      const bool fixed =
          step.scale != 0 ? options_.scale.has_value() : options_.interval.has_value();
      if (fixed || next.scale < 0 || next.scale >= int(std::size(kScales)) || next.rate < 0 ||
          next.rate >= int(std::size(kRates)) || costs.size() >= kMaxTrials) {
        continue;
      }
      const double there = cost_of(next);
      if (there < least) {
        least = there;
        at = next;
        moved = true;
      }
    }
  }
  if (std::isinf(least)) return ladder;
  HybridPoint point;
  point.scale = options_.scale.value_or(kScales[at.scale]);
  point.interval = options_.interval.value_or(1 / kRates[at.rate]);
  point.quantiser = hybrid_quantiser(lambda, point.scale, 1 / point.interval);
  return point;
}

}  // namespace semcodec

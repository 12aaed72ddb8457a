#include "decoder/synthesis/base_flow.h"

#include <algorithm>
#include <opencv2/imgproc.hpp>
#include <opencv2/video/tracking.hpp>

#include "models/generator/flow_geometry.h"

namespace semcodec {

namespace {

constexpr int kSmall = 192;
constexpr int kLeast = 16;  // DIS needs room for its patches

cv::Mat grey(const torch::Tensor& bytes, int factor) {
  const auto rgb = bytes.contiguous();
  const cv::Mat picture(static_cast<int>(rgb.size(0)), static_cast<int>(rgb.size(1)), CV_8UC3,
                        const_cast<std::uint8_t*>(rgb.const_data_ptr<std::uint8_t>()));
  cv::Mat result;
  cv::cvtColor(picture, result, cv::COLOR_RGB2GRAY);
  if (factor > 1) cv::resize(result, result, {}, factor, factor, cv::INTER_CUBIC);
  return result;
}

/// base_flow(), from one of DISOpticalFlow's presets.
torch::Tensor dis_flow(const torch::Tensor& from, const torch::Tensor& towards, int height,
                       int width, int preset) {
  const auto h = from.size(0), w = from.size(1);
  auto flow = torch::zeros({1, 2, height / kFlowScale, width / kFlowScale});
  const int factor = std::max(h, w) < kSmall ? 2 : 1;
  if (std::min(h, w) * factor < kLeast) return flow;
  // DIS works in stripes, as many as there are threads, and results depend on the stripes.
  [[maybe_unused]] static const bool one_thread = (cv::setNumThreads(1), true);
  const auto dense = cv::DISOpticalFlow::create(preset);
  cv::Mat found, scaled;
  dense->calc(grey(from, factor), grey(towards, factor), found);
  cv::resize(found, scaled, {width / kFlowScale, height / kFlowScale}, 0, 0, cv::INTER_LINEAR);
  // From pixels of `found` to pixels of the coded size.
  const float by_x = static_cast<float>(width) / static_cast<float>(found.cols);
  const float by_y = static_cast<float>(height) / static_cast<float>(found.rows);
  auto x = flow.accessor<float, 4>();
  for (int row = 0; row < scaled.rows; ++row) {
    for (int column = 0; column < scaled.cols; ++column) {
      const auto& vector = scaled.at<cv::Vec2f>(row, column);
      x[0][0][row][column] = vector[0] * by_x;
      x[0][1][row][column] = vector[1] * by_y;
    }
  }
  return flow;
}

/// h×w×3 bytes of a picture.
torch::Tensor bytes_of(const torch::Tensor& picture) {
  return (picture[0].to(torch::kFloat).clamp(0, 1) * 255)
      .round()
      .to(torch::kUInt8)
      .permute({1, 2, 0});
}

}  // namespace

torch::Tensor base_flow(const torch::Tensor& from, const torch::Tensor& towards, int height,
                        int width) {
  return dis_flow(from, towards, height, width, cv::DISOpticalFlow::PRESET_FAST);
}

torch::Tensor restored_flow(const torch::Tensor& from, const torch::Tensor& towards) {
  return dis_flow(bytes_of(from), bytes_of(towards), static_cast<int>(from.size(2)),
                  static_cast<int>(from.size(3)), cv::DISOpticalFlow::PRESET_MEDIUM);
}

}  // namespace semcodec

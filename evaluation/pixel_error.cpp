#include "evaluation/pixel_error.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>

#include "common/core/error.h"

namespace semcodec {
namespace {

// BT.709 luma weights; the chroma scale brings Cb and Cr to -127.5 … 127.5.
constexpr double kRed = 0.2126;
constexpr double kGreen = 0.7152;
constexpr double kBlue = 0.0722;
constexpr double kCbScale = 0.5 / (1.0 - kBlue);
constexpr double kCrScale = 0.5 / (1.0 - kRed);

// The conversion is linear, so the difference of two pictures may be converted instead of both.
struct Difference {
  double y, cb, cr;
};

Difference difference_at(const std::uint8_t* a, const std::uint8_t* b) {
  const double r = a[0] - b[0];
  const double g = a[1] - b[1];
  const double bl = a[2] - b[2];
  const double y = kRed * r + kGreen * g + kBlue * bl;
  return {y, kCbScale * (bl - y), kCrScale * (r - y)};
}

std::string size_text(const RgbImage& image) {
  return std::to_string(image.width) + "x" + std::to_string(image.height);
}

}  // namespace

void require_same_size(const RgbImage& a, const RgbImage& b) {
  require(a.width == b.width && a.height == b.height && a.width > 0 && a.height > 0,
          ErrorKind::input,
          "Pictures of " + size_text(a) + " and " + size_text(b) +
              " cannot be compared; give both the same size.");
}

double mean_squared_error(const RgbImage& a, const RgbImage& b) {
  require_same_size(a, b);
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < a.pixels.size(); ++i) {
    const int d = int{a.pixels[i]} - int{b.pixels[i]};
    sum += static_cast<std::uint64_t>(d * d);
  }
  return static_cast<double>(sum) / static_cast<double>(a.pixels.size());
}

double psnr_from_mse(double mse) {
  if (mse <= 0) return kPsnrCeiling;
  return std::min(kPsnrCeiling, 10.0 * std::log10(255.0 * 255.0 / mse));
}

std::array<double, 3> yuv_psnr(const RgbImage& a, const RgbImage& b) {
  require_same_size(a, b);
  double sum_y = 0;
  double sum_cb = 0;
  double sum_cr = 0;
  for (int y = 0; y < a.height; y += 2) {
    const int rows = std::min(2, a.height - y);
    for (int x = 0; x < a.width; x += 2) {
      const int columns = std::min(2, a.width - x);
      double cb = 0;
      double cr = 0;
      for (int dy = 0; dy < rows; ++dy) {
        for (int dx = 0; dx < columns; ++dx) {
          const Difference d =
              difference_at(a.row(y + dy) + 3 * (x + dx), b.row(y + dy) + 3 * (x + dx));
          sum_y += d.y * d.y;
          cb += d.cb;
          cr += d.cr;
        }
      }
      cb /= rows * columns;
      cr /= rows * columns;
      sum_cb += cb * cb;
      sum_cr += cr * cr;
    }
  }
  const double luma = static_cast<double>(a.width) * a.height;
  const double chroma = static_cast<double>((a.width + 1) / 2) * ((a.height + 1) / 2);
  return {psnr_from_mse(sum_y / luma), psnr_from_mse(sum_cb / chroma),
          psnr_from_mse(sum_cr / chroma)};
}

double weighted_yuv_psnr(const std::array<double, 3>& psnr) {
  return (6.0 * psnr[0] + psnr[1] + psnr[2]) / 8.0;
}

}  // namespace semcodec

#include "encoder/analysis/motion_cost.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <opencv2/imgproc.hpp>

#include "common/cpu/block_difference.h"
#include "encoder/analysis/cells.h"

namespace semcodec {

namespace {

std::size_t at_cell(const MotionField& field, int x, int y) {
  return static_cast<std::size_t>(y) * static_cast<std::size_t>(field.width) +
         static_cast<std::size_t>(x);
}

MotionVector vector_at(const MotionField& field, int x, int y) {
  return {field.dx[at_cell(field, x, y)], field.dy[at_cell(field, x, y)]};
}

void set_vector(MotionField& field, int x, int y, const MotionVector& vector) {
  field.dx[at_cell(field, x, y)] = static_cast<std::int16_t>(vector.dx);
  field.dy[at_cell(field, x, y)] = static_cast<std::int16_t>(vector.dy);
}

float component_bits(int difference) {
  static const auto table = [] {
    std::array<float, kMotionMax - kMotionMin + 1> bits{};
    for (std::size_t d = 0; d < bits.size(); ++d) {
      bits[d] = 0.5F + 2.0F * std::log2(1.0F + static_cast<float>(d));
    }
    return bits;
  }();
  return table[std::min(static_cast<std::size_t>(std::abs(difference)), table.size() - 1)];
}

/// Bits of the cell and of those whose prediction uses it.
float local_bits(const MotionField& field, int x, int y) {
  float bits = 0;
  constexpr std::array<std::array<int, 2>, 5> reach = {{{0, 0}, {1, 0}, {-1, 1}, {0, 1}, {1, 1}}};
  for (const auto& [dx, dy] : reach) {
    const int cx = x + dx, cy = y + dy;
    if (cx < 0 || cx >= field.width || cy >= field.height) continue;
    bits += motion_bits(vector_at(field, cx, cy), predict_motion(field, cx, cy));
  }
  return bits;
}

}  // namespace

MotionCost::MotionCost(const cv::Mat& current, const cv::Mat& previous, int coded_width,
                       int coded_height, int cell)
    : current_(current),
      columns_(std::min(cells_along(coded_width, cell), current.cols)),
      rows_(std::min(cells_along(coded_height, cell), current.rows)),
      scale_x_(static_cast<float>(kMotionUnitsPerPixel * coded_width) /
               static_cast<float>(current.cols)),
      scale_y_(static_cast<float>(kMotionUnitsPerPixel * coded_height) /
               static_cast<float>(current.rows)) {
  // A window pushed out of the picture by its own size sees nothing but repeated border.
  const cv::Rect largest = this->cell(0, 0);
  pad_ = 2 * std::max(largest.width, largest.height) + 4;
  cv::copyMakeBorder(previous, padded_, pad_, pad_, pad_, pad_, cv::BORDER_REPLICATE);
}

cv::Rect MotionCost::cell(int cx, int cy) const {
  const int left = current_.cols * cx / columns_, right = current_.cols * (cx + 1) / columns_;
  const int top = current_.rows * cy / rows_, bottom = current_.rows * (cy + 1) / rows_;
  return {left, top, right - left, bottom - top};
}

MotionVector MotionCost::quantise(float dx, float dy) const {
  const auto round = [](float v) {
    return static_cast<int>(
        std::lround(std::clamp(v, static_cast<float>(kMotionMin), static_cast<float>(kMotionMax))));
  };
  return {round(dx * scale_x_), round(dy * scale_y_)};
}

float MotionCost::distortion(int cx, int cy, const MotionVector& vector) const {
  cv::Rect window = cell(cx, cy);
  // The window reaches a quarter cell into the neighbours, which steadies flat cells.
  const int margin_x = window.width / 4, margin_y = window.height / 4;
  window = cv::Rect(window.x - margin_x, window.y - margin_y, window.width + 2 * margin_x,
                    window.height + 2 * margin_y) &
           cv::Rect(0, 0, current_.cols, current_.rows);
  const float x = static_cast<float>(window.x) + static_cast<float>(vector.dx) / scale_x_;
  const float y = static_cast<float>(window.y) + static_cast<float>(vector.dy) / scale_y_;
  const float left = std::floor(x), top = std::floor(y);
  const int fx = static_cast<int>((x - left) * 16.0F + 0.5F);
  const int fy = static_cast<int>((y - top) * 16.0F + 0.5F);
  const int px = std::clamp(static_cast<int>(left), -window.width - 1, current_.cols) + pad_;
  const int py = std::clamp(static_cast<int>(top), -window.height - 1, current_.rows) + pad_;
  const std::uint32_t sum = cpu::block_difference(
      current_.ptr<std::uint8_t>(window.y) + window.x, current_.step[0],
      padded_.ptr<std::uint8_t>(py) + px, padded_.step[0], window.width, window.height,
      {(16 - fx) * (16 - fy), fx * (16 - fy), (16 - fx) * fy, fx * fy});
  return static_cast<float>(sum) / static_cast<float>(window.area());
}

float motion_bits(const MotionVector& vector, const MotionVector& predicted) {
  return component_bits(vector.dx - predicted.dx) + component_bits(vector.dy - predicted.dy);
}

namespace {

/// Sides, in cells, of the tiles whose medians some of the searches start from.
constexpr std::array<int, 2> kTiles = {8, 3};

MotionVector within_range(const MotionVector& v) {
  return {std::clamp(v.dx, kMotionMin, kMotionMax), std::clamp(v.dy, kMotionMin, kMotionMax)};
}

int whole_pixel(int units) {
  return static_cast<int>(std::lround(static_cast<float>(units) / kMotionUnitsPerPixel)) *
         kMotionUnitsPerPixel;
}

/// distortion() with a memory: the sweeps ask for the same few vectors again and again.
class RememberedCost {
 public:
  explicit RememberedCost(const MotionCost& cost)
      : cost_(cost),
        known_(static_cast<std::size_t>(cost.columns()) * static_cast<std::size_t>(cost.rows())) {}

  float distortion(int x, int y, const MotionVector& vector) {
    auto& known = known_[static_cast<std::size_t>(y) * static_cast<std::size_t>(cost_.columns()) +
                         static_cast<std::size_t>(x)];
    for (const auto& entry : known) {
      if (entry.vector == vector) return entry.distortion;
    }
    known.push_back({vector, cost_.distortion(x, y, vector)});
    return known.back().distortion;
  }

 private:
  struct Entry {
    MotionVector vector;
    float distortion;
  };
  const MotionCost& cost_;
  std::vector<std::vector<Entry>> known_;
};

/// What all searches for one field share.
struct Search {
  const MotionCost& cost;
  const std::vector<std::vector<MotionVector>>& fits;
  float lambda;
  RememberedCost remembered;
};

float total_cost(Search& search, const MotionField& field) {
  float sum = 0;
  for (int y = 0; y < field.height; ++y) {
    for (int x = 0; x < field.width; ++x) {
      const MotionVector v = vector_at(field, x, y);
      sum += search.remembered.distortion(x, y, v) +
             search.lambda * motion_bits(v, predict_motion(field, x, y));
    }
  }
  return sum;
}

/// Tries the candidates of one cell; returns whether another vector was taken.
bool improve_cell(Search& search, MotionField& field, int x, int y, int step) {
  const MotionVector old = vector_at(field, x, y);
  MotionVector best = old;
  float best_cost =
      search.remembered.distortion(x, y, old) + search.lambda * local_bits(field, x, y);
  const auto consider = [&](const MotionVector& wanted) {
    const MotionVector v = within_range(wanted);
    if (v == best || v == old) return;
    // The bits only add to the distortion, so a vector that fits worse than the best costs is out.
    const float distortion = search.remembered.distortion(x, y, v);
    if (distortion >= best_cost) return;
    set_vector(field, x, y, v);
    const float total = distortion + search.lambda * local_bits(field, x, y);
    if (total < best_cost) {
      best = v;
      best_cost = total;
    }
  };
  consider(predict_motion(field, x, y));
  if (x > 0) consider(vector_at(field, x - 1, y));
  if (y > 0) consider(vector_at(field, x, y - 1));
  if (x + 1 < field.width) consider(vector_at(field, x + 1, y));
  if (y + 1 < field.height) consider(vector_at(field, x, y + 1));
  for (const auto& fit : search.fits) {
    const MotionVector v = fit[at_cell(field, x, y)];
    consider(v);
    consider({whole_pixel(v.dx), whole_pixel(v.dy)});
  }
  consider({});
  const MotionVector centre = best;
  consider({centre.dx - step, centre.dy});
  consider({centre.dx + step, centre.dy});
  consider({centre.dx, centre.dy - step});
  consider({centre.dx, centre.dy + step});
  set_vector(field, x, y, best);
  return best != old;
}

void sweep(Search& search, MotionField& field, int passes) {
  for (int pass = 0; pass < passes; ++pass) {
    const int step = std::max(1, 8 >> pass);  // of the local search
    bool changed = false;
    for (int row = 0; row < field.height; ++row) {
      for (int column = 0; column < field.width; ++column) {
        // Every other sweep runs backwards, so that good vectors spread both ways.
        const int x = pass % 2 == 0 ? column : field.width - 1 - column;
        const int y = pass % 2 == 0 ? row : field.height - 1 - row;
        changed = improve_cell(search, field, x, y, step) || changed;
      }
    }
    if (!changed && step == 1) break;
  }
}

/// A field that has the median of the fit in tiles of `tile` × `tile` cells.
MotionField tiled(const std::vector<MotionVector>& fit, int width, int height, int tile) {
  MotionField field{width, height, {}, {}};
  field.dx.assign(fit.size(), 0);
  field.dy.assign(fit.size(), 0);
  std::vector<int> dx, dy;
  for (int top = 0; top < height; top += tile) {
    for (int left = 0; left < width; left += tile) {
      const int bottom = std::min(top + tile, height), right = std::min(left + tile, width);
      dx.clear();
      dy.clear();
      for (int y = top; y < bottom; ++y) {
        for (int x = left; x < right; ++x) {
          dx.push_back(fit[at_cell(field, x, y)].dx);
          dy.push_back(fit[at_cell(field, x, y)].dy);
        }
      }
      const auto middle = std::ssize(dx) / 2;
      std::nth_element(dx.begin(), dx.begin() + middle, dx.end());
      std::nth_element(dy.begin(), dy.begin() + middle, dy.end());
      const MotionVector median{dx[static_cast<std::size_t>(middle)],
                                dy[static_cast<std::size_t>(middle)]};
      for (int y = top; y < bottom; ++y) {
        for (int x = left; x < right; ++x) set_vector(field, x, y, median);
      }
    }
  }
  return field;
}

}  // namespace

MotionField choose_motion(const MotionCost& cost,
                          const std::vector<std::vector<MotionVector>>& fits, float lambda,
                          int passes) {
  const int width = cost.columns(), height = cost.rows();
  Search search{cost, fits, lambda, RememberedCost(cost)};
  MotionField best = tiled(fits.front(), width, height, 1);  // the fit itself
  if (lambda <= 0) {
    for (int y = 0; y < height; ++y) {
      for (int x = 0; x < width; ++x) {
        const std::size_t at = at_cell(best, x, y);
        for (const auto& fit : fits) {
          if (search.remembered.distortion(x, y, fit[at]) <
              search.remembered.distortion(x, y, vector_at(best, x, y))) {
            set_vector(best, x, y, fit[at]);
          }
        }
      }
    }
    return best;
  }

  std::vector<MotionField> starts;
  starts.push_back(best);
  std::fill(starts[0].dx.begin(), starts[0].dx.end(), std::int16_t{0});
  std::fill(starts[0].dy.begin(), starts[0].dy.end(), std::int16_t{0});
  starts.push_back(tiled(fits.back(), width, height, std::max(width, height)));
  for (const int tile : kTiles) starts.push_back(tiled(fits.front(), width, height, tile));
  float best_total = 0;
  for (std::size_t i = 0; i < starts.size(); ++i) {
    sweep(search, starts[i], passes);
    const float total = total_cost(search, starts[i]);
    if (i == 0 || total < best_total) {
      best_total = total;
      best = starts[i];
    }
  }
  return best;
}

}  // namespace semcodec

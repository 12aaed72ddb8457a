// PiDiNet and LPIPS against outputs of the official code on the same pictures and weights; ESPNet
// on one of these pictures. The pictures and maps stand in ../shared/golden or $SEMCODEC_GOLDEN;
// they are too many megabytes for the project, whose own known values are in pidinet_test.cpp.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <regex>

#include "common/core/file.h"
#include "models/core/weights_path.h"
#include "models/lpips/lpips.h"
#include "models/pidinet/edge_detector.h"
#include "models/segmentation/segmenter.h"
#include "semcodec/video_reader.h"

namespace semcodec {
namespace {

namespace fs = std::filesystem;

fs::path golden_folder() {
  const char* folder = std::getenv("SEMCODEC_GOLDEN");
  return folder != nullptr ? fs::path(folder) : fs::path(SEMCODEC_SOURCE_DIR) / "../shared/golden";
}

const char* const kNoGolden =
    "the golden pictures are not part of the project; set SEMCODEC_GOLDEN to their folder";

/// A picture file as 1 x 3 x H x W, 0..1.
torch::Tensor read_picture(const fs::path& path) {
  VideoReader reader(path.string());
  const auto frame = reader.next();
  if (!frame) throw std::runtime_error("no picture in " + path.string());
  const RgbImage& image = frame->image;
  torch::Tensor pixels = torch::empty({image.height, image.width, 3}, torch::kUInt8);
  std::copy(image.pixels.begin(), image.pixels.end(), pixels.data_ptr<std::uint8_t>());
  return pixels.permute({2, 0, 1}).unsqueeze(0).to(torch::kFloat32) / 255.0;
}

/// A float32, C-order .npy of two dimensions.
torch::Tensor read_npy(const fs::path& path) {
  const auto bytes = read_file(path.string());
  const std::size_t header = 10 + bytes.at(8) + std::size_t{256} * bytes.at(9);
  const std::string text(bytes.begin() + 10, bytes.begin() + static_cast<std::ptrdiff_t>(header));
  std::smatch shape;
  if (!std::regex_search(text, shape, std::regex(R"('shape': \((\d+), (\d+)\))")) ||
      text.find("'<f4'") == std::string::npos) {
    throw std::runtime_error(path.string() + " is not a float32 matrix");
  }
  torch::Tensor map = torch::empty({std::stol(shape[1]), std::stol(shape[2])});
  if (bytes.size() - header != static_cast<std::size_t>(map.numel()) * 4) {
    throw std::runtime_error(path.string() + " is cut off");
  }
  std::memcpy(map.data_ptr(), bytes.data() + header, bytes.size() - header);
  return map;
}

class PiDiNetGolden : public ::testing::TestWithParam<const char*> {};

TEST_P(PiDiNetGolden, MapsAreTheOfficialOnes) {
  const std::string model = GetParam();
  const auto weights = find_weights(model);
  if (!weights) GTEST_SKIP() << missing_weights(model);
  if (!fs::exists(golden_folder())) GTEST_SKIP() << kNoGolden;
  PiDiNet net = load_pidinet(*weights);
  const EdgeDetector folded(net, torch::kCPU, torch::kFloat32);
  const EdgeDetector fast(net, torch::kCPU, torch::kBFloat16);
  for (const std::string picture : {"crop_321x193", "frame_512x256"}) {
    const torch::NoGradGuard no_grad;
    const torch::Tensor rgb = read_picture(golden_folder() / (picture + ".png"));
    const torch::Tensor expected =
        read_npy(golden_folder() / (model + "_" + picture + "_edges.npy"));
    const auto worst = [&](const torch::Tensor& map) {
      return (map[0][0] - expected).abs().max().item<double>();
    };
    EXPECT_LT(worst(net->forward(rgb)), 1e-4) << picture;
    EXPECT_LT(worst(folded.detect(rgb)), 1e-4) << picture;
    // bf16 has 8 bits of mantissa: single pixels may move, the map may not.
    const torch::Tensor difference = (fast.detect(rgb)[0][0] - expected).abs();
    EXPECT_LT(difference.mean().item<double>(), 0.01) << picture;
  }
}

INSTANTIATE_TEST_SUITE_P(Sizes, PiDiNetGolden,
                         ::testing::Values("pidinet", "pidinet-small", "pidinet-tiny"),
                         [](const auto& given) {
                           std::string name = given.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

TEST(LpipsGolden, PairsHaveTheOfficialDistance) {
  auto lpips = Lpips::find();
  if (!lpips) GTEST_SKIP() << missing_weights("lpips-squeeze");
  if (!fs::exists(golden_folder())) GTEST_SKIP() << kNoGolden;
  const fs::path folder = golden_folder() / "lpips";
  const torch::Tensor reference = read_picture(folder / "ex_ref.png");
  EXPECT_NEAR(lpips->forward(reference, read_picture(folder / "ex_p0.png")).item<double>(), 0.71105,
              1e-4);
  EXPECT_NEAR(lpips->forward(reference, read_picture(folder / "ex_p1.png")).item<double>(), 0.14790,
              1e-4);
}

// A motorway below a clear sky. Drawn streets, as in samples/, it takes for anything.
TEST(EspNetGolden, FindsRoadAndSky) {
  if (!fs::exists(golden_folder())) GTEST_SKIP() << kNoGolden;
  const auto weights = find_weights("espnet");
  if (!weights) GTEST_SKIP() << missing_weights("espnet");
  VideoReader reader((golden_folder() / "frame_512x256.png").string());
  const auto frame = reader.next();
  ASSERT_TRUE(frame.has_value());
  const auto ids = Segmenter(*weights).segment(frame->image, 128, 64);
  const auto share = [&](int id, int top, int bottom) {
    return static_cast<double>(
               std::count(ids.begin() + 128 * top, ids.begin() + 128 * bottom, id)) /
           (128 * (bottom - top));
  };
  constexpr int kRoad = 0, kSky = 10;  // of Cityscapes' 19
  EXPECT_GT(share(kRoad, 46, 60), 0.6);
  EXPECT_LT(share(kRoad, 0, 24), 0.05);
  EXPECT_GT(share(kSky, 2, 20), 0.8);
  EXPECT_LT(share(kSky, 40, 64), 0.05);
}

}  // namespace
}  // namespace semcodec

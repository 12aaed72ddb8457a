// The tensor file: what is written comes back, and every check of the reader refuses its file.

#include "models/core/safetensors.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <fstream>

#include "common/core/error.h"
#include "common/core/file.h"
#include "models/core/weights_path.h"

namespace semcodec {
namespace {

class Safetensors : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::temp_directory_path() /
              ("semcodec-safetensors-" + std::to_string(::getpid()) + "-" +
               ::testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::create_directories(folder_);
    path_ = (folder_ / "file.safetensors").string();
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  void write_raw(std::uint64_t claimed, const std::string& header, std::size_t data_bytes) {
    std::ofstream out(path_, std::ios::binary);
    for (int i = 0; i < 8; ++i) out.put(static_cast<char>(claimed >> (8 * i) & 0xff));
    out << header << std::string(data_bytes, 'x');
  }
  void write_header(const std::string& header, std::size_t data_bytes) {
    write_raw(header.size(), header, data_bytes);
  }
  /// The file must be refused as corrupt, in a sentence with its name and `reason`.
  void expect_refused(const std::string& reason) {
    try {
      load_safetensors(path_);
      FAIL() << "accepted, although: " << reason;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::corrupt) << error.what();
      EXPECT_NE(std::string(error.what()).find(reason), std::string::npos) << error.what();
      EXPECT_NE(std::string(error.what()).find(path_), std::string::npos) << error.what();
    }
  }

  std::filesystem::path folder_;
  std::string path_;
};

const std::string kGood = R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})";

TEST_F(Safetensors, EveryDtypeAndShapeComesBack) {
  const TensorMap out = {{"f32", torch::arange(6, torch::kFloat32).view({2, 3})},
                         {"f16", torch::linspace(-1, 1, 5).to(torch::kFloat16)},
                         {"bf16", torch::linspace(-3, 3, 7).to(torch::kBFloat16)},
                         {"i64", torch::tensor({-5, 7}, torch::kInt64)},
                         {"u8", torch::tensor({0, 255}, torch::kUInt8)},
                         {"scalar", torch::tensor(2.5F)},
                         {"empty", torch::zeros({0, 3})},
                         {"turned", torch::arange(6, torch::kFloat32).view({2, 3}).t()}};
  save_safetensors(path_, out, {{"who", "a \"quoted\" name"}});
  Metadata metadata;
  const TensorMap in = load_safetensors(path_, &metadata);
  ASSERT_EQ(in.size(), out.size());
  for (const auto& [name, tensor] : out) {
    EXPECT_EQ(in.at(name).scalar_type(), tensor.scalar_type()) << name;
    EXPECT_TRUE(torch::equal(in.at(name), tensor)) << name;
  }
  EXPECT_EQ(metadata.at("who"), "a \"quoted\" name");
}

TEST_F(Safetensors, EqualContentGivesEqualBytesAndNothingElseIsLeft) {
  const TensorMap tensors = {{"b", torch::ones(3)}, {"a", torch::zeros(2)}};
  save_safetensors(path_, tensors);
  const auto first = read_file(path_);
  save_safetensors(path_, tensors);
  EXPECT_EQ(read_file(path_), first);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_), {}), 1);
}

TEST_F(Safetensors, TheGoodTemplateOfTheseTestsIsAccepted) {
  write_header(kGood, 8);
  EXPECT_EQ(load_safetensors(path_).at("a").numel(), 2);
}

TEST_F(Safetensors, AMissingFileIsAnInputError) {
  try {
    load_safetensors(path_);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::input);
  }
}

TEST_F(Safetensors, RefusesAShortFile) {
  std::ofstream(path_, std::ios::binary) << "1234567";
  expect_refused("shorter than 8 bytes");
}

TEST_F(Safetensors, RefusesHeaderLengthsThatCannotBe) {
  for (const std::uint64_t claimed :
       {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{kGood.size() + 9},
        kMaxSafetensorsHeader + 1, ~std::uint64_t{0}}) {
    write_raw(claimed, kGood, 8);
    expect_refused("header claims");
  }
}

TEST_F(Safetensors, RefusesHeadersOfMoreThanOneMebibyte) {
  const std::string good = R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}})";
  const std::size_t most = std::size_t{1} << 20;
  write_header(good + std::string(most - good.size(), ' '), 4);
  EXPECT_EQ(load_safetensors(path_).at("a").numel(), 4);
  write_header(good + std::string(most + 1 - good.size(), ' '), 4);
  expect_refused("header claims");
}

TEST_F(Safetensors, ShapesAreReadWithoutTheData) {
  write_header(R"({"a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},)"
               R"("b":{"dtype":"F16","shape":[],"data_offsets":[24,26]}})",
               26);
  const TensorShapes expected{{"a", {2, 3}}, {"b", {}}};
  EXPECT_EQ(read_safetensors_shapes(path_), expected);
  write_header(R"({"a":{"dtype":"F32","shape":[2,4],"data_offsets":[0,24]}})", 24);
  EXPECT_THROW(read_safetensors_shapes(path_), Error);
}

TEST_F(Safetensors, RefusesWhatIsNoJsonObject) {
  for (const std::string header : {"{\"a\":", "[1,2]", "nonsense", "\"text\""}) {
    write_header(header, 0);
    expect_refused("not JSON");
  }
  write_header(std::string(100000, '[') + std::string(100000, ']'), 0);
  expect_refused("");
}

TEST_F(Safetensors, RefusesANameTwice) {
  write_header(R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},)"
               R"("a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}})",
               4);
  expect_refused("twice");
}

TEST_F(Safetensors, RefusesBrokenEntries) {
  const auto entry = [](const std::string& inner) { return "{\"a\":" + inner + "}"; };
  const std::pair<std::string, std::string> cases[] = {
      {R"({"shape":[2],"data_offsets":[0,8]})", "lacks"},
      {R"({"dtype":"F32","data_offsets":[0,8]})", "lacks"},
      {R"({"dtype":"F32","shape":[2]})", "lacks"},
      {R"([])", "lacks"},
      {R"({"dtype":"F64","shape":[1],"data_offsets":[0,8]})", "dtype"},
      {R"({"dtype":7,"shape":[2],"data_offsets":[0,8]})", "dtype"},
      {R"({"dtype":"F32","shape":[-2],"data_offsets":[0,8]})", "malformed shape"},
      {R"({"dtype":"F32","shape":[2.0],"data_offsets":[0,8]})", "malformed shape"},
      {R"({"dtype":"F32","shape":2,"data_offsets":[0,8]})", "malformed shape"},
      {R"({"dtype":"F32","shape":[1,1,1,1,1,1,1,1,2],"data_offsets":[0,8]})", "malformed shape"},
      {R"({"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,8]})", "overflows"},
      {R"({"dtype":"F32","shape":[18446744073709551615],"data_offsets":[0,8]})", "overflows"},
      {R"({"dtype":"F32","shape":[2],"data_offsets":[0]})", "malformed offsets"},
      {R"({"dtype":"F32","shape":[2],"data_offsets":[8,0]})", "outside the file"},
      {R"({"dtype":"F32","shape":[2],"data_offsets":[0,16]})", "outside the file"},
      {R"({"dtype":"F32","shape":[2],"data_offsets":[-8,0]})", "outside the file"},
      {R"({"dtype":"F32","shape":[3],"data_offsets":[0,8]})", "its shape needs 12"},
  };
  for (const auto& [inner, reason] : cases) {
    write_header(entry(inner), 8);
    expect_refused(reason);
  }
}

TEST_F(Safetensors, RefusesGapsOverlapsAndRests) {
  const auto two = [](int begin, int end) {
    return R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},)"
           R"("b":{"dtype":"U8","shape":[4],"data_offsets":[)" +
           std::to_string(begin) + "," + std::to_string(end) + "]}}";
  };
  write_header(two(4, 8), 8);
  EXPECT_EQ(load_safetensors(path_).size(), 2U);
  write_header(two(5, 9), 9);
  expect_refused("gap or overlaps");
  write_header(two(3, 7), 7);
  expect_refused("gap or overlaps");
  write_header(two(4, 8), 9);
  expect_refused("end at byte 8 of 9");
  write_header(R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[1,5]}})", 5);
  expect_refused("gap or overlaps");
}

TEST_F(Safetensors, RefusesMetadataThatIsNotText) {
  write_header(R"({"__metadata__":{"n":3}})", 0);
  expect_refused("__metadata__");
  write_header(R"({"__metadata__":[]})", 0);
  expect_refused("__metadata__");
}

TEST_F(Safetensors, AnyCutIsRefused) {
  save_safetensors(path_, {{"a", torch::ones({3, 4})}, {"b", torch::ones(5)}});
  const auto whole = read_file(path_);
  for (std::size_t keep = 0; keep < whole.size(); keep += 7) {
    std::ofstream out(path_, std::ios::binary);
    out.write(reinterpret_cast<const char*>(whole.data()), static_cast<std::streamsize>(keep));
    out.close();
    expect_refused("");
  }
}

TEST_F(Safetensors, LoadIntoNamesWhatDiffers) {
  torch::nn::Linear net(3, 2);
  TensorMap state = {{"weight", torch::full({2, 3}, 7.0)}, {"bias", torch::zeros(2)}};
  load_into(*net, state, "good");
  EXPECT_EQ(net->weight[1][2].item<float>(), 7.0F);

  const auto sentence = [&](bool strict) -> std::string {
    try {
      load_into(*net, state, "the-file", strict);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::corrupt);
      return error.what();
    }
    return "";
  };
  state["extra"] = torch::zeros(1);
  EXPECT_NE(sentence(true).find("'extra' is not part of the network"), std::string::npos);
  EXPECT_EQ(sentence(false), "");
  state.erase("extra");
  state["weight"] = torch::full({3, 2}, 1.0);
  EXPECT_NE(sentence(true).find("'weight' is 3x2, not 2x3"), std::string::npos);
  EXPECT_EQ(net->weight[0][0].item<float>(), 7.0F) << "a refused file must change nothing";
  state.erase("weight");
  EXPECT_NE(sentence(false).find("the-file"), std::string::npos);
}

TEST(WeightsPath, TheEnvironmentComesFirstAndPathsAreTaken) {
  const auto folder =
      std::filesystem::temp_directory_path() / ("semcodec-weights-" + std::to_string(::getpid()));
  std::filesystem::create_directories(folder);
  const std::string file = (folder / "some-net.safetensors").string();
  save_safetensors(file, {{"a", torch::ones(1)}});
  EXPECT_FALSE(find_weights("some-net"));
  EXPECT_EQ(find_weights(file), file);
  ::setenv("SEMCODEC_WEIGHTS", folder.c_str(), 1);
  EXPECT_EQ(find_weights("some-net"), file);
  EXPECT_THROW(require_weights("another-net", "a test"), Error);
  ::unsetenv("SEMCODEC_WEIGHTS");
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace semcodec

// Configuration files: types, overrides, and keys that nobody knows.

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "common/core/error.h"
#include "training/config.h"
#include "training/generator/generator_options.h"

namespace semcodec {
namespace {

class ConfigTest : public ::testing::Test {
 protected:
  void TearDown() override { std::filesystem::remove(path_); }
  void write(const std::string& text) { std::ofstream(path_) << text; }
  std::string path_ = (std::filesystem::temp_directory_path() /
                       ("semcodec-config-" + std::to_string(::getpid()) + ".toml"))
                          .string();
};

TEST_F(ConfigTest, FileAndOverrides) {
  write("data = \"clips\"\n[generator]\nsteps = 100\nlearning_rate = 1e-3\nflip = false\n");
  const Config config(path_, {"generator.steps=7", "output=some/folder"});
  EXPECT_EQ(config.get("generator.steps", 1), 7);
  EXPECT_DOUBLE_EQ(config.get("generator.learning_rate", 0.0), 1e-3);
  EXPECT_FALSE(config.get("generator.flip", true));
  EXPECT_EQ(config.get("data", std::string()), "clips");
  EXPECT_EQ(config.get("output", std::string()), "some/folder");
  EXPECT_EQ(config.get("generator.batch", 3), 3);
}

TEST_F(ConfigTest, WrongTypesAreNamed) {
  const Config config("", {"a=text", "b=1.5", "c=3"});
  EXPECT_THROW(config.get("a", 1), Error);
  EXPECT_THROW(config.get("b", 1), Error);
  EXPECT_THROW(config.get("c", true), Error);
  EXPECT_THROW(config.get("c", std::string("x")), Error);
  EXPECT_THROW(Config("", {"no equals sign"}), Error);
}

TEST_F(ConfigTest, SyntaxErrorsNameTheLine) {
  write("data = \"clips\"\nsteps = = 3\n");
  try {
    Config config(path_, {});
    FAIL() << "was accepted";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("line 2"), std::string::npos) << error.what();
  }
}

TEST_F(ConfigTest, UnknownKeysAreRefused) {
  const Config config("", {"data=a", "output=b", "generator.stepz=5"});
  try {
    read_generator_options(config);
    FAIL() << "was accepted";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("generator.stepz"), std::string::npos);
  }
}

TEST_F(ConfigTest, GeneratorOptionsAreChecked) {
  EXPECT_THROW(read_generator_options(Config("", {"output=b"})), Error);
  EXPECT_THROW(read_generator_options(Config("", {"data=a", "output=b", "generator.crop=100"})),
               Error);
  EXPECT_THROW(read_generator_options(Config("", {"data=a", "output=b", "generator.gan=other"})),
               Error);
  const auto options =
      read_generator_options(Config("", {"data=a", "output=b", "generator.gan=lsgan", "seed=9"}));
  EXPECT_EQ(options.gan, GanMode::lsgan);
  EXPECT_EQ(options.seed, 9U);
}

}  // namespace
}  // namespace semcodec

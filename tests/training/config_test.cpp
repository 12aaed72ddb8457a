// Configuration files: types, overrides, and keys that nobody knows.

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>

#include "common/core/error.h"
#include "training/config.h"
#include "training/training_options.h"

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

// Each part of a key is a table in a table; freeing 200,000 of them once exhausted the stack.
TEST_F(ConfigTest, DeepKeysAreRefused) {
  std::string deep = "a";
  for (int i = 1; i < 200'000; ++i) deep += ".a";
  for (const std::string& text : {deep + " = 1\n", "[" + deep + "]\nb = 1\n"}) {
    write(text);
    EXPECT_THROW(Config(path_, {}), Error);
  }
  EXPECT_THROW(Config("", {"v={" + deep + "=1}"}), Error);
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

TEST_F(ConfigTest, KeysOfAllSectionsAreKnownAndNoOthers) {
  const std::vector<std::string> good = {
      "data=a",           "output=b", "edges.teacher=pidinet", "flow.steps=7",
      "prepare.size=512", "ranks=2",  "base.layers=1"};
  const auto options = read_training_options(Config("", good));
  EXPECT_EQ(options.edges.teacher, "pidinet");
  EXPECT_EQ(options.flow.steps, 7);
  EXPECT_EQ(options.flow.data, "a") << "what all stages share";
  EXPECT_EQ(options.base.layers, 1);
  for (const char* bad :
       {"edges.stepz=5", "flow.step=5", "prepare.colour=1", "sed=1", "edge.crop=8",
        "edges.crop=large", "flow.bf16=1", "prepare.layout=kitti", "flow.channels=0",
        "edges.size=vast", "restorer.channels_bottleneck=25", "ranks=0"}) {
    auto keys = good;
    keys.emplace_back(bad);
    EXPECT_THROW(read_training_options(Config("", keys)), Error) << bad;
  }
}

TEST_F(ConfigTest, OldNamesAreRefusedWithTheNewOnes) {
  for (const auto& [old, now] : std::map<std::string, std::string>{
           {"generator.average=0.9", "generator.ema"},
           {"restorer.average=0.9", "restorer.ema"},
           {"edges.average=0.9", "edges.ema"},
           {"generator.judge_rate=2", "generator.discriminator_learning_rate"},
           {"restorer.discriminator_rate=1e-4", "restorer.discriminator_learning_rate"},
           {"generator.rollout=2", "generator.unroll"},
           {"restorer.weight_between=1", "restorer.weight_interpolator"},
           {"flow.iterations=5", "flow.steps"},
           {"flow.rate=1e-4", "flow.learning_rate"},
           {"flow.fp32=true", "flow.bf16"},
           {"flow.start_from=a", "flow.initial"},
           {"edges.seconds=5", "edges.steps"}}) {
    try {
      read_training_options(Config("", {"data=a", "output=b", old}));
      ADD_FAILURE() << old << " was accepted";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::usage);
      EXPECT_NE(std::string(error.what()).find("'" + now + "'"), std::string::npos) << error.what();
    }
  }
}

TEST_F(ConfigTest, AllOptionsArePrintedOnce) {
  const auto text = describe_options(true);
  for (const char* key :
       {"`data`", "`prepare.size`", "`edges.teacher`", "`flow.steps`", "`generator.crop`",
        "`base.layers`", "`restorer.unroll`", "`restorer.ema`"}) {
    const auto row = "| " + std::string(key) + " |";
    const auto first = text.find(row);
    ASSERT_NE(first, std::string::npos) << key;
    EXPECT_EQ(text.find(row, first + 1), std::string::npos) << key;
  }
  EXPECT_NE(text.find("| `flow.steps` | 10000 | at least 1 |"), std::string::npos);
  EXPECT_NE(text.find("| `flow.batch` | 6 |"), std::string::npos);
  EXPECT_NE(describe_options(false).find("  restorer.ema = 0.999\n"), std::string::npos);
}

TEST_F(ConfigTest, EveryRecipeIsSound) {
  int recipes = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(SEMCODEC_SOURCE_DIR "/training/recipes")) {
    if (entry.path().extension() != ".toml") continue;
    EXPECT_NO_THROW(read_training_options(Config(entry.path().string(), {"data=a", "output=b"})))
        << entry.path();
    ++recipes;
  }
  EXPECT_GE(recipes, 3);
}

TEST_F(ConfigTest, ThePrepareProgramGetsEveryValue) {
  const Config config("", {"prepare.rate=12.5", "base.layers=3"});
  EXPECT_EQ(prepare_arguments(read_prepare_options(config)),
            (std::vector<std::string>{"--size", "512", "--layout", "videos", "--limit", "0",
                                      "--rate", "12.5"}));
  EXPECT_EQ(base_arguments(read_base_options(config)),
            (std::vector<std::string>{"--base", "3", "--base-effort", "5"}));
  EXPECT_EQ(config.resolved("prepare.").at("prepare.size"), "512") << "defaults are resolved, too";
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

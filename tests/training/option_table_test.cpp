// The table of options: reads, checks, refuses in one sentence, and prints itself.

#include <gtest/gtest.h>

#include "common/core/error.h"
#include "training/trainer/trainer_options.h"

namespace semcodec {
namespace {

struct Sizes {
  int width = 32;
  double share = 0.5;
  bool flip = true;
  std::uint64_t seed = 1;
  std::string mode = "soft", size = "512";
  std::vector<std::string> names;
};

OptionTable table_of(Sizes& s) {
  OptionTable table("net", "A network");
  table.add("width", s.width, multiple_of(8, 16), "channels");
  table.add("share", s.share, in_range(0, 1), "of something");
  table.add("flip", s.flip, any_value(), "mirrors");
  table.add("seed", s.seed, at_least(0), "of samples");
  table.add("mode", s.mode, one_of({"soft", "hard"}), "of the loss");
  table.add("size", s.size, any_word(), "a number, or WxH");
  table.add_text(
      "names", "a,b", [&s](const std::string& text) { s.names = {text}; }, any_value(), "a list");
  table.gone("channels", "is now 'net.width'");
  return table;
}

Sizes read(const std::vector<std::string>& keys) {
  Sizes sizes;
  table_of(sizes).read(Config("", keys));
  return sizes;
}

std::string refusal(const std::vector<std::string>& keys) {
  try {
    read(keys);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::usage);
    return error.what();
  }
  ADD_FAILURE() << keys.front() << " was accepted";
  return {};
}

TEST(OptionTable, ReadsEveryKindAndKeepsDefaults) {
  const auto none = read({});
  EXPECT_EQ(none.width, 32);
  EXPECT_EQ(none.names, std::vector<std::string>{"a,b"});
  const auto all = read({"net.width=48", "net.share=0.25", "net.flip=false", "net.seed=9",
                         "net.mode=hard", "net.size=640x480", "net.names=c"});
  EXPECT_EQ(all.width, 48);
  EXPECT_EQ(all.share, 0.25);
  EXPECT_FALSE(all.flip);
  EXPECT_EQ(all.seed, 9U);
  EXPECT_EQ(all.mode, "hard");
  EXPECT_EQ(all.size, "640x480");
  EXPECT_EQ(read({"net.size=640"}).size, "640") << "a word may be a number";
  EXPECT_EQ(all.names, std::vector<std::string>{"c"});
}

TEST(OptionTable, RefusalsNameTheKeyInOneSentence) {
  EXPECT_EQ(refusal({"net.width=20"}), "'net.width' should be a multiple of 8, at least 16.");
  EXPECT_EQ(refusal({"net.share=1.5"}), "'net.share' should be 0 to 1.");
  EXPECT_EQ(refusal({"net.mode=loud"}), "'net.mode' should be soft or hard.");
  EXPECT_EQ(refusal({"net.seed=-1"}), "'net.seed' should be at least 0.");
  EXPECT_EQ(refusal({"net.flip=1"}), "'net.flip' should be true or false.");
  EXPECT_EQ(refusal({"net.width=wide"}), "'net.width' should be a number.");
  EXPECT_EQ(refusal({"net.widht=16"}), "Unknown option 'net.widht'; docs/training.md lists them.");
  EXPECT_EQ(refusal({"net.channels=16"}), "'net.channels' is now 'net.width' (docs/training.md).");
}

TEST(OptionTable, PrintsItself) {
  Sizes sizes;
  const auto text = table_of(sizes).markdown();
  EXPECT_NE(text.find("### A network\n"), std::string::npos);
  EXPECT_NE(text.find("| `net.width` | 32 | a multiple of 8, at least 16 | channels |\n"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("| `net.flip` | true |  | mirrors |\n"), std::string::npos) << text;
}

TEST(TrainerOptions, OldNamesAreRefusedWithTheNewOnes) {
  TrainerOptions options;
  options.stage = "flow";
  OptionTable table("flow", "Flow");
  add_trainer_options(table, options);
  try {
    table.read(Config("", {"flow.average=0.9"}));
    FAIL() << "was accepted";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("is now 'flow.ema'"), std::string::npos)
        << error.what();
  }
}

}  // namespace
}  // namespace semcodec

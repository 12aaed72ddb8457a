#pragma once
// The options of one section of a training's configuration, each described in one row: key, field,
// range and meaning. The row is what reads the TOML file and `--set`, checks the value and prints
// itself (`semcodec-train options`; docs/training.md). The default is what the field holds when the
// table is made, so it stands in one place too: the initialiser of the options' struct.
//
//   OptionTable table("edges", "PiDiNet");
//   table.add("crop", options.crop, multiple_of(8, 32), "side of the crops, pixels");
//   table.read(config);

#include <cstdint>
#include <functional>
#include <string>
#include <variant>
#include <vector>

#include "training/config.h"

namespace semcodec {

/// Which values an option takes.
struct OptionRule {
  std::string says;  ///< "at least 1": completes "'edges.batch' should be …"; empty = any
  std::function<bool(double)> number{};  ///< none: any
  std::vector<std::string> choices{};    ///< of a text; none: any
  bool word = false;                     ///< a text that may be written as a number: 512, "512x256"
};

OptionRule any_value();
OptionRule above(double least);
OptionRule at_least(double least);
OptionRule in_range(double least, double most);
/// least ≤ value < most.
OptionRule below(double least, double most);
OptionRule multiple_of(int factor, int least);
OptionRule zero_or_at_least(double least);
OptionRule odd_in_range(int least, int most);
OptionRule one_of(std::vector<std::string> choices);
OptionRule any_word();

class OptionTable {
 public:
  using Text = std::function<void(const std::string&)>;
  using Field =
      std::variant<bool*, int*, std::int64_t*, std::uint64_t*, double*, std::string*, Text>;

  /// `section`: "edges", or "" for the keys that stand outside of sections.
  OptionTable(std::string section, std::string title)
      : section_(std::move(section)), title_(std::move(title)) {}

  /// `field` outlives the table.
  template <typename T>
  void add(const std::string& key, T& field, OptionRule rule, const std::string& help) {
    rows_.push_back({key, &field, {}, std::move(rule), help});
  }
  /// A text that `set` turns into something else, an enumeration or a list; `set` may throw.
  void add_text(const std::string& key, const std::string& initial, Text set, OptionRule rule,
                const std::string& help) {
    rows_.push_back({key, std::move(set), initial, std::move(rule), help});
  }
  /// A key of an earlier version is refused with a sentence that says what to do: "is now
  /// 'flow.steps'".
  void gone(const std::string& key, const std::string& sentence) {
    gone_.emplace_back(key, sentence);
  }

  /// Sets the fields. Throws Error(usage) naming a key that is unknown, of a wrong type or out of
  /// range.
  void read(const Config& config) const;
  /// A heading, and a Markdown table of key, default, range and meaning.
  std::string markdown() const;
  /// The same for a terminal: `key = default`, then range and meaning.
  std::string plain() const;

 private:
  struct Row {
    std::string key;
    Field field;
    std::string initial;  ///< of a Text
    OptionRule rule;
    std::string help;
  };
  static std::string initial_of(const Row& row);
  std::string name(const std::string& key) const {
    return section_.empty() ? key : section_ + "." + key;
  }

  std::string section_, title_;
  std::vector<Row> rows_;
  std::vector<std::pair<std::string, std::string>> gone_;
};

}  // namespace semcodec

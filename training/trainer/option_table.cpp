#include "training/trainer/option_table.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <type_traits>

#include "common/core/error.h"

namespace semcodec {

namespace {

std::string text_of(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%g", value);
  return text;
}

OptionRule rule(std::string says, std::function<bool(double)> number) {
  return {std::move(says), std::move(number)};
}

}  // namespace

OptionRule any_value() { return {}; }

OptionRule any_word() {
  OptionRule rule;
  rule.word = true;
  return rule;
}

OptionRule above(double least) {
  return rule("greater than " + text_of(least), [=](double v) { return v > least; });
}

OptionRule at_least(double least) {
  return rule("at least " + text_of(least), [=](double v) { return v >= least; });
}

OptionRule in_range(double least, double most) {
  return rule(text_of(least) + " to " + text_of(most),
              [=](double v) { return v >= least && v <= most; });
}

OptionRule below(double least, double most) {
  return rule("at least " + text_of(least) + " and below " + text_of(most),
              [=](double v) { return v >= least && v < most; });
}

OptionRule multiple_of(int factor, int least) {
  return rule("a multiple of " + std::to_string(factor) + ", at least " + std::to_string(least),
              [=](double v) { return v >= least && std::fmod(v, factor) == 0; });
}

OptionRule zero_or_at_least(double least) {
  return rule("0 or at least " + text_of(least), [=](double v) { return v == 0 || v >= least; });
}

OptionRule odd_in_range(int least, int most) {
  return rule("odd, " + std::to_string(least) + " to " + std::to_string(most),
              [=](double v) { return v >= least && v <= most && std::fmod(v, 2) == 1; });
}

OptionRule one_of(std::vector<std::string> choices) {
  OptionRule rule;
  for (std::size_t i = 0; i < choices.size(); ++i) {
    rule.says += (i == 0 ? "" : i + 1 == choices.size() ? " or " : ", ") + choices[i];
  }
  rule.choices = std::move(choices);
  return rule;
}

void OptionTable::read(const Config& config) const {
  for (const auto& [key, sentence] : gone_) {
    require(!config.has(name(key)), ErrorKind::usage,
            "'" + name(key) + "' " + sentence + " (docs/training.md).");
  }
  for (const auto& row : rows_) {
    const std::string key = name(row.key);
    const auto check = [&](bool good) {
      require(good, ErrorKind::usage, "'" + key + "' should be " + row.rule.says + ".");
    };
    const auto text = [&](const std::string& fallback) {
      auto value = row.rule.word ? config.get_word(key, fallback) : config.get(key, fallback);
      const auto& choices = row.rule.choices;
      check(choices.empty() || std::find(choices.begin(), choices.end(), value) != choices.end());
      return value;
    };
    std::visit(
        [&](const auto& field) {
          using Type = std::decay_t<decltype(field)>;
          if constexpr (std::is_same_v<Type, Text>) {
            field(text(row.initial));
          } else if constexpr (std::is_same_v<Type, std::string*>) {
            *field = text(*field);
          } else if constexpr (std::is_same_v<Type, std::uint64_t*>) {
            const auto value = config.get(key, static_cast<std::int64_t>(*field));
            check(!row.rule.number || row.rule.number(static_cast<double>(value)));
            *field = static_cast<std::uint64_t>(value);
          } else {
            *field = config.get(key, *field);
            check(!row.rule.number || row.rule.number(static_cast<double>(*field)));
          }
        },
        row.field);
  }
  if (!section_.empty()) config.check_all_used(section_ + ".");
}

std::string OptionTable::initial_of(const Row& row) {
  return std::visit(
      [&](const auto& field) -> std::string {
        using Type = std::decay_t<decltype(field)>;
        if constexpr (std::is_same_v<Type, Text>)
          return row.initial;
        else if constexpr (std::is_same_v<Type, std::string*>)
          return *field;
        else if constexpr (std::is_same_v<Type, bool*>)
          return *field ? "true" : "false";
        else
          return text_of(static_cast<double>(*field));
      },
      row.field);
}

std::string OptionTable::markdown() const {
  std::string out =
      "### " + title_ + "\n\n| key | default | values | meaning |\n|---|---|---|---|\n";
  for (const auto& row : rows_) {
    out += "| `" + name(row.key) + "` | " + initial_of(row) + " | " + row.rule.says + " | " +
           row.help + " |\n";
  }
  return out;
}

std::string OptionTable::plain() const {
  std::string out = title_ + "\n";
  for (const auto& row : rows_) {
    const auto initial = initial_of(row);
    out += "  " + name(row.key) + " = " + (initial.empty() ? "\"\"" : initial) + "\n      " +
           (row.rule.says.empty() ? "" : row.rule.says + ": ") + row.help + "\n";
  }
  return out;
}

}  // namespace semcodec

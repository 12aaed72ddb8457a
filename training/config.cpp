#include "training/config.h"

#include <toml++/toml.h>
#include <charconv>
#include <cmath>
#include <functional>
#include <string_view>

#include "common/core/error.h"
#include "common/core/file.h"

namespace semcodec {

namespace {

void flatten(const toml::table& table, const std::string& prefix,
             const std::function<void(const std::string&, const toml::node&)>& visit) {
  for (const auto& [name, node] : table) {
    const std::string key = prefix + std::string(name.str());
    if (const auto* inner = node.as_table()) {
      flatten(*inner, key + ".", visit);
    } else {
      visit(key, node);
    }
  }
}

/// toml++ limits how deep values lie in each other, but not the parts of a dotted key, each of
/// which is a table in the one before: freeing some ten thousand of them would exhaust the stack.
void check_depth(const std::string& text, const std::string& where) {
  constexpr int kMaxDots = 64;
  int dots = 0;
  for (const char c : text) {
    if (c == '.') ++dots;
    if (std::string_view("\n=,{}[]").find(c) != std::string_view::npos) dots = 0;
    require(dots <= kMaxDots, ErrorKind::input,
            where + " has a key of more than " + std::to_string(kMaxDots) + " parts.");
  }
}

/// The shortest text that reads back as the same number.
std::string shortest(double value) {
  char text[64];
  const auto end = std::to_chars(text, text + sizeof text, value).ptr;
  return {text, end};
}

}  // namespace

Config::Config(const std::string& path, const std::vector<std::string>& overrides) : path_(path) {
  const auto add = [this](const std::string& key, const toml::node& node) {
    Value value;
    if (const auto* text = node.as_string()) {
      value.is_text = true;
      value.text = text->get();
    } else if (const auto* flag = node.as_boolean()) {
      value.is_bool = true;
      value.number = flag->get() ? 1 : 0;
    } else if (const auto number = node.value<double>()) {
      value.is_number = true;
      value.number = *number;
    } else {
      throw Error(ErrorKind::usage, "The value of '" + key +
                                        "' is neither number, text nor true/"
                                        "false.");
    }
    values_[key] = value;
  };
  try {
    if (!path.empty()) {
      constexpr std::uint64_t kLargest = 1 << 20;
      const std::vector<std::uint8_t> bytes = read_file(path, kLargest);
      const std::string text(bytes.begin(), bytes.end());
      check_depth(text, path);
      flatten(toml::parse(text, path), "", add);
    }
  } catch (const toml::parse_error& error) {
    throw Error(ErrorKind::input, "Cannot read " + path + ", line " +
                                      std::to_string(error.source().begin.line) + ": " +
                                      std::string(error.description()) + ".");
  }
  for (const auto& text : overrides) {
    const auto equals = text.find('=');
    require(equals != std::string::npos && equals > 0, ErrorKind::usage,
            "--set wants key=value, not '" + text + "'.");
    const std::string key = text.substr(0, equals), value = text.substr(equals + 1);
    check_depth(value, "--set " + key);
    try {
      flatten(toml::parse("v = " + value), "",
              [&](const std::string&, const toml::node& node) { add(key, node); });
    } catch (const toml::parse_error&) {
      Value bare;
      bare.is_text = true;
      bare.text = value;
      values_[key] = bare;
    }
  }
}

const Config::Value* Config::find(const std::string& key) const {
  used_.insert(key);
  const auto found = values_.find(key);
  return found == values_.end() ? nullptr : &found->second;
}

void Config::wrong_type(const std::string& key, const std::string& wanted) const {
  throw Error(ErrorKind::usage, "'" + key + "' should be " + wanted + ".");
}

double Config::get(const std::string& key, double fallback) const {
  const auto* value = find(key);
  if (value != nullptr && !value->is_number) wrong_type(key, "a number");
  const double number = value == nullptr ? fallback : value->number;
  resolved_[key] = shortest(number);
  return number;
}

std::int64_t Config::get(const std::string& key, std::int64_t fallback) const {
  const double value = get(key, static_cast<double>(fallback));
  if (value != std::floor(value) || std::abs(value) > 0x1p53) wrong_type(key, "a whole number");
  return static_cast<std::int64_t>(value);
}

int Config::get(const std::string& key, int fallback) const {
  const auto value = get(key, std::int64_t{fallback});
  if (std::abs(value) > 2'000'000'000) wrong_type(key, "a smaller number");
  return static_cast<int>(value);
}

bool Config::get(const std::string& key, bool fallback) const {
  const auto* value = find(key);
  if (value != nullptr && !value->is_bool) wrong_type(key, "true or false");
  const bool flag = value == nullptr ? fallback : value->number != 0;
  resolved_[key] = flag ? "true" : "false";
  return flag;
}

std::string Config::get(const std::string& key, const std::string& fallback) const {
  const auto* value = find(key);
  if (value != nullptr && !value->is_text) wrong_type(key, "a text");
  return resolved_[key] = value == nullptr ? fallback : value->text;
}

std::string Config::get_word(const std::string& key, const std::string& fallback) const {
  const auto* value = find(key);
  if (value != nullptr && value->is_bool) wrong_type(key, "a number or a text");
  return resolved_[key] = value == nullptr ? fallback
                          : value->is_text ? value->text
                                           : shortest(value->number);
}

std::string Config::require_text(const std::string& key, const std::string& what) const {
  const std::string text = get(key, std::string());
  require(!text.empty(), ErrorKind::usage,
          "'" + key + "' is missing: " + what + " (in the configuration, or --set " + key + "=…).");
  return text;
}

void Config::check_all_used(const std::string& prefix) const {
  for (const auto& [key, value] : values_) {
    if (key.rfind(prefix, 0) == 0 && used_.count(key) == 0) {
      throw Error(ErrorKind::usage, "Unknown option '" + key + "'" +
                                        (path_.empty() ? "" : " in " + path_) +
                                        "; docs/training.md lists them.");
    }
  }
}

std::map<std::string, std::string> Config::resolved(const std::string& prefix) const {
  std::map<std::string, std::string> out;
  for (const auto& [key, value] : resolved_) {
    if (key.rfind(prefix, 0) == 0) out[key] = value;
  }
  return out;
}

}  // namespace semcodec

#pragma once
// Configuration of a training run: one TOML file, plus `--set key=value` on the command line.
//
// Keys are dotted ("generator.steps"). Values are read through get(), which also notes the key as
// known: check_all_used() then refuses a key that nobody asked for, so that a typing mistake does
// not silently train something else.

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace semcodec {

class Config {
 public:
  /// Reads a TOML file ("" = empty) and applies overrides "key=value" (value in TOML syntax, or a
  /// bare word taken as text). Throws Error(input | usage) naming file, line and key.
  Config(const std::string& path, const std::vector<std::string>& overrides);

  double get(const std::string& key, double fallback) const;
  std::int64_t get(const std::string& key, std::int64_t fallback) const;
  int get(const std::string& key, int fallback) const;
  bool get(const std::string& key, bool fallback) const;
  std::string get(const std::string& key, const std::string& fallback) const;
  /// A text that must be there.
  std::string require_text(const std::string& key, const std::string& what) const;

  /// Throws Error(usage) naming keys below `prefix` ("generator.") that were never asked for.
  void check_all_used(const std::string& prefix) const;

 private:
  struct Value {
    std::string text;  ///< as written, for messages and texts
    bool is_number = false, is_bool = false, is_text = false;
    double number = 0;
  };
  const Value* find(const std::string& key) const;
  [[noreturn]] void wrong_type(const std::string& key, const std::string& wanted) const;

  std::string path_;
  std::map<std::string, Value> values_;
  mutable std::set<std::string> used_;
};

}  // namespace semcodec

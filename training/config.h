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

  /// A number or a text, as a text: for values such as 512 or "512x256".
  std::string get_word(const std::string& key, const std::string& fallback) const;

  /// Throws Error(usage) naming a key below `prefix` ("generator."; "" = any) that nobody asked
  /// for.
  void check_all_used(const std::string& prefix) const;

  /// Whether the file or an override gives this key.
  bool has(const std::string& key) const { return values_.count(key) > 0; }
  /// Every key below `prefix` that was asked for, with the value that the asker got.
  std::map<std::string, std::string> resolved(const std::string& prefix) const;

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
  mutable std::map<std::string, std::string> resolved_;
};

}  // namespace semcodec

#pragma once
// MD5 and SHA-256 as lower-case hex. MD5 names content (plane digests), it secures nothing;
// SHA-256 pins weights.

#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace semcodec {

/// A digest over bytes that arrive in pieces.
class Hasher {
 public:
  enum class Kind { md5, sha256 };
  explicit Hasher(Kind kind);
  ~Hasher();
  Hasher(const Hasher&) = delete;
  Hasher& operator=(const Hasher&) = delete;

  void update(std::span<const std::uint8_t> bytes);
  /// The digest of everything so far, in hex; ends the hasher.
  std::string finish();

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

std::string md5_hex(std::span<const std::uint8_t> bytes);     ///< 32 digits
std::string sha256_hex(std::span<const std::uint8_t> bytes);  ///< 64 digits

/// Of a whole file, in constant memory. Throws Error(input) naming the file.
std::string md5_file(const std::string& path);
std::string sha256_file(const std::string& path);

}  // namespace semcodec

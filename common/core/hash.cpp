#include "common/core/hash.h"

#include <openssl/evp.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <vector>

#include "common/core/error.h"

namespace semcodec {

struct Hasher::Context {
  EVP_MD_CTX* md = EVP_MD_CTX_new();
  Context() = default;
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;
  ~Context() { EVP_MD_CTX_free(md); }
};

Hasher::Hasher(Kind kind) : context_(std::make_unique<Context>()) {
  const EVP_MD* algorithm = kind == Kind::md5 ? EVP_md5() : EVP_sha256();
  // MD5 is switched off where OpenSSL runs in FIPS mode.
  require(context_->md != nullptr && EVP_DigestInit_ex(context_->md, algorithm, nullptr) == 1,
          ErrorKind::internal,
          std::string("This machine's OpenSSL refuses ") + (kind == Kind::md5 ? "MD5" : "SHA-256") +
              "; check its FIPS setting.");
}

Hasher::~Hasher() = default;

void Hasher::update(std::span<const std::uint8_t> bytes) {
  if (bytes.empty()) return;
  require(EVP_DigestUpdate(context_->md, bytes.data(), bytes.size()) == 1, ErrorKind::internal,
          "OpenSSL failed to update a digest.");
}

std::string Hasher::finish() {
  std::array<std::uint8_t, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  require(EVP_DigestFinal_ex(context_->md, digest.data(), &size) == 1, ErrorKind::internal,
          "OpenSSL failed to finish a digest.");
  static const char digits[] = "0123456789abcdef";
  std::string hex;
  for (unsigned i = 0; i < size; ++i) {
    hex += digits[digest[i] >> 4];
    hex += digits[digest[i] & 15];
  }
  return hex;
}

namespace {

std::string of_bytes(Hasher::Kind kind, std::span<const std::uint8_t> bytes) {
  Hasher hasher(kind);
  hasher.update(bytes);
  return hasher.finish();
}

std::string of_file(Hasher::Kind kind, const std::string& path) {
  struct Closer {
    void operator()(std::FILE* stream) const { std::fclose(stream); }
  };
  const std::unique_ptr<std::FILE, Closer> stream(std::fopen(path.c_str(), "rb"));
  require(stream != nullptr, ErrorKind::input,
          "Cannot open " + path + ": " + std::strerror(errno) + ".");
  Hasher hasher(kind);
  std::vector<std::uint8_t> buffer(std::size_t{1} << 18);
  std::size_t got = 0;
  while ((got = std::fread(buffer.data(), 1, buffer.size(), stream.get())) > 0) {
    hasher.update({buffer.data(), got});
  }
  require(std::ferror(stream.get()) == 0, ErrorKind::input,
          "Cannot read " + path + ": " + std::strerror(errno) + ".");
  return hasher.finish();
}

}  // namespace

std::string md5_hex(std::span<const std::uint8_t> bytes) {
  return of_bytes(Hasher::Kind::md5, bytes);
}
std::string sha256_hex(std::span<const std::uint8_t> bytes) {
  return of_bytes(Hasher::Kind::sha256, bytes);
}
std::string md5_file(const std::string& path) { return of_file(Hasher::Kind::md5, path); }
std::string sha256_file(const std::string& path) { return of_file(Hasher::Kind::sha256, path); }

}  // namespace semcodec

#include "common/core/hash.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>
#include <string>

#include "common/core/error.h"

namespace semcodec {
namespace {

std::span<const std::uint8_t> bytes_of(const std::string& text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

// RFC 1321 and FIPS 180-2 test vectors.
TEST(Hash, KnownVectors) {
  EXPECT_EQ(md5_hex({}), "d41d8cd98f00b204e9800998ecf8427e");
  EXPECT_EQ(md5_hex(bytes_of("abc")), "900150983cd24fb0d6963f7d28e17f72");
  EXPECT_EQ(sha256_hex(bytes_of("abc")),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Hash, PiecesEqualTheWhole) {
  Hasher hasher(Hasher::Kind::sha256);
  hasher.update(bytes_of("a"));
  hasher.update({});
  hasher.update(bytes_of("bc"));
  EXPECT_EQ(hasher.finish(), sha256_hex(bytes_of("abc")));
}

TEST(Hash, Files) {
  const auto path = (std::filesystem::temp_directory_path() / "semcodec_hash_test").string();
  std::FILE* file = std::fopen(path.c_str(), "wb");
  ASSERT_NE(file, nullptr);
  std::fputs("abc", file);
  std::fclose(file);
  EXPECT_EQ(md5_file(path), md5_hex(bytes_of("abc")));
  EXPECT_EQ(sha256_file(path), sha256_hex(bytes_of("abc")));
  std::filesystem::remove(path);
  try {
    sha256_file(path);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::input);
  }
}

}  // namespace
}  // namespace semcodec

#pragma once
// Messages of proto/semcodec.proto written by hand, so that tests can say what no writer would.

#include <cstdint>
#include <string>

namespace semcodec::test {

class ProtoBytes {
 public:
  ProtoBytes& number(int field, std::uint64_t value) {
    varint(static_cast<std::uint64_t>(field) << 3);
    varint(value);
    return *this;
  }
  ProtoBytes& signed_number(int field, std::int64_t value) {
    const auto u = static_cast<std::uint64_t>(value);
    return number(field, u << 1 ^ (value < 0 ? ~std::uint64_t{0} : 0));
  }
  ProtoBytes& text(int field, const std::string& value) {
    varint(static_cast<std::uint64_t>(field) << 3 | 2);
    varint(value.size());
    out_ += value;
    return *this;
  }
  void varint(std::uint64_t value) {
    for (; value >= 128; value >>= 7) out_ += static_cast<char>(value | 128);
    out_ += static_cast<char>(value);
  }
  const std::string& bytes() const { return out_; }

 private:
  std::string out_;
};

}  // namespace semcodec::test

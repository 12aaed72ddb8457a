#include "semcodec/byte_pipe.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace semcodec {
namespace {

using Bytes = std::vector<std::uint8_t>;

TEST(BytePipe, HandsOutWhatIsThereInOrder) {
  BytePipe pipe;
  pipe.push(Bytes{1, 2, 3});
  pipe.push(Bytes{4});
  Bytes into(3);
  EXPECT_EQ(pipe.read(into), 3u);
  EXPECT_EQ(into, (Bytes{1, 2, 3}));
  EXPECT_EQ(pipe.read(into), 1u);
  EXPECT_EQ(into[0], 4);
}

TEST(BytePipe, EndsBehindWhatWasPushed) {
  BytePipe pipe;
  pipe.push(Bytes{7});
  pipe.close();
  Bytes into(8);
  EXPECT_EQ(pipe.read(into), 1u);
  EXPECT_EQ(pipe.read(into), 0u);
  EXPECT_EQ(pipe.read(into), 0u);
}

TEST(BytePipe, WaitsForTheOtherThread) {
  BytePipe pipe;
  Bytes got;
  std::thread reader([&] {
    Bytes into(5);
    while (const auto count = pipe.read(into))
      got.insert(got.end(), into.begin(), into.begin() + static_cast<std::ptrdiff_t>(count));
  });
  Bytes all;
  for (int i = 0; i < 200; ++i) {
    const Bytes piece(static_cast<std::size_t>(i % 7), static_cast<std::uint8_t>(i));
    all.insert(all.end(), piece.begin(), piece.end());
    pipe.push(piece);
  }
  pipe.close();
  reader.join();
  EXPECT_EQ(got, all);
}

}  // namespace
}  // namespace semcodec

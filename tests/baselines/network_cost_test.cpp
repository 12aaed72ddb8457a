// Multiply-accumulates of operators whose numbers are known.

#include "models/core/network_cost.h"

#include <gtest/gtest.h>

#include "common/core/error.h"

namespace semcodec {
namespace {

namespace nn = torch::nn;

double macs_of(const std::function<void()>& forward) { return measure_cost(forward).macs; }

TEST(NetworkCost, ConvolutionsCountTheirOutputs) {
  nn::Conv2d whole(nn::Conv2dOptions(6, 10, 3).padding(1)),
      strided(nn::Conv2dOptions(6, 10, 3).stride(2).padding(1)),
      grouped(nn::Conv2dOptions(6, 6, 3).padding(1).groups(6));
  const auto x = torch::rand({2, 6, 8, 12});
  EXPECT_EQ(macs_of([&] { whole->forward(x); }), 2.0 * 10 * 8 * 12 * 6 * 9);
  EXPECT_EQ(macs_of([&] { strided->forward(x); }), 2.0 * 10 * 4 * 6 * 6 * 9);
  EXPECT_EQ(macs_of([&] { grouped->forward(x); }), 2.0 * 6 * 8 * 12 * 9);
  EXPECT_EQ(count_parameters(*whole), 6 * 10 * 9 + 10);
}

TEST(NetworkCost, TransposedConvolutionsHaveTwoNumbers) {
  nn::ConvTranspose2d up(
      nn::ConvTranspose2dOptions(6, 10, 3).stride(2).padding(1).output_padding(1));
  const auto x = torch::rand({1, 6, 8, 12});
  const auto cost = measure_cost([&] { up->forward(x); });
  EXPECT_EQ(cost.macs, 6.0 * 8 * 12 * 10 * 9) << "each input value meets its kernel once";
  EXPECT_EQ(cost.macs_of_outputs, 4 * cost.macs) << "four times as many outputs as inputs";
}

TEST(NetworkCost, ProductsAndAttention) {
  nn::Linear linear(16, 24);
  const auto x = torch::rand({3, 5, 16});
  EXPECT_EQ(macs_of([&] { linear->forward(x); }), 3.0 * 5 * 16 * 24);
  const auto a = torch::rand({4, 7, 9}), b = torch::rand({4, 9, 2});
  EXPECT_EQ(macs_of([&] { torch::bmm(a, b); }), 4.0 * 7 * 9 * 2);
  const auto q = torch::rand({1, 2, 6, 8}), k = torch::rand({1, 2, 10, 8});
  EXPECT_EQ(macs_of([&] { torch::scaled_dot_product_attention(q, k, k); }), 2.0 * 6 * 10 * 16);
}

TEST(NetworkCost, WhatIsNoProductCountsNothing) {
  const auto x = torch::rand({1, 6, 8, 12});
  EXPECT_EQ(macs_of([&] {
              torch::relu(x + torch::instance_norm(x, {}, {}, {}, {}, true, 0.1, 1e-5, false));
            }),
            0.0);
  EXPECT_THROW(measure_cost([] { measure_cost([] {}); }), Error);
}

}  // namespace
}  // namespace semcodec

#pragma once
#include "../graph/builder.h"

namespace lvm {

// A short causal convolution of every channel alone: y_t = Σ_j w[:, K−1−j] x_{t−j} + b, zeros before the start.
// Shapes: [batch, time, channels] -> the same; weight [channels, 1, K], bias [channels]
struct CausalConv {
  CausalConv() = default;
  // Makes `weight` and `bias`, drawn from U(±1/√K), under the builder's current name and `prefix`.
  CausalConv(Builder& b, const std::string& prefix, int64_t channels, int64_t kernel);
  Tensor operator()(const Tensor& x, Pass& pass) const;

  Tensor weight, bias;
  size_t slot = 0;
};

}  // namespace lvm

#pragma once
#include "../graph/builder.h"

namespace lvm {

// A short causal convolution of every channel alone: y_t = Σ_j w[:, K−1−j] x_{t−j} + b. Before the start stands `past`, or
// zeros where it is undefined; it has no gradient.
// Shapes: x [batch, time, channels] -> the same; past [batch, K−1, channels], weight [channels, 1, K], bias [channels]
Tensor causal_conv(const Tensor& x, const Tensor& past, const Tensor& weight, const Tensor& bias);

// The same with parameters of its own, and a state that holds the past.
struct CausalConv {
  CausalConv() = default;
  // Makes `weight` and `bias`, drawn from U(±1/√K), under the builder's current name and `prefix`.
  CausalConv(Builder& b, const std::string& prefix, int64_t channels, int64_t kernel);
  Tensor operator()(const Tensor& x, Pass& pass) const;
  // What stands before x in the pass's state, which is moved on past x; undefined without a state.
  Tensor past(const Tensor& x, Pass& pass) const;

  Tensor weight, bias;
  size_t slot = 0;
};

}  // namespace lvm

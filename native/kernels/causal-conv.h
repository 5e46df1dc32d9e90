#pragma once
#include "../graph/builder.h"

namespace lvm {

// A depthwise causal convolution: y_t = Σ_j w[:, K−1−j] x_{t−j} + b. `past` precedes the first position; zeros if undefined. It
// has no gradient.
// Shapes: x [batch, time, channels] -> the same; past [batch, K−1, channels], weight [channels, 1, K], bias [channels]
Tensor causal_conv(const Tensor& x, const Tensor& past, const Tensor& weight, const Tensor& bias);

// A causal convolution with its own parameters, and the past in the state.
struct CausalConv {
  CausalConv() = default;
  // Adds parameters `weight` and `bias`, drawn from U(±1/√K), under the builder's current name and `prefix`.
  CausalConv(Builder& b, const std::string& prefix, int64_t channels, int64_t kernel);
  Tensor operator()(const Tensor& x, Pass& pass) const;
  // Returns the inputs before x from the pass's state, and stores the last inputs of x there; undefined without a state.
  Tensor past(const Tensor& x, Pass& pass) const;

  Tensor weight, bias;
  size_t slot = 0;
};

}  // namespace lvm

// A short causal convolution of every channel alone.
//
//   y_t = Σ_j w[:, K−1−j] x_{t−j} + b        zeros before the start
//
// shapes  [batch, time, channels] -> the same; weight [channels, 1, K]
// state   the last K − 1 inputs
// source  torch.nn.Conv1d with groups = channels, padded on the left; parity: hyena, mamba2, hybrid

#include "../kernels/causal-conv.h"
#include "op-table.h"

namespace lvm {
namespace {

struct Conv final : Layer {
  Conv(const Node& node, Builder& b) : conv(b, "", node.integer("channels"), node.integer("kernel")) {}
  bool mixes() const override { return true; }
  Tensor forward(const Tensor& x, Pass& pass) override {
    const auto needed = conv.weight.size(2);
    if (!pass.last_only) return conv(x, pass);
    return last_position(conv(pass.state || x.size(1) <= needed ? x : x.narrow(1, x.size(1) - needed, needed), pass));
  }
  CausalConv conv;
};

}  // namespace

Made make_conv(const Node& node, Builder& b) { return std::make_unique<Conv>(node, b); }

}  // namespace lvm

// A short causal convolution of every channel alone.
//
//   y_t = Σ_j w[:, K−1−j] x_{t−j} + b        zeros before the start
//
// shapes  [batch, time, channels] -> the same; weight [channels, 1, K]
// state   the last K − 1 inputs
// source  torch.nn.Conv1d with groups = channels, padded on the left; parity: hyena, mamba2, hybrid

#include "causal-conv.h"

#include "ops.h"

namespace lvm {

CausalConv::CausalConv(Builder& b, const std::string& prefix, int64_t channels, int64_t kernel) : slot(b.slot()) {
  const auto init = uniform(1 / std::sqrt(double(kernel)));
  weight = b.parameter(prefix + "weight", {channels, 1, kernel}, init);
  bias = b.parameter(prefix + "bias", {channels}, init);
}

Tensor CausalConv::operator()(const Tensor& x, Pass& pass) const {
  const auto taps = weight.size(2), before = taps - 1, time = x.size(1);
  Tensor past = x.new_zeros({x.size(0), before, x.size(2)});
  if (pass.state) {
    auto& kept = pass.state->slots.at(slot);
    if (!kept.empty()) past = kept[0];
    kept = {torch::cat({past, x}, 1).narrow(1, time, before).contiguous()};
  }
  const auto padded = torch::cat({past, x}, 1);
  // Taps as scaled shifts: at contexts this short a convolution kernel costs more than it saves.
  auto y = bias.to(x.scalar_type()).expand_as(x);
  for (int64_t j = 0; j < taps; ++j)
    y = torch::addcmul(y, padded.narrow(1, j, time), weight.select(2, j).select(1, 0).to(x.scalar_type()));
  return y;
}

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

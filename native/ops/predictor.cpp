// What all predictors share around their trunk.
//
//   u = inputScale(x)      h = trunk(u)[last]      raw = head(h) + a · anchor(x)      prediction = raw / |raw|
//   inputScale  none: x · sqrt_dim: x √dim · standardize: (x − center) / scale, both fitted on the training set
//   anchor      none · last: x_t · mean: the mean of x_1 … x_t; a is learned from 1, and the head starts at zero
//
// shapes  x [batch, time, dim] -> raw [batch, time or 1, dim]
// source  own; the wrapper of architectures.md §0

#include "ops.h"

namespace lvm {
namespace {

struct Predictor final : Layer {
  Predictor(const Node& node, Builder& b) : anchor(node.text("residual")), input_scale(node.text("inputScale")) {
    const auto dim = node.integer("dim");
    root_dim = std::sqrt(double(dim));
    if (input_scale == "standardize") {
      center = b.buffer("input.center", torch::zeros(dim));
      scale = b.buffer("input.scale", torch::ones(dim));
    }
    trunk = b.build(node.of.at(0));
    head = b.build(node.of.at(1));
    if (anchor != "none") weight = b.parameter("residual.weight", {1}, constant(1));
    if (anchor == "mean") slot = b.slot();
  }
  bool mixes() const override { return true; }

  Tensor forward(const Tensor& x, Pass& pass) override {
    auto hidden = (*trunk)(scaled(x), pass);
    if (pass.last_only && hidden.size(1) > 1) hidden = last_position(hidden);
    const auto raw = (*head)(hidden, pass);
    if (anchor == "none") return raw;
    const auto base = anchor == "mean" ? running_mean(x, pass) : x;
    return raw + weight * (pass.last_only ? last_position(base) : base);
  }

  Tensor scaled(const Tensor& x) const {
    if (input_scale == "sqrt_dim") return x * root_dim;
    if (input_scale == "standardize") return (x - center) / scale;
    return x;
  }

  // [batch, time, dim], or [batch, 1, dim] when only the last is read
  Tensor running_mean(const Tensor& x, Pass& pass) const {
    if (!pass.state && pass.last_only) return x.mean(1, true);
    auto sum = x.cumsum(1);
    auto count = torch::arange(1, x.size(1) + 1, x.options());
    if (pass.state) {
      auto& kept = pass.state->slots.at(slot);
      if (!kept.empty()) sum = sum + kept[0];
      count = count + double(pass.state->position);
      kept = {last_position(sum)};
    }
    return sum / count.view({1, -1, 1});
  }

  std::string anchor, input_scale;
  double root_dim;
  Tensor center, scale, weight;
  size_t slot = 0;
  Made trunk, head;
};

}  // namespace

Made make_predictor(const Node& node, Builder& b) { return std::make_unique<Predictor>(node, b); }

}  // namespace lvm

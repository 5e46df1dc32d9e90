// The wrapper of every model: input scale, trunk, head, residual to the context.
//
//   u = inputScale(x)      h = trunk(u)[last]      raw = head(h) + a · anchor(x)      prediction = raw / |raw|
//   inputScale  none: x · sqrt_dim: x √dim · standardize: (x − center) / scale · whiten: (x − center) W; center, scale and W are
//               fitted on the training set
//   anchor      none · last: x_t · mean: the mean of x_1 … x_t · decay: Σ λᵗ⁻ⁱ xᵢ / Σ λᵗ⁻ⁱ with λ = σ(θ) learned from .8;
//               a is learned from 1, and the head starts at zero · memory: raw = head(h) / √dim + a third part, which reads x and
//               h
//
// shapes  x [batch, time, dim] -> raw [batch, time or 1, dim]
// source  own

#include "../kernels/at-least-float32.h"
#include "../kernels/batch-part.h"
#include "../kernels/exponential-scan.h"

#include "op-table.h"

namespace lvm {
namespace {

struct Predictor final : Layer {
  Predictor(const Node& node, Builder& b)
      : anchor(node.word("residual", {"none", "last", "mean", "decay", "memory"})),
        input_scale(node.word("inputScale", {"none", "sqrt_dim", "standardize", "whiten"})) {
    if (node.of.size() != (anchor == "memory" ? 3 : 2)) {
      throw Error("BAD_SPEC", std::string("predictor: expected a trunk and a head") +
                                (anchor == "memory" ? " and a memory" : "") + " but received " + std::to_string(node.of.size()) +
                                " parts");
    }
    node.word("output", {"raw", "unit"});
    const auto dim = node.integer("dim");
    root_dim = std::sqrt(double(dim));
    if (input_scale == "standardize" || input_scale == "whiten") center = b.buffer("input.center", torch::zeros(dim));
    if (input_scale == "standardize") scale = b.buffer("input.scale", torch::ones(dim));
    if (input_scale == "whiten") whitening = b.buffer("input.whitening", torch::eye(dim));
    trunk = b.build(node.of.at(0));
    head = b.build(node.of.at(1));
    if (anchor == "memory") memory = b.build(node.of.at(2));
    else if (anchor != "none") weight = b.parameter("residual.weight", {1}, constant(1));
    if (anchor == "decay") decay = b.parameter("residual.decay", {1}, constant(std::log(0.8 / 0.2)));
    if (anchor == "mean" || anchor == "decay") slot = b.slot();
  }
  bool mixes() const override { return true; }

  Tensor forward(const Tensor& x, Pass& pass) override {
    auto hidden = (*trunk)(scaled(x), pass);
    if (pass.last_only && hidden.size(1) > 1) hidden = last_position(hidden);
    const auto features = hidden;
    const auto outputs = current_parts().outputs;
    const WithParts parts(pass.places ? Parts{outputs, outputs} : current_parts());
    if (pass.places) hidden = pass.places->of(hidden);
    const auto raw = (*head)(hidden, pass);
    if (anchor == "none") return raw;
    const auto needed = [&](const Tensor& base) {
      return pass.places ? pass.places->of(base) : pass.last_only && base.size(1) > 1 ? last_position(base) : base;
    };
    if (anchor == "memory") {
      pass.features = features;
      return raw / root_dim + needed((*memory)(x, pass));
    }
    return raw + weight * needed(anchor == "last" ? x : mean(x, pass));
  }

  Tensor scaled(const Tensor& x) const {
    if (input_scale == "sqrt_dim") return x * root_dim;
    if (input_scale == "standardize") return (x - center) / scale;
    if (input_scale == "whiten") return torch::matmul(x - center, whitening);
    return x;
  }

  Tensor mean(const Tensor& x, Pass& pass) const {
    const auto rate = anchor == "decay" ? torch::sigmoid(wide(decay)) : torch::ones({1}, x.options());
    return exponential_mean(x, rate, pass.last_only, pass.state ? &pass.state->slots.at(slot) : nullptr);
  }

  std::string anchor, input_scale;
  double root_dim;
  Tensor center, scale, whitening, weight, decay;
  size_t slot = 0;
  Made trunk, head, memory;
};

}  // namespace

Made make_predictor(const Node& node, Builder& b) { return std::make_unique<Predictor>(node, b); }

}  // namespace lvm

// The wrapper of every model: input scale, trunk, head, residual to the context.
//
//   u = inputScale(x)      h = trunk(u)[last]      raw = head(h) + a · anchor(x)      prediction = raw / |raw|
//   inputScale  none: x · sqrt_dim: x √dim · standardize: (x − center) / scale, both fitted on the training set
//   anchor      none · last: x_t · mean: the mean of x_1 … x_t · decay: Σ λᵗ⁻ⁱ xᵢ / Σ λᵗ⁻ⁱ with λ = σ(θ) learned from .8;
//               a is learned from 1, and the head starts at zero
//
// shapes  x [batch, time, dim] -> raw [batch, time or 1, dim]
// source  own

#include "op-table.h"

namespace lvm {
namespace {

struct Predictor final : Layer {
  Predictor(const Node& node, Builder& b)
      : anchor(node.word("residual", {"none", "last", "mean", "decay"})),
        input_scale(node.word("inputScale", {"none", "sqrt_dim", "standardize"})) {
    if (node.of.size() != 2)
      throw Error("BAD_SPEC", "predictor: expected a trunk and a head but received " + std::to_string(node.of.size()) + " parts");
    node.word("output", {"raw", "unit"});
    const auto dim = node.integer("dim");
    root_dim = std::sqrt(double(dim));
    if (input_scale == "standardize") {
      center = b.buffer("input.center", torch::zeros(dim));
      scale = b.buffer("input.scale", torch::ones(dim));
    }
    trunk = b.build(node.of.at(0));
    head = b.build(node.of.at(1));
    if (anchor != "none") weight = b.parameter("residual.weight", {1}, constant(1));
    if (anchor == "decay") decay = b.parameter("residual.decay", {1}, constant(std::log(0.8 / 0.2)));
    if (anchor == "mean" || anchor == "decay") slot = b.slot();
  }
  bool mixes() const override { return true; }

  Tensor forward(const Tensor& x, Pass& pass) override {
    auto hidden = (*trunk)(scaled(x), pass);
    if (pass.last_only && hidden.size(1) > 1) hidden = last_position(hidden);
    const auto raw = (*head)(hidden, pass);
    if (anchor == "none") return raw;
    const auto base =
      anchor == "last" ? x : weighted_mean(x, anchor == "decay" ? torch::sigmoid(decay) : torch::ones({1}, x.options()), pass);
    return raw + weight * (pass.last_only ? last_position(base) : base);
  }

  Tensor scaled(const Tensor& x) const {
    if (input_scale == "sqrt_dim") return x * root_dim;
    if (input_scale == "standardize") return (x - center) / scale;
    return x;
  }

  // Mean of all positions up to each, with weight rate^age.
  // Shapes: [batch, time, dim], or [batch, 1, dim] with last_only
  Tensor weighted_mean(const Tensor& x, const Tensor& rate, Pass& pass) const {
    const auto time = x.size(1);
    const auto age = torch::arange(time, x.options());
    if (!pass.state && pass.last_only) {
      const auto weights = rate.pow(age.flip(0));
      return torch::matmul((weights / weights.sum()).unsqueeze(0), x);  // [1, time] · [batch, time, dim]
    }
    // Computes in blocks and carries sums from one to the next, so no table is quadratic in the number of positions.
    constexpr int64_t block = 128;
    auto* kept = pass.state ? &pass.state->slots.at(slot) : nullptr;
    Tensor sum, total;
    if (kept && !kept->empty()) sum = (*kept)[0], total = (*kept)[1];
    std::vector<Tensor> means;
    for (int64_t from = 0; from < time; from += block) {
      const auto n = std::min(block, time - from);
      const auto since = age.narrow(0, 0, n);
      const auto weights = rate.pow((since.unsqueeze(1) - since).clamp_min(0)).tril();  // [n, n]
      auto sums = torch::matmul(weights, x.narrow(1, from, n)), totals = weights.sum(1, true);
      if (sum.defined()) {
        const auto faded = rate.pow(since + 1).unsqueeze(1);
        sums = sums + faded * sum, totals = totals + faded * total;
      }
      sum = last_position(sums), total = totals.narrow(0, n - 1, 1);
      means.push_back(sums / totals);
    }
    if (kept) *kept = {sum, total};
    return means.size() == 1 ? means.front() : torch::cat(means, 1);
  }

  std::string anchor, input_scale;
  double root_dim;
  Tensor center, scale, weight, decay;
  size_t slot = 0;
  Made trunk, head;
};

}  // namespace

Made make_predictor(const Node& node, Builder& b) { return std::make_unique<Predictor>(node, b); }

}  // namespace lvm

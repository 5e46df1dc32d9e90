// The Hyena operator: alternates gates with convolutions as long as the context; the input holds order + 1 parts side by side.
//
//   [x_0 x_1 … v] = u;   for x_i from the last to x_1: v = k_i * (v · x_i) + D_i (v · x_i);   y = v · x_0
//   k = MLP(z[:time]) · exp(−t |δ|):   three layers h = sin(freq (W h + b)) with one freq, then W_6 h without bias
//   z = [t, cos(f w), −sin(f w)], t from 0 to 1 over all rows, w = 2π n / rows, bands f = 1e-4 …;  δ = ln .01/1.5 … ln .01/.3
//
// The filters do not depend on the input. They are computed once per forward pass, in float32 or float64.
//
// shapes  [batch, time, (order + 1) d] -> [batch, time, d]; z [1, rows, 2 bands + 1], W [width, ·], W_6 [(order − 1) d, width]
// state   the filters, and all inputs of the convolutions so far: no state of fixed size is exact
// init    weights N(0, 0.02), biases 0, freq as given, D N(0, 1)
// errors  BAD_ARGUMENT when a context is longer than the number of rows
// source  Poli et al. 2023, arXiv:2302.10866; parity: hyena, hyena_order3

#include "../kernels/at-least-float32.h"
#include "../kernels/long-conv.h"
#include "op-table.h"

#include <ATen/autocast_mode.h>

#include <numbers>

namespace lvm {
namespace {

Init copy_of(const Tensor& value) {
  return [=](Tensor& t, at::Generator) { t.copy_(value); };
}

// Features of every position. Shapes: -> [1, rows, 2 bands + 1]
Tensor features(int64_t rows, int64_t bands) {
  const auto t = torch::linspace(0, 1, rows).unsqueeze(-1);
  const auto w = 2 * std::numbers::pi * torch::linspace(0, double(rows - 1), rows).unsqueeze(-1) / double(rows);
  const auto angle = torch::linspace(1e-4, double(bands - 1), bands) * w;
  return torch::cat({t, angle.cos(), -angle.sin()}, -1).unsqueeze(0);
}

struct Hyena final : Layer {
  Hyena(const Node& node, Builder& b)
      : dim(node.integer("dim")),
        order(node.integer("order")),
        rows(node.integer("rows")),
        modulate(node.flag("modulate")),
        slot(b.slot()) {
    if (order < 2) throw Error("BAD_SPEC", "hyena: expected an order of at least 2 but received " + std::to_string(order));
    const auto filters = (order - 1) * dim, width = node.integer("width"), bands = node.integer("bands");
    const Traits filter{false, 1e-3};
    skip = b.parameter("bias", {filters}, normal(1));
    z = b.parameter("pos_emb.z", {1, rows, 2 * bands + 1}, copy_of(features(rows, bands)), {false, 1e-5});
    t = b.buffer("pos_emb.t", torch::linspace(0, 1, rows).view({1, rows, 1}));
    for (int64_t i = 0; i < 3; ++i) {
      const auto name = "implicit_filter." + std::to_string(2 * i) + ".";
      weights.push_back(b.parameter(name + "weight", {width, i == 0 ? 2 * bands + 1 : width}, normal(0.02), filter));
      biases.push_back(b.parameter(name + "bias", {width}, constant(0), filter));
      if (i == 0) freq = b.parameter("implicit_filter.1.freq", {1, width}, constant(node.real("frequency")), filter);
    }
    last = b.parameter("implicit_filter.6.weight", {filters, width}, normal(0.02), filter);
    const auto slowest = std::log(0.01) / 1.5, fastest = std::log(0.01) / 0.3;
    deltas = b.buffer("modulation.deltas", torch::linspace(slowest, fastest, filters).view({1, 1, filters}));
  }
  bool mixes() const override { return true; }

  Tensor forward(const Tensor& u, Pass& pass) override {
    c10::impl::ExcludeDispatchKeyGuard no_autocast(c10::autocast_dispatch_keyset);
    const auto type = wide(u.scalar_type());
    const auto first = pass.state ? pass.state->position : 0, time = u.size(1);
    if (first + time > rows) {
      const auto needed = std::to_string(first + time);
      throw Error("BAD_ARGUMENT", "predict: expected at most " + std::to_string(rows) +
                                    " positions, for which this model has filters, but received " + needed +
                                    "; train one with \"positions\" " + needed);
    }
    const auto x = u.to(type).split(dim, -1);
    const auto gate = pass.last_only ? last_position(x[0]) : x[0];
    return ((pass.state ? continued(x, type, pass) : convolved(x, type, pass)) * gate).to(u.scalar_type());
  }

  Tensor convolved(const std::vector<Tensor>& x, torch::Dtype type, const Pass& pass) const {
    const auto k = taps(x[0].size(1), type);
    auto v = x.back();
    for (auto i = order - 1; i >= 1; --i)
      v = long_conv(v * x[size_t(i)], k.narrow(1, (order - 1 - i) * dim, dim), pass.last_only && i == 1);
    return v;
  }

  // Appends to the inputs of earlier calls. Filters are computed for twice the positions, so that they are seldom computed again.
  Tensor continued(const std::vector<Tensor>& x, torch::Dtype type, Pass& pass) const {
    auto& kept = pass.state->slots.at(slot);
    const auto time = x[0].size(1), all = pass.state->position + time;
    if (kept.empty()) kept.resize(size_t(order));
    if (!kept[0].defined() || kept[0].size(0) < all) kept[0] = taps(std::min(rows, std::max<int64_t>(64, 2 * all)), type);
    const auto k = kept[0].narrow(0, 0, all);
    auto v = x.back();
    for (auto i = order - 1; i >= 1; --i) {
      auto& seen = kept[size_t(i)];
      seen = seen.defined() ? torch::cat({seen, v * x[size_t(i)]}, 1) : v * x[size_t(i)];
      v = long_conv(seen, k.narrow(1, (order - 1 - i) * dim, dim), time == 1).narrow(1, time == 1 ? 0 : all - time, time);
    }
    return pass.last_only ? last_position(v) : v;
  }

  // Filters of every order, with D added to their first tap.
  // Shapes: -> [time, (order − 1) dim]
  Tensor taps(int64_t time, torch::Dtype type) const {
    auto h = z[0].narrow(0, 0, time).to(type);
    for (size_t i = 0; i < weights.size(); ++i)
      h = torch::sin(freq.to(type) * torch::addmm(biases[i].to(type), h, weights[i].to(type).t()));
    h = torch::matmul(h, last.to(type).t());
    if (modulate) h = h * torch::exp(-t[0].narrow(0, 0, time).to(type) * deltas[0].to(type).abs());
    return torch::cat({h.narrow(0, 0, 1) + skip.to(type), h.narrow(0, 1, time - 1)});
  }

  int64_t dim, order, rows;
  bool modulate;
  size_t slot;
  Tensor skip, z, t, freq, last, deltas;
  std::vector<Tensor> weights, biases;
};

}  // namespace

Made make_hyena(const Node& node, Builder& b) { return std::make_unique<Hyena>(node, b); }

}  // namespace lvm

// Attention by positive random features (FAVOR+); the input holds queries, keys and values side by side.
//
//   [q k v] = x, by heads      q, k = rotated by position, in pairs of channels
//   y_t = Σ_s φ(q_t)·φ(k_s) v_s / Σ_s φ(q_t)·φ(k_s)        over s ≤ t when causal; φ is defined in favor-forms.h
//   W in φ: blocks of orthonormal rows, each scaled to the length of a normal vector; redrawn on request while training
//
// All keys share one stabiliser M, so through ε a key changes earlier outputs, by 1e-5 of their size. A stepper knows only the
// keys so far; it equals the whole form over those keys.
//
// shapes  [batch, time, 3 heads e] -> [batch, time, heads e]; projection_matrix [features, e], a buffer
// state   Σ exp(…) vᵀ, Σ exp(…), Σ v and the count of the keys so far, and their M
// errors  BAD_SPEC on an input of another width; BAD_ARGUMENT in a stepper when not causal
// source  Choromanski et al. 2020, arXiv:2009.14794 §2.3–2.4; parity: performer, performer_noncausal

#include "../kernels/at-least-float32.h"
#include "../kernels/favor-forms.h"
#include "../random.h"
#include "op-table.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/autocast_mode.h>

namespace lvm {
namespace {

constexpr int64_t short_context = 32;

void draw(Tensor& w, at::Generator g) {
  const auto m = w.size(0), e = w.size(1);
  std::vector<Tensor> blocks;
  for (int64_t at = 0; at < m; at += e) {
    const auto q = std::get<0>(torch::linalg_qr(torch::empty({e, e}).normal_(0, 1, g)));
    blocks.push_back(q.t().narrow(0, 0, std::min(e, m - at)));
  }
  const auto lengths = torch::empty({m, e}).normal_(0, 1, g).norm(2, 1, true);
  w.copy_(torch::cat(blocks) * lengths);
}

struct Favor final : Layer {
  Favor(const Node& node, Builder& b)
      : heads(node.integer("heads")),
        e(node.integer("channels")),
        causal(node.flag("causal")),
        slot(b.slot()),
        table(rotary_rates(e)),
        projection(b.buffer("projection_matrix", {node.integer("features"), e}, draw)) {}
  bool mixes() const override { return true; }

  Tensor forward(const Tensor& x, Pass& pass) override {
    if (x.size(2) != 3 * heads * e) {
      throw Error("BAD_SPEC", "favor: expected an input of " + std::to_string(3 * heads * e) + " channels but received " +
                                std::to_string(x.size(2)));
    }
    const c10::impl::ExcludeDispatchKeyGuard no_autocast(c10::autocast_dispatch_keyset);
    if (pass.redraw) redraw(pass.random);
    const auto input = wide(x), w = projection.to(input.scalar_type());
    const auto by = table.at(pass.state ? pass.state->position : 0, x.size(1), x.device());
    if (!pass.state && x.is_cpu() && x.size(1) <= short_context)
      return favor_by_pairs(input, w, by, heads, causal, pass.last_only).to(x.scalar_type());

    const auto parts = input.unflatten(-1, {3, heads, e}).permute({2, 0, 3, 1, 4});  // [3, batch, heads, time, e]
    auto q = rotate(parts[0], by, Turn::pairs);
    const auto k = rotate(parts[1], by, Turn::pairs);
    Tensor y;
    if (pass.state) {
      y = stepped(q, k, parts[2], w, pass.state->slots.at(slot));
    } else {
      if (pass.last_only) q = last_row(q);
      y = favor_by_chunks(q, k, parts[2], w, causal);
    }
    y = y.transpose(1, 2).flatten(2).to(x.scalar_type());
    return pass.last_only ? last_position(y) : y;
  }

  static Tensor last_row(const Tensor& x) { return x.narrow(2, x.size(2) - 1, 1); }

  // A pure function of seed and step, so a resumed run draws the same features.
  void redraw(const Random& random) {
    const torch::NoGradGuard no_grad;
    const auto moment = (random.step << 16) + (random.calls >> 16);  // step, and batch within it
    auto fresh = torch::empty({projection.size(0), e});
    draw(fresh, at::detail::createCPUGenerator(mixed(mixed(random.seed, uint64_t(slot)), moment)));
    projection.copy_(fresh);
  }

  // Rescales the sums over keys whenever a key raises M.
  Tensor stepped(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& w, std::vector<Tensor>& kept) const {
    if (!causal) throw Error("BAD_ARGUMENT", "stepper: expected a causal model but here every position sees the whole context");
    const auto m = w.size(0);
    const auto s = std::pow(double(e), -0.25), c = std::pow(double(m), -0.5);
    if (kept.empty()) {
      const auto zeros = [&](std::initializer_list<int64_t> tail) {
        std::vector<int64_t> shape{q.size(0), heads};
        shape.insert(shape.end(), tail);
        return q.new_zeros(shape);
      };
      kept = {zeros({m, e + 1}), zeros({1, e + 1}), zeros({1, 1}) - std::numeric_limits<double>::infinity()};
    }
    const auto exponents = [&](const Tensor& x) { return torch::matmul(x * s, w.t()) - x.square().sum(-1, true) * (s * s / 2); };
    std::vector<Tensor> out;
    for (int64_t t = 0; t < q.size(2); ++t) {
      const auto qt = q.narrow(2, t, 1), kt = k.narrow(2, t, 1), vt = v.narrow(2, t, 1);
      const auto values = torch::cat({vt, torch::ones_like(vt.narrow(-1, 0, 1))}, -1);
      const auto top = torch::maximum(kept[2], torch::matmul(kt * s, w.t()).amax(-1, true));
      const auto key = (exponents(kt) - top).exp();
      const auto scaled = kept[0] * (kept[2] - top).exp() + torch::matmul(key.transpose(-1, -2), values);
      kept = {scaled, kept[1] + values, top};
      const auto query = ((exponents(qt) - torch::matmul(qt * s, w.t()).amax(-1, true)).exp() + feature_floor) * c;
      const auto total = query.sum(-1, true);
      const auto y = (torch::matmul(query, kept[0]) + total * feature_floor * kept[1]) * c;
      out.push_back(y.narrow(-1, 0, e) / (y.narrow(-1, e, 1) + total * denominator_floor));
    }
    return torch::cat(out, 2);
  }

  int64_t heads, e;
  bool causal;
  size_t slot;
  AngleTable table;
  Tensor projection;
};

}  // namespace

Made make_favor(const Node& node, Builder& b) { return std::make_unique<Favor>(node, b); }

}  // namespace lvm

// The mixer of Mamba-2: a gated state space with one decay per head.
//
//   [z x b c dt] = W_in n                              [x b c] = silu(causal convolution of [x b c])
//   dt = softplus(dt + dt_bias)      a = −exp(A_log)   S_t = exp(a dt_t) S_{t−1} + dt_t x_t b_tᵀ      y_t = S_t c_t + D x_t
//   out = W_out (rms(y silu(z)) w)                     eps 1e-5
//
// shapes  n [batch, time, dim] -> [batch, time, dim]; in_proj [2 inner + 2 state + heads, dim], heads = inner / headDim
// state   the last K − 1 inputs of the convolution, and S [batch, heads, headDim, state]
// forms   pairs of positions for short contexts; chunks for long ones, which the backward pass computes again
// init    dt_bias = softplus⁻¹(exp(U(ln .001, ln .1))), A_log = ln U(1, 16), D 1, in_proj default, out_proj U(±gain/√inner);
//         dt_bias, A_log and D without weight decay
// errors  BAD_SPEC when headDim does not divide inner
// source  Dao & Gu 2024, arXiv:2405.21060 §6–7; parity: mamba2, hybrid

#include "../kernels/at-least-float32.h"
#include "../kernels/causal-conv.h"
#include "../kernels/mamba2-short.h"
#include "../kernels/multiply.h"
#include "../kernels/recompute.h"
#include "../kernels/root-mean-square.h"
#include "../kernels/ssd-step.h"
#include "op-table.h"

namespace lvm {
namespace {

constexpr int64_t short_context = 64;

void draw_dt_bias(Tensor& t, at::Generator g) {
  const auto dt = t.uniform_(std::log(1e-3), std::log(1e-1), g).exp();
  t.copy_(dt + torch::log(-torch::expm1(-dt)));
}
void draw_a_log(Tensor& t, at::Generator g) { t.uniform_(1, 16, g).log_(); }

struct Mamba2 final : Layer {
  Mamba2(const Node& node, Builder& b)
      : inner(node.integer("inner")), state(node.integer("state")), width(node.integer("headDim")), slot(b.slot()) {
    if (inner % width != 0)
      throw Error("BAD_SPEC",
                  "mamba2: expected a headDim that divides " + std::to_string(inner) + " but received " + std::to_string(width));
    const auto dim = node.integer("dim"), heads = inner / width;
    const Traits kept{.decay = false};
    weights.dt_bias = b.parameter("dt_bias", {heads}, draw_dt_bias, kept);
    weights.a_log = b.parameter("A_log", {heads}, draw_a_log, kept);
    weights.skip = b.parameter("D", {heads}, constant(1), kept);
    in_weight = b.matrix("in_proj.weight", {2 * inner + 2 * state + heads, dim}, uniform(1 / std::sqrt(double(dim))));
    conv = CausalConv(b, "conv1d.", inner + 2 * state, node.integer("kernel"));
    weights.taps = conv.weight, weights.bias = conv.bias;
    weights.norm = b.parameter("norm.weight", {inner}, constant(1));
    out_weight = b.matrix("out_proj.weight", {dim, inner}, uniform(node.real("gain") / std::sqrt(double(inner))));
  }
  bool mixes() const override { return true; }

  Tensor forward(const Tensor& x, Pass& pass) override {
    const auto u = multiply(x, *in_weight, {});
    return multiply(mixed(u, pass), *out_weight, {});
  }

  Tensor mixed(const Tensor& u, Pass& pass) const {
    if (pass.state) return in_chunks(u, weights, pass);
    if (u.is_cpu() && u.size(1) <= short_context) return mix_short_context(u, weights, pass.last_only);
    const auto again = [this, last_only = pass.last_only](const auto& v) {
      Pass alone;
      alone.last_only = last_only;
      return in_chunks(v[0], {v[1], v[2], v[3], v[4], v[5], v[6]}, alone);
    };
    const auto& w = weights;
    return recomputed(again, {u, w.taps, w.bias, w.dt_bias, w.a_log, w.skip, w.norm});
  }

  Tensor in_chunks(const Tensor& u, const MixerWeights& w, Pass& pass) const {
    const c10::impl::ExcludeDispatchKeyGuard no_autocast(c10::autocast_dispatch_keyset);
    const auto heads = inner / width;
    const auto parts = wide(u).split_with_sizes({inner, inner + 2 * state, heads}, -1);
    const auto active = torch::silu(causal_conv(parts[1], conv.past(parts[1], pass), wide(w.taps), wide(w.bias)));
    const auto xbc = active.split_with_sizes({inner, state, state}, -1);
    const auto x = xbc[0].unflatten(-1, {heads, width});
    const auto dt = torch::softplus(parts[2] + wide(w.dt_bias));

    auto* kept = pass.state ? &pass.state->slots.at(slot) : nullptr;
    const auto scan = kept && is_single_step(x) ? ssd_step : ssd;
    const auto [y, after] =
      scan(x, dt, dt * -wide(w.a_log).exp(), xbc[1], xbc[2], kept && !kept->empty() ? kept->front() : Tensor());
    if (kept) *kept = {after};

    const auto only = [&](const Tensor& t) { return pass.last_only ? last_position(t) : t; };
    const auto out = (only(y) + only(x) * wide(w.skip).unsqueeze(-1)).flatten(2) * torch::silu(only(parts[0]));
    return rms_norm(out, w.norm, 1e-5).to(u.scalar_type());
  }

  int64_t inner, state, width;
  size_t slot;
  MixerWeights weights;
  CausalConv conv;
  Weight in_weight, out_weight;
};

}  // namespace

Made make_mamba2(const Node& node, Builder& b) { return std::make_unique<Mamba2>(node, b); }

}  // namespace lvm

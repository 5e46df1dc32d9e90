// The mixing over time of an RWKV-4 block. Each position is mixed with the one before: mix(m) = n m + shift(n) (1 − m).
//
//   k, v = W_k mix(m_k), W_v mix(m_v)      r = W_r mix(m_r)      y = W_o (σ(r) wkv(k, v))
//
// shapes  n [batch, time, dim] -> [batch, time, dim]
// state   the last n; p, q, o of wkv
// init    time_* by layer and channel as below; W_v orthogonal, the other products zero
// source  Peng et al. 2023, arXiv:2305.13048 §3; parity: rwkv

#include "../kernels/multiply.h"
#include "../kernels/rwkv-mix.h"
#include "../kernels/token-shift.h"
#include "../kernels/wkv.h"
#include "op-table.h"

namespace lvm {
namespace {

struct TimeMixing final : Layer {
  TimeMixing(const Node& node, Builder& b) : shift(b.slot()), sums(b.slot()) {
    const auto dim = node.integer("dim"), layer = node.integer("layer") - 1, layers = node.integer("layers");
    const auto rise = layers > 1 ? double(layer) / double(layers - 1) : 0.0, fall = 1 - double(layer) / double(layers);
    decay = b.parameter("time_decay", {dim}, by_channel([=](int64_t c) {
                          return -5 + 8 * std::pow(double(c) / double(std::max<int64_t>(dim - 1, 1)), 0.7 + 1.3 * rise);
                        }));
    first = b.parameter("time_first", {dim}, by_channel([](int64_t c) { return std::log(0.3) + 0.5 * double((c + 1) % 3 - 1); }));
    mix_k = b.parameter("time_mix_k", {1, 1, dim}, mix_init(dim, fall));
    mix_v = b.parameter("time_mix_v", {1, 1, dim}, mix_init(dim, fall, 0.3 * rise));
    mix_r = b.parameter("time_mix_r", {1, 1, dim}, mix_init(dim, 0.5 * fall));
    key = b.matrix("key.weight", {dim, dim}, constant(0));
    value = b.matrix("value.weight", {dim, dim}, orthogonal(1));
    receptance = b.matrix("receptance.weight", {dim, dim}, constant(0));
    output = b.matrix("output.weight", {dim, dim}, constant(0));
  }
  bool mixes() const override { return true; }

  Tensor forward(const Tensor& x, Pass& pass) override {
    const auto from = pass.last_only ? x.size(1) - 1 : 0;
    const auto kvr = shifted_products(x, row_before(x, pass, shift), {{mix_k, key}, {mix_v, value}, {mix_r, receptance, from}});
    const auto y = pass.state ? wkv_steps(kvr[0], kvr[1], kvr[2], decay, first, pass.state->slots.at(sums))
                              : wkv(kvr[0], kvr[1], kvr[2], decay, first);
    return multiply(y, *output, {});
  }

  size_t shift, sums;
  Tensor decay, first, mix_k, mix_v, mix_r;
  Weight key, value, receptance, output;
};

}  // namespace

Made make_time_mixing(const Node& node, Builder& b) { return std::make_unique<TimeMixing>(node, b); }

}  // namespace lvm

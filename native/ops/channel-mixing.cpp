// The mixing over channels of an RWKV-4 block. Each position is mixed with the one before: mix(m) = n m + shift(n) (1 − m).
//
//   y = σ(W_r mix(m_r)) · W_v relu(W_k mix(m_k))²
//
// shapes  n [batch, time, dim] -> [batch, time, dim]; key [hidden, dim]
// state   the last n
// init    time_* by layer and channel as below; W_k orthogonal times √(hidden / dim), the other products zero
// source  Peng et al. 2023, arXiv:2305.13048 §3; parity: rwkv

#include "../kernels/multiply.h"
#include "../kernels/rwkv-mix.h"
#include "../kernels/sigmoid-gate.h"
#include "../kernels/token-shift.h"
#include "op-table.h"

namespace lvm {
namespace {

struct ChannelMixing final : Layer {
  ChannelMixing(const Node& node, Builder& b) : shift(b.slot()) {
    const auto dim = node.integer("dim"), hidden = node.integer("hidden");
    const auto fall = 1 - double(node.integer("layer") - 1) / double(node.integer("layers"));
    mix_k = b.parameter("time_mix_k", {1, 1, dim}, mix_init(dim, fall));
    mix_r = b.parameter("time_mix_r", {1, 1, dim}, mix_init(dim, fall));
    key = b.matrix("key.weight", {hidden, dim}, orthogonal(std::sqrt(std::max(1.0, double(hidden) / double(dim)))));
    receptance = b.matrix("receptance.weight", {dim, dim}, constant(0));
    value = b.matrix("value.weight", {dim, hidden}, constant(0));
  }
  bool mixes() const override { return true; }

  Tensor forward(const Tensor& x, Pass& pass) override {
    const auto from = pass.last_only ? x.size(1) - 1 : 0;
    const auto kr = shifted_products(x, row_before(x, pass, shift), {{mix_k, key, from}, {mix_r, receptance, from}});
    return gated(kr[1], multiply(squared_relu(kr[0]), *value, {}));
  }

  size_t shift;
  Tensor mix_k, mix_r;
  Weight key, receptance, value;
};

}  // namespace

Made make_channel_mixing(const Node& node, Builder& b) { return std::make_unique<ChannelMixing>(node, b); }

}  // namespace lvm

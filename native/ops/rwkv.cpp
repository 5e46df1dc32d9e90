// The two layers of an RWKV-4 block. Both see each position mixed with the one before: mix(m) = n m + shift(n) (1 − m).
//
//   timeMixing     k, v = W_k mix(m_k), W_v mix(m_v)      r = W_r mix(m_r)      y = W_o (σ(r) wkv(k, v))
//   channelMixing  y = σ(W_r mix(m_r)) · W_v relu(W_k mix(m_k))²
//
// shapes  [batch, time, dim] -> [batch, time, dim]; key of channelMixing [hidden, dim]
// state   the last n of each layer; p, q, o of wkv
// init    time_* by layer and channel as below; W_v of timeMixing orthogonal, W_k of channelMixing orthogonal times
//         √(hidden / dim), all other products zero
// source  Peng et al. 2023, arXiv:2305.13048 §3; parity: rwkv

#include "gated.h"
#include "multiply.h"
#include "ops.h"
#include "token-shift.h"
#include "wkv.h"

namespace lvm {
namespace {

// A value for every channel, the same whatever the seed.
Init by_channel(const std::function<double(int64_t)>& value) {
  return [=](Tensor& t, at::Generator) {
    std::vector<double> values;
    for (int64_t c = 0; c < t.numel(); ++c) values.push_back(value(c));
    t.copy_(torch::tensor(values, torch::kFloat64).view(t.sizes()));
  };
}

// The share of the present in a mixture: (c / d)^power + more.
Init mix_init(int64_t dim, double power, double more = 0) {
  return by_channel([=](int64_t c) { return std::pow(double(c) / double(dim), power) + more; });
}

// What a layer remembers of its input, and remembers next.
Tensor row_before(const Tensor& x, Pass& pass, size_t slot) {
  if (!pass.state) return {};
  auto& kept = pass.state->slots.at(slot);
  const auto before = kept.empty() ? Tensor() : kept[0];
  kept = {x.select(1, x.size(1) - 1)};
  return before;
}

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

Made make_time_mixing(const Node& node, Builder& b) { return std::make_unique<TimeMixing>(node, b); }
Made make_channel_mixing(const Node& node, Builder& b) { return std::make_unique<ChannelMixing>(node, b); }

}  // namespace lvm

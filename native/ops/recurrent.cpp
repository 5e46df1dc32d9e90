// Recurrent layers over the whole context.
//
//   lstm  i, f, g, o = W_ih x + b_ih + W_hh h + b_hh;   c = σ(f) c + σ(i) tanh(g);   h = σ(o) tanh(c)
//         dropout on the output of every layer but the last
//   gru   r, z = σ(…);   n = tanh(W_in x + b_in + r (W_hn h + b_hn));   h = (1 − z) n + z h
//
// shapes  x [batch, time, in] -> [batch, time, width]; weights [4 width, in], [3 width, in]; state (h, c) and h from zero
// init    every tensor U(±1/√width)
// source  Hochreiter & Schmidhuber 1997; Cho et al. 2014, arXiv:1406.1078; gate order of torch.nn; parity: lstm, lstm_mlp, gru,
// gru_post

#include "dropout.h"
#include "ops.h"
#include "recurrent-kernels.h"

namespace lvm {
namespace {

RecurrentWeights recurrent_weights(Builder& b, const std::string& layer, int64_t gates, int64_t in, int64_t width) {
  const auto init = uniform(1 / std::sqrt(double(width)));
  return {b.matrix("weight_ih_" + layer, {gates * width, in}, init), b.matrix("weight_hh_" + layer, {gates * width, width}, init),
          b.parameter("bias_ih_" + layer, {gates * width}, init), b.parameter("bias_hh_" + layer, {gates * width}, init)};
}

// The kept state of a slot; nothing at the start.
std::vector<Tensor> start(Pass& pass, size_t slot) {
  if (pass.state && !pass.state->slots.at(slot).empty()) return pass.state->slots.at(slot);
  return {Tensor(), Tensor()};
}

// Our kernels compute on the CPU with weights of single or double precision; cuDNN and its like otherwise.
bool ours(const RecurrentWeights& w) {
  const auto& bias = w.input_bias;
  return bias.is_cpu() && (bias.scalar_type() == torch::kFloat32 || bias.scalar_type() == torch::kFloat64);
}
std::vector<Tensor> listed(const RecurrentWeights& w) { return {w.input->value, w.state->value, w.input_bias, w.state_bias}; }
Tensor state_or_zeros(const Tensor& h, const Tensor& x, int64_t width) {
  return h.defined() ? h.unsqueeze(0) : torch::zeros({1, x.size(1), width}, x.options());
}

struct Lstm final : Layer {
  Lstm(const Node& node, Builder& b) : width(node.integer("width")), rate(node.real("dropout")) {
    for (int64_t l = 0; l < node.integer("layers"); ++l) {
      weights.push_back(recurrent_weights(b, "l" + std::to_string(l), 4, l == 0 ? node.integer("in") : width, width));
      slots.push_back(b.slot());
    }
  }
  bool mixes() const override { return true; }

  Tensor forward(const Tensor& x, Pass& pass) override {
    auto y = x.transpose(0, 1).contiguous();  // [time, batch, in]: a step is one piece of memory
    for (size_t l = 0; l < weights.size(); ++l) {
      if (l > 0) y = dropout(y, rate, pass);
      y = layer(y, l, pass);
    }
    return pass.last_only ? y[-1].unsqueeze(1) : y.transpose(0, 1);
  }

  Tensor layer(const Tensor& x, size_t l, Pass& pass) {
    const auto before = start(pass, slots[l]);
    Tensor out, cell;
    if (ours(weights[l])) {
      const auto result = lstm_recurrence(x, before[0], before[1], weights[l]);
      out = result.out, cell = result.cell;
    } else {
      const std::vector<Tensor> state{state_or_zeros(before[0], x, width), state_or_zeros(before[1], x, width)};
      auto [y, h, c] = at::lstm(x, state, listed(weights[l]), true, 1, 0.0, pass.training, false, false);
      out = y, cell = c.squeeze(0);
    }
    if (pass.state) pass.state->slots[slots[l]] = {out[-1], cell};
    return out;
  }

  int64_t width;
  double rate;
  std::vector<RecurrentWeights> weights;
  std::vector<size_t> slots;
};

struct Gru final : Layer {
  Gru(const Node& node, Builder& b)
      : width(node.integer("width")), weights(recurrent_weights(b, "l0", 3, node.integer("in"), width)), slot(b.slot()) {}
  bool mixes() const override { return true; }

  Tensor forward(const Tensor& input, Pass& pass) override {
    const auto x = input.transpose(0, 1).contiguous();
    const auto before = start(pass, slot)[0];
    const auto out =
      ours(weights)
        ? gru_recurrence(x, before, weights)
        : std::get<0>(at::gru(x, state_or_zeros(before, x, width), listed(weights), true, 1, 0.0, pass.training, false, false));
    if (pass.state) pass.state->slots[slot] = {out[-1]};
    return pass.last_only ? out[-1].unsqueeze(1) : out.transpose(0, 1);
  }

  int64_t width;
  RecurrentWeights weights;
  size_t slot;
};

}  // namespace

Made make_lstm(const Node& node, Builder& b) { return std::make_unique<Lstm>(node, b); }
Made make_gru(const Node& node, Builder& b) { return std::make_unique<Gru>(node, b); }

}  // namespace lvm

// LSTM layers over the whole context.
//
//   i, f, g, o = W_ih x + b_ih + W_hh h + b_hh      c = σ(f) c + σ(i) tanh(g)      h = σ(o) tanh(c)
//   dropout on the output of every layer but the last
//
// shapes  x [batch, time, in] -> [batch, time, width]; weights [4 width, in] and [4 width, width]
// state   h and c of each layer, from zero
// init    every tensor U(±1/√width)
// source  Hochreiter & Schmidhuber 1997; gate order of torch.nn.LSTM; parity: lstm, lstm_mlp

#include "../kernels/packed-recurrence.h"
#include "../kernels/recurrent-weights.h"
#include "../kernels/seeded-dropout.h"
#include "op-table.h"

namespace lvm {
namespace {

struct Lstm final : Layer {
  Lstm(const Node& node, Builder& b) : width(node.integer("width")), rate(node.real("dropout")) {
    for (int64_t l = 0; l < node.integer("layers"); ++l) {
      weights.push_back(recurrent_weights(b, l, 4, l == 0 ? node.integer("in") : width, width));
      slots.push_back(b.slot());
    }
  }
  bool mixes() const override { return true; }

  Tensor forward(const Tensor& x, Pass& pass) override {
    auto y = x.transpose(0, 1).contiguous();  // [time, batch, in], so that each step is contiguous
    for (size_t l = 0; l < weights.size(); ++l) {
      if (l > 0) y = dropout(y, rate, pass, 1);
      y = layer(y, l, pass);
    }
    return pass.last_only ? y[-1].unsqueeze(1) : y.transpose(0, 1);
  }

  Tensor layer(const Tensor& x, size_t l, Pass& pass) {
    const auto before = recurrent_state(pass, slots[l]);
    Tensor out, cell;
    if (has_recurrent_kernel(weights[l])) {
      const auto result = (is_packed(weights[l]) ? packed_lstm : lstm_recurrence)(x, before[0], before[1], weights[l]);
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

}  // namespace

Made make_lstm(const Node& node, Builder& b) { return std::make_unique<Lstm>(node, b); }

}  // namespace lvm

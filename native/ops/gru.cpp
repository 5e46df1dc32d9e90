// A GRU layer over the whole context.
//
//   r, z = σ(W_i x + b_i + W_h h + b_h)      n = tanh(W_in x + b_in + r (W_hn h + b_hn))      h = (1 − z) n + z h
//
// shapes  x [batch, time, in] -> [batch, time, width]; weights [3 width, in] and [3 width, width]
// state   h, from zero
// init    every tensor U(±1/√width)
// source  Cho et al. 2014, arXiv:1406.1078; gate order of torch.nn.GRU; parity: gru, gru_post

#include "../kernels/packed-recurrence.h"
#include "../kernels/recurrent-weights.h"
#include "op-table.h"

namespace lvm {
namespace {

struct Gru final : Layer {
  Gru(const Node& node, Builder& b)
      : width(node.integer("width")), weights(recurrent_weights(b, 0, 3, node.integer("in"), width)), slot(b.slot()) {}
  bool mixes() const override { return true; }

  Tensor forward(const Tensor& input, Pass& pass) override {
    const auto x = input.transpose(0, 1).contiguous();
    const auto before = recurrent_state(pass, slot)[0];
    const auto out =
      has_recurrent_kernel(weights)
        ? (is_packed(weights) ? packed_gru : gru_recurrence)(x, before, weights)
        : std::get<0>(at::gru(x, state_or_zeros(before, x, width), listed(weights), true, 1, 0.0, pass.training, false, false));
    if (pass.state) pass.state->slots[slot] = {out[-1]};
    return pass.last_only ? out[-1].unsqueeze(1) : out.transpose(0, 1);
  }

  int64_t width;
  RecurrentWeights weights;
  size_t slot;
};

}  // namespace

Made make_gru(const Node& node, Builder& b) { return std::make_unique<Gru>(node, b); }

}  // namespace lvm

#pragma once
#include "../graph/weight.h"

namespace lvm {

using torch::Tensor;

// LSTM and GRU over time-major inputs on the CPU, in float32 or float64, with their own gradients. One product covers all inputs;
// each step takes one small product and one fused pass over the gates.
// Shapes: x [time, batch, in], h0 and c0 [batch, width] or undefined for zeros -> outputs [time, batch, width]; the last c
// [batch, width]
struct RecurrentWeights {
  Weight input, state;
  Tensor input_bias, state_bias;
};
struct LstmResult {
  Tensor out, cell;
};
LstmResult lstm_recurrence(const Tensor& x, const Tensor& h0, const Tensor& c0, const RecurrentWeights& weights);
Tensor gru_recurrence(const Tensor& x, const Tensor& h0, const RecurrentWeights& weights);

}  // namespace lvm

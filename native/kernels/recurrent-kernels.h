#pragma once
#include "../graph/weight.h"

namespace lvm {

using torch::Tensor;

// The recurrence of one layer over time-major inputs on the CPU, in float32 or float64, with its own gradients: one product for
// all inputs, one small product and one fused pass over the gates per step.
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

#pragma once
#include "recurrent-kernels.h"

namespace lvm {

// Whether packed_lstm and packed_gru apply: a matrix is packed.
bool is_packed(const RecurrentWeights& weights);

// LSTM and GRU for inference. The gates of all inputs are one product; then each step reads the recurrent matrix once, into
// memory that all steps share. Shapes: x [time, batch, in], h0 and c0 [batch, width] or undefined for zeros -> outputs [time,
// batch, width]; the last c [batch, width]
LstmResult packed_lstm(const Tensor& x, const Tensor& h0, const Tensor& c0, const RecurrentWeights& weights);
Tensor packed_gru(const Tensor& x, const Tensor& h0, const RecurrentWeights& weights);

}  // namespace lvm

#pragma once
#include "../graph/builder.h"
#include "recurrent-kernels.h"

namespace lvm {

// The parameters of one layer, under the names that torch.nn gives them; all drawn from U(±1/√width).
RecurrentWeights recurrent_weights(Builder& b, const std::string& layer, int64_t gates, int64_t in, int64_t width);

// In the order that at::lstm and at::gru take them.
std::vector<Tensor> listed(const RecurrentWeights& weights);

// Whether recurrent-kernels.h computes this layer: on the CPU, in float32 or float64. libtorch does otherwise.
bool has_recurrent_kernel(const RecurrentWeights& weights);

// The state that a slot holds, hidden and cell; undefined tensors at the start.
std::vector<Tensor> recurrent_state(Pass& pass, size_t slot);

// The hidden or cell state as at::lstm and at::gru take it. Shapes: h [batch, width] or undefined, x [time, batch, in] ->
// [1, batch, width]
Tensor state_or_zeros(const Tensor& h, const Tensor& x, int64_t width);

}  // namespace lvm

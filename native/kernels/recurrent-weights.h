#pragma once
#include "../graph/builder.h"
#include "recurrent-kernels.h"

namespace lvm {

// Adds the parameters of one layer, counted from 0, under their names in torch.nn, drawn from U(±1/√width).
RecurrentWeights recurrent_weights(Builder& b, int64_t layer, int64_t gates, int64_t in, int64_t width);

// In the order of arguments of at::lstm and at::gru.
std::vector<Tensor> listed(const RecurrentWeights& weights);

// Whether recurrent-kernels.h computes this layer: on the CPU, in float32 or float64. libtorch does otherwise.
bool has_recurrent_kernel(const RecurrentWeights& weights);

// Hidden and cell state of a slot; undefined at the start.
std::vector<Tensor> recurrent_state(Pass& pass, size_t slot);

// A state in the form of at::lstm and at::gru.
// Shapes: h [batch, width] or undefined, x [time, batch, in] -> [1, batch, width]
Tensor state_or_zeros(const Tensor& h, const Tensor& x, int64_t width);

}  // namespace lvm

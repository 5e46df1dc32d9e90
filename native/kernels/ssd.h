#pragma once
#include "../torch.h"

namespace lvm {

using torch::Tensor;

// Recurrence of a state space with one decay per head: S_t = exp(a_t) S_{t−1} + dt_t x_t b_tᵀ and y_t = S_t c_t. Computed in
// chunks: all pairs of positions inside a chunk, the state between chunks. Memory is linear in time.
// Shapes: x [batch, time, heads, width], dt and log_decay [batch, time, heads], b and c [batch, time, state], start [batch,
// heads, width, state] or undefined for zeros -> y as x, the last state as start
struct SsdResult {
  Tensor y, state;
};
SsdResult ssd(const Tensor& x, const Tensor& dt, const Tensor& log_decay, const Tensor& b, const Tensor& c, const Tensor& start);

}  // namespace lvm

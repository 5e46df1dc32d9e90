#pragma once
#include "../torch.h"

namespace lvm {

using torch::Tensor;

// The weights of a Mamba-2 mixer between its two products.
// Shapes: taps [inner + 2 state, 1, K], bias [inner + 2 state], dt_bias, a_log, skip [heads], norm [inner]
struct MixerWeights {
  Tensor taps, bias, dt_bias, a_log, skip, norm;
};

// What stands between the two products, in one pass over memory and with its own gradients, on the CPU: for short contexts,
// because all pairs of positions are compared. Computed in float32 or float64, returned in the dtype of `u`.
// Shapes: u [batch, time, 2 inner + 2 state + heads] -> [batch, time, inner], or [batch, 1, inner] with `last_only`
Tensor mix_short_context(const Tensor& u, const MixerWeights& weights, bool last_only);

}  // namespace lvm

#pragma once
#include "../torch.h"

namespace lvm {

using torch::Tensor;

// Weights of a Mamba-2 mixer between its two projections.
// Shapes: taps [inner + 2 state, 1, K], bias [inner + 2 state], dt_bias, a_log, skip [heads], norm [inner]
struct MixerWeights {
  Tensor taps, bias, dt_bias, a_log, skip, norm;
};

// Computes everything between the two projections in one pass over memory, with its own gradients, on the CPU. For short
// contexts, because it compares all pairs of positions. Computes in float32 or float64, returns the dtype of `u`.
// Shapes: u [batch, time, 2 inner + 2 state + heads] -> [batch, time, inner], or [batch, 1, inner] with `last_only`
Tensor mix_short_context(const Tensor& u, const MixerWeights& weights, bool last_only);

}  // namespace lvm

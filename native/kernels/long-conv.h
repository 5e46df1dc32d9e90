#pragma once
#include "../torch.h"

namespace lvm {

using torch::Tensor;

// A depthwise causal convolution with taps for every position: y_t = Σ_{j ≤ t} k_j u_{t−j}. Short contexts add shifted copies,
// longer ones use the FFT. All tensors are float32, or all float64.
// Shapes: u [batch, time, d], k [taps ≤ time, d] -> [batch, time, d], or [batch, 1, d] with last_only
Tensor long_conv(const Tensor& u, const Tensor& k, bool last_only);

}  // namespace lvm

#pragma once
#include "../torch.h"

namespace lvm {

using torch::Tensor;

// A causal convolution of every channel with taps of its own: y_t = Σ_{j ≤ t} k_j u_{t−j}, zeros before the start.
// Short contexts add up shifted copies, longer ones multiply spectra. float32 or float64, of both the same.
// Shapes: u [batch, time, d], k [taps ≤ time, d] -> [batch, time, d], or [batch, 1, d] when only the last position is read
Tensor long_conv(const Tensor& u, const Tensor& k, bool last_only);

}  // namespace lvm

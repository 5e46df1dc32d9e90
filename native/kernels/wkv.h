#pragma once
#include "../torch.h"

namespace lvm {

using torch::Tensor;

// σ(r) · wkv, where wkv_t = (Σ_{i<t} e^{(t−1−i) w + k_i} v_i + e^{u + k_t} v_t) / (the same without v), for every channel with
// its own w = −exp(decay) and u = first. Computed in float32 or better; memory grows linearly with time.
// Shapes: k, v [batch, time, d], r [batch, rows, d] for the last positions, decay, first [d] -> as r
Tensor wkv(const Tensor& k, const Tensor& v, const Tensor& r, const Tensor& decay, const Tensor& first);

// The same by plain steps, from the sums [p, q, o] of what came before, which it brings up to date; empty stands for nothing.
Tensor wkv_steps(const Tensor& k, const Tensor& v, const Tensor& r, const Tensor& decay, const Tensor& first,
                 std::vector<Tensor>& sums);

}  // namespace lvm

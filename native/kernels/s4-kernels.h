#pragma once
#include "../torch.h"

namespace lvm {

using torch::Tensor;

// Impulse response of an S4 layer: its first `time` outputs, by its recurrence. All channels take one pass over memory. Complex
// numbers are pairs of real ones; channel c reads copy c mod S of A, B and P. float32 or float64, on the CPU.
//
//   a = −exp(A_real) − i A_imag, δ = exp(inv_dt), X = 1 / (1 − δ a / 2), μ = δ / (1 + δ Σ |P|² Re X)
//   h(s) = X s − X P μ Re Σ P̄ X s        solves (1 − δ/2 · (a − P P*)) over a state and its conjugate
//   s_1 = δ h(B),   s_{t+1} = 2 h(s_t) − s_t,   K_t = 2 Re Σ C s_{t+1}
//
// Shapes: inv_dt [d, 1], a_real, a_imag [S, n], b, p [1, S, n, 2], c [1, d, n, 2] -> [time, d]
Tensor dplr_taps(const Tensor& inv_dt, const Tensor& c, const Tensor& b, const Tensor& a_real, const Tensor& a_imag,
                 const Tensor& p, int64_t time);

// Sums of powers, K_t = 2 Re Σ w e^{ζ t}.
// Shapes: w, ζ [d, n], complex128 -> [time, d], float64
Tensor power_sums(const Tensor& w, const Tensor& zeta, int64_t time);

}  // namespace lvm

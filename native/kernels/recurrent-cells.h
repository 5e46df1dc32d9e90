#pragma once
#include "../simd.h"
#include "vector-math.h"

namespace lvm {

// One LSTM step. gates: on entry the input's part of the pre-activations, on return the activated i, f, g, o.
template <typename F>
LVM_INLINE void lstm_forward(int64_t rows, int64_t n, F* gates, const F* recurrent, const F* before, F* cell, F* out) {
  for (int64_t row = 0; row < rows; ++row, gates += 4 * n, recurrent += 4 * n, before += n, cell += n, out += n) {
    LVM_INDEPENDENT
    for (int64_t j = 0; j < n; ++j) {
      const F i = sigmoid(gates[j] + recurrent[j]), f = sigmoid(gates[n + j] + recurrent[n + j]);
      const F g = hyperbolic_tangent(gates[2 * n + j] + recurrent[2 * n + j]),
              o = sigmoid(gates[3 * n + j] + recurrent[3 * n + j]);
      const F c = f * before[j] + i * g;
      gates[j] = i, gates[n + j] = f, gates[2 * n + j] = g, gates[3 * n + j] = o;
      cell[j] = c;
      out[j] = o * hyperbolic_tangent(c);
    }
  }
}

// gates: on return gradients of the pre-activations. dc: on return the gradient of the previous cell. dh: gradient of the output.
template <typename F>
LVM_INLINE void lstm_backward(int64_t rows, int64_t n, F* gates, const F* dh, F* dc, const F* before, const F* cell) {
  for (int64_t row = 0; row < rows; ++row, gates += 4 * n, dh += n, dc += n, before += n, cell += n) {
    LVM_INDEPENDENT
    for (int64_t j = 0; j < n; ++j) {
      const F i = gates[j], f = gates[n + j], g = gates[2 * n + j], o = gates[3 * n + j];
      const F t = hyperbolic_tangent(cell[j]);
      const F d = dc[j] + dh[j] * o * (1 - t * t);
      gates[j] = d * g * i * (1 - i);
      gates[n + j] = d * before[j] * f * (1 - f);
      gates[2 * n + j] = d * i * (1 - g * g);
      gates[3 * n + j] = dh[j] * t * o * (1 - o);
      dc[j] = d * f;
    }
  }
}

// One GRU step. gates: on entry as above, on return r, z, n. candidate: the recurrent part of n.
template <typename F>
LVM_INLINE void gru_forward(int64_t rows, int64_t n, F* gates, const F* recurrent, const F* before, F* candidate, F* out) {
  for (int64_t row = 0; row < rows; ++row, gates += 3 * n, recurrent += 3 * n, before += n, candidate += n, out += n) {
    LVM_INDEPENDENT
    for (int64_t j = 0; j < n; ++j) {
      const F r = sigmoid(gates[j] + recurrent[j]), z = sigmoid(gates[n + j] + recurrent[n + j]);
      const F c = recurrent[2 * n + j], m = hyperbolic_tangent(gates[2 * n + j] + r * c);
      gates[j] = r, gates[n + j] = z, gates[2 * n + j] = m;
      candidate[j] = c;
      out[j] = (1 - z) * m + z * before[j];
    }
  }
}

// gates: on return gradients of the input's pre-activations; recurrent: of the recurrent ones; dh: of the previous output.
template <typename F>
LVM_INLINE void gru_backward(int64_t rows, int64_t n, F* gates, F* recurrent, F* dh, const F* before, const F* candidate) {
  for (int64_t row = 0; row < rows; ++row, gates += 3 * n, recurrent += 3 * n, dh += n, before += n, candidate += n) {
    LVM_INDEPENDENT
    for (int64_t j = 0; j < n; ++j) {
      const F r = gates[j], z = gates[n + j], m = gates[2 * n + j], d = dh[j];
      const F dm = d * (1 - z) * (1 - m * m), dr = dm * candidate[j] * r * (1 - r), dz = d * (before[j] - m) * z * (1 - z);
      gates[j] = recurrent[j] = dr, gates[n + j] = recurrent[n + j] = dz;
      gates[2 * n + j] = dm, recurrent[2 * n + j] = dm * r;
      dh[j] = d * z;
    }
  }
}

}  // namespace lvm

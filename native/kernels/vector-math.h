#pragma once
#include "../simd.h"

#include <cmath>
#include <cstdint>
#include <cstring>

namespace lvm {

// Elementary functions that the compiler can vectorise, to within 2 units in the last place; double goes to the C library.
LVM_INLINE float exponential(float x) {
  x = x < -87.f ? -87.f : x > 88.f ? 88.f : x;
  const float n = std::nearbyint(x * 1.44269504f);
  const float r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
  float p = 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f, p = p * r + 8.3334519073e-3f, p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f, p = p * r + 5.0000001201e-1f;
  p = p * r * r + r + 1.f;
  const int32_t bits = (int32_t(n) + 127) << 23;
  float scale;
  std::memcpy(&scale, &bits, sizeof scale);
  return p * scale;
}
LVM_INLINE double exponential(double x) { return std::exp(x); }

template <typename F>
LVM_INLINE F sigmoid(F x) {
  return F(1) / (F(1) + exponential(-x));
}

LVM_INLINE float hyperbolic_tangent(float x) {
  const float z = x * x;
  float p = -5.70498872745e-3f;
  p = p * z + 2.06390887954e-2f, p = p * z - 5.37397155531e-2f, p = p * z + 1.33314422036e-1f, p = p * z - 3.33332819422e-1f;
  const float small = x + x * z * p, magnitude = x < 0 ? -x : x;
  const float large = 1.f - 2.f / (exponential(2.f * magnitude) + 1.f);
  return magnitude < 0.625f ? small : (x < 0 ? -large : large);
}
LVM_INLINE double hyperbolic_tangent(double x) { return std::tanh(x); }

// log(1 + eˣ), from log(1 + e) = 2 artanh(e / (2 + e)) for e = e^−|x|.
LVM_INLINE float softplus(float x) {
  const float e = exponential(x < 0 ? x : -x), s = e / (2 + e), z = s * s;
  float p = 6.66666667e-2f;
  p = p * z + 7.69230769e-2f, p = p * z + 9.09090909e-2f, p = p * z + 1.11111111e-1f;
  p = p * z + 1.42857143e-1f, p = p * z + 0.2f, p = p * z + 3.33333333e-1f;
  return (x > 0 ? x : 0) + 2 * (s + s * z * p);
}
LVM_INLINE double softplus(double x) { return (x > 0 ? x : 0) + std::log1p(std::exp(x < 0 ? x : -x)); }

// Σ a b. Sixteen sums side by side: one would have to be added up in order.
template <typename F>
LVM_INLINE F dot(const F* a, const F* b, int64_t n) {
  constexpr int64_t lanes = 16;
  F parts[lanes] = {}, total = 0;
  const auto whole = n / lanes * lanes;
  for (int64_t i = 0; i < whole; i += lanes) {
    for (int64_t k = 0; k < lanes; ++k) parts[k] += a[i + k] * b[i + k];
  }
  for (int64_t i = whole; i < n; ++i) parts[i - whole] += a[i] * b[i];
  for (int64_t k = 0; k < lanes; ++k) total += parts[k];
  return total;
}

}  // namespace lvm

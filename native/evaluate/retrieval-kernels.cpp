#include "retrieval-kernels.h"

#include "../simd.h"

#include <bit>

namespace lvm::retrieval {
namespace {

LVM_INLINE float widened(float x) { return x; }
// The product corrects the exponent of a float16. Infinity becomes a large number; vectors are finite.
LVM_INLINE float widened(uint16_t x) {
  const auto magnitude = std::bit_cast<float>(uint32_t(x & 0x7fff) << 13) * 0x1p112f;
  return std::bit_cast<float>(std::bit_cast<uint32_t>(magnitude) | uint32_t(x & 0x8000) << 16);
}

template <typename A, typename B>
LVM_INLINE double dot_of(const A* a, const B* b, int64_t n) {
  constexpr int64_t lanes = 16;
  double sums[lanes] = {};
  int64_t j = 0;
  for (; j + lanes <= n; j += lanes) {
    for (int64_t l = 0; l < lanes; ++l) sums[l] += double(widened(a[j + l])) * double(widened(b[j + l]));
  }
  double sum = 0;
  for (int64_t l = 0; l < lanes; ++l) sum += sums[l];
  for (; j < n; ++j) sum += double(widened(a[j])) * double(widened(b[j]));
  return sum;
}

template <typename A>
LVM_INLINE void scaled_of(const A* a, double scale, float* out, int64_t n) {
  LVM_INDEPENDENT
  for (int64_t j = 0; j < n; ++j) out[j] = float(double(widened(a[j])) * scale);
}

LVM_CLONES double dot_wide(const float* a, const float* b, int64_t n) { return dot_of(a, b, n); }
LVM_CLONES double dot_mixed(const float* a, const uint16_t* b, int64_t n) { return dot_of(a, b, n); }
LVM_CLONES double dot_half(const uint16_t* a, const uint16_t* b, int64_t n) { return dot_of(a, b, n); }
LVM_CLONES void scaled_wide(const float* a, double scale, float* out, int64_t n) { scaled_of(a, scale, out, n); }
LVM_CLONES void scaled_half(const uint16_t* a, double scale, float* out, int64_t n) { scaled_of(a, scale, out, n); }

LVM_CLONES int32_t examine_strip(const float* cosines, int32_t n, Limits limits, int32_t* ahead) {
  int32_t above = 0, close = 0;
  for (int32_t j = 0; j < n; ++j) {
    const float c = cosines[j];
    above += c > limits.high;
    close |= int32_t(c >= limits.near) | (int32_t(c >= limits.low) & int32_t(c <= limits.high));
  }
  *ahead = above;
  return close;
}

}  // namespace

double dot(const float* a, Row b, int64_t n) { return b.half ? dot_mixed(a, b.half, n) : dot_wide(a, b.wide, n); }

double dot(Row a, Row b, int64_t n) { return a.half ? dot_half(a.half, b.half, n) : dot_wide(a.wide, b.wide, n); }

void scaled(Row a, double scale, float* out, int64_t n) {
  if (a.half) {
    scaled_half(a.half, scale, out, n);
  } else {
    scaled_wide(a.wide, scale, out, n);
  }
}

bool examine(const float* cosines, int64_t n, Limits limits, int64_t& ahead) {
  int32_t above = 0;
  const auto close = examine_strip(cosines, int32_t(n), limits, &above);
  ahead += above;
  return close != 0;
}

}  // namespace lvm::retrieval

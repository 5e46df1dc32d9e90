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

// Products of `n` vectors with each row; a row is read and widened once.
template <int n, typename B>
LVM_INLINE void products_of(const float* x, const B* row, int64_t count, int64_t dim, float* out, int64_t stride) {
  constexpr int64_t lanes = 16;
  for (int64_t r = 0; r < count; ++r, row += dim) {
    float sums[n][lanes] = {};
    int64_t j = 0;
    for (; j + lanes <= dim; j += lanes) {
      float w[lanes];
      for (int64_t l = 0; l < lanes; ++l) w[l] = widened(row[j + l]);
      for (int m = 0; m < n; ++m)
        for (int64_t l = 0; l < lanes; ++l) sums[m][l] += x[m * dim + j + l] * w[l];
    }
    for (int m = 0; m < n; ++m) {
      float sum = 0;
      for (int64_t l = 0; l < lanes; ++l) sum += sums[m][l];
      for (auto rest = j; rest < dim; ++rest) sum += x[m * dim + rest] * widened(row[rest]);
      out[m * stride + r] = sum;
    }
  }
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

template <typename B>
using ProductsOf = void(const float* x, const B* row, int64_t count, int64_t dim, float* out, int64_t stride);
LVM_CLONES void wide_1(const float* x, const float* row, int64_t count, int64_t dim, float* out, int64_t stride) {
  products_of<1>(x, row, count, dim, out, stride);
}
LVM_CLONES void wide_2(const float* x, const float* row, int64_t count, int64_t dim, float* out, int64_t stride) {
  products_of<2>(x, row, count, dim, out, stride);
}
LVM_CLONES void wide_3(const float* x, const float* row, int64_t count, int64_t dim, float* out, int64_t stride) {
  products_of<3>(x, row, count, dim, out, stride);
}
LVM_CLONES void wide_4(const float* x, const float* row, int64_t count, int64_t dim, float* out, int64_t stride) {
  products_of<4>(x, row, count, dim, out, stride);
}
constexpr ProductsOf<float>* wides[few_queries + 1] = {nullptr, wide_1, wide_2, wide_3, wide_4};

LVM_CLONES void half_1(const float* x, const uint16_t* row, int64_t count, int64_t dim, float* out, int64_t stride) {
  products_of<1>(x, row, count, dim, out, stride);
}
LVM_CLONES void half_2(const float* x, const uint16_t* row, int64_t count, int64_t dim, float* out, int64_t stride) {
  products_of<2>(x, row, count, dim, out, stride);
}
LVM_CLONES void half_3(const float* x, const uint16_t* row, int64_t count, int64_t dim, float* out, int64_t stride) {
  products_of<3>(x, row, count, dim, out, stride);
}
LVM_CLONES void half_4(const float* x, const uint16_t* row, int64_t count, int64_t dim, float* out, int64_t stride) {
  products_of<4>(x, row, count, dim, out, stride);
}
constexpr ProductsOf<uint16_t>* halves[few_queries + 1] = {nullptr, half_1, half_2, half_3, half_4};

LVM_CLONES void multiply_all(float* x, const float* scale, int64_t n) {
  LVM_INDEPENDENT
  for (int64_t j = 0; j < n; ++j) x[j] *= scale[j];
}

LVM_CLONES void add_all(float* x, const float* y, float scale, int64_t n) {
  LVM_INDEPENDENT
  for (int64_t j = 0; j < n; ++j) x[j] += y[j] * scale;
}

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

void few_products(const float* x, int64_t n, Row row, int64_t count, int64_t dim, float* out, int64_t stride) {
  if (row.half) halves[n](x, row.half, count, dim, out, stride);
  else wides[n](x, row.wide, count, dim, out, stride);
}

void multiply(float* x, const float* scale, int64_t n) { multiply_all(x, scale, n); }

void add_scaled(float* x, const float* y, float scale, int64_t n) { add_all(x, y, scale, n); }

bool examine(const float* cosines, int64_t n, Limits limits, int64_t& ahead) {
  int32_t above = 0;
  const auto close = examine_strip(cosines, int32_t(n), limits, &above);
  ahead += above;
  return close != 0;
}

}  // namespace lvm::retrieval

#include "few-rows.h"

#include "../parallel.h"
#include "../simd.h"

#include <algorithm>
#include <cstring>

namespace lvm {

#if defined(__GNUC__)
#pragma GCC diagnostic ignored "-Wpsabi"  // the calling convention of vector types does not matter, because all is inlined
namespace {

constexpr int64_t most_rows = 8, lanes = 16;
typedef float Lanes __attribute__((vector_size(lanes * sizeof(float))));

LVM_INLINE Lanes at(const float* p) {
  Lanes v;
  std::memcpy(&v, p, sizeof v);
  return v;
}

// Sums of neighbouring lanes of a, then of b.
LVM_INLINE Lanes neighbours(const Lanes& a, const Lanes& b) {
  return __builtin_shufflevector(a, b, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30) +
         __builtin_shufflevector(a, b, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
}

// Sums of all lanes of each of 16 or 8 vectors, in their order.
template <int n>
LVM_INLINE Lanes totals(const Lanes* v) {
  if constexpr (n == 1) return v[0];
  else return neighbours(totals<n / 2>(v), totals<n / 2>(v + n / 2));
}

// y = x Wᵀ for `rows` rows of x and `outputs` rows of W.
template <int rows, int outputs>
LVM_INLINE void tile(const float* x, const float* w, int64_t in, float* y, int64_t out) {
  constexpr int count = rows * outputs, whole = count > 8 ? 16 : 8;
  Lanes sums[whole] = {};
  int64_t j = 0;
  for (; j + lanes <= in; j += lanes) {
    for (int m = 0; m < rows; ++m) {
      for (int r = 0; r < outputs; ++r) sums[m * outputs + r] += at(w + r * in + j) * at(x + m * in + j);
    }
  }
  Lanes total = totals<whole>(sums);
  if constexpr (whole == 8) total = neighbours(total, total);
  for (int m = 0; m < rows; ++m) {
    for (int r = 0; r < outputs; ++r) y[m * out + r] = total[m * outputs + r];
  }
  for (; j < in; ++j) {
    for (int m = 0; m < rows; ++m) {
      for (int r = 0; r < outputs; ++r) y[m * out + r] += w[r * in + j] * x[m * in + j];
    }
  }
}

template <int rows>
LVM_INLINE void outputs_of(const float* x, const float* w, int64_t in, float* y, int64_t out, int64_t o, int64_t end) {
  constexpr int at_once = rows <= 2 ? 4 : 2;  // as many as fit in registers
  for (; o + at_once <= end; o += at_once) tile<rows, at_once>(x, w + o * in, in, y + o, out);
  for (; o < end; ++o) tile<rows, 1>(x, w + o * in, in, y + o, out);
}

using Rows = void(const float* x, const float* w, int64_t in, float* y, int64_t out, int64_t o, int64_t end);
LVM_CLONES void rows_1(const float* x, const float* w, int64_t in, float* y, int64_t out, int64_t o, int64_t end) {
  outputs_of<1>(x, w, in, y, out, o, end);
}
LVM_CLONES void rows_2(const float* x, const float* w, int64_t in, float* y, int64_t out, int64_t o, int64_t end) {
  outputs_of<2>(x, w, in, y, out, o, end);
}
LVM_CLONES void rows_3(const float* x, const float* w, int64_t in, float* y, int64_t out, int64_t o, int64_t end) {
  outputs_of<3>(x, w, in, y, out, o, end);
}
LVM_CLONES void rows_4(const float* x, const float* w, int64_t in, float* y, int64_t out, int64_t o, int64_t end) {
  outputs_of<4>(x, w, in, y, out, o, end);
}
LVM_CLONES void rows_5(const float* x, const float* w, int64_t in, float* y, int64_t out, int64_t o, int64_t end) {
  outputs_of<5>(x, w, in, y, out, o, end);
}
constexpr Rows* kernels[] = {nullptr, rows_1, rows_2, rows_3, rows_4, rows_5};

// y += x V for `count` adjacent columns of V, four of its rows at a time.
// Shapes: x [n, in], V [in, count] of [in, out], y [n, count] of [n, out]
LVM_CLONES void add_columns(const float* x, int64_t n, const float* v, int64_t in, int64_t out, int64_t count, float* y) {
  for (int64_t j = 0; j < in; j += 4) {
    const auto* r = v + j * out;
    const auto second = j + 1 < in ? out : 0, third = j + 2 < in ? 2 * out : 0, fourth = j + 3 < in ? 3 * out : 0;
    for (int64_t m = 0; m < n; ++m) {
      const auto* a = x + m * in + j;
      const float a0 = a[0], a1 = second ? a[1] : 0, a2 = third ? a[2] : 0, a3 = fourth ? a[3] : 0;
      auto* to = y + m * out;
      LVM_INDEPENDENT
      for (int64_t o = 0; o < count; ++o) to[o] += a0 * r[o] + a1 * r[second + o] + (a2 * r[third + o] + a3 * r[fourth + o]);
    }
  }
}

}  // namespace

bool few_rows(const Tensor& x, const Tensor& weight) {
  return x.is_cpu() && x.scalar_type() == torch::kFloat32 && weight.scalar_type() == torch::kFloat32 && x.size(0) >= 1 &&
         x.size(0) <= most_rows && (weight.is_contiguous() || weight.t().is_contiguous());
}

Tensor few_rows_product(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  const auto n = x.size(0), in = x.size(1), out = weight.size(0);
  const at::AutoDispatchBelowAutograd below;
  const bool by_columns = !weight.is_contiguous();
  const auto dense = x.contiguous(), y = by_columns ? torch::zeros({n, out}, x.options()) : torch::empty({n, out}, x.options());
  const auto *from = dense.const_data_ptr<float>(), *w = weight.const_data_ptr<float>();
  auto* to = y.mutable_data_ptr<float>();
  const auto first = n <= 5 ? n : 4;
  parallel(out, std::max<int64_t>(16, 32768 / std::max<int64_t>(1, in)), [&](int64_t begin, int64_t end) {
    if (by_columns) {
      constexpr int64_t strip = 512;  // their sums stay in the L1 cache
      for (auto o = begin; o < end; o += strip) add_columns(from, n, w + o, in, out, std::min(strip, end - o), to + o);
      return;
    }
    const int64_t strip = n == first ? end - begin : 32;  // rows of W that stay in the cache for the second pass
    for (auto o = begin; o < end; o += strip) {
      const auto stop = std::min(end, o + strip);
      kernels[first](from, w, in, to, out, o, stop);
      if (n > first) kernels[n - first](from + first * in, w, in, to + first * out, out, o, stop);
    }
  });
  return bias.defined() ? y.add_(bias) : y;
}

#else  // other compilers use the libraries

bool few_rows(const Tensor&, const Tensor&) { return false; }
Tensor few_rows_product(const Tensor&, const Tensor&, const Tensor&) { return {}; }

#endif

}  // namespace lvm

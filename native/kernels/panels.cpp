#include "panels.h"

#include "../parallel.h"
#include "../simd.h"
#include "panel-form.h"

#include <ATen/Version.h>

#include <algorithm>
#include <cstring>

namespace lvm {

#if defined(__GNUC__)
#pragma GCC diagnostic ignored "-Wpsabi"  // the calling convention of vector types does not matter, because all is inlined
namespace {

constexpr int64_t lanes = 16;
typedef float Lanes __attribute__((vector_size(lanes * sizeof(float))));

LVM_INLINE Lanes at(const float* p) {
  Lanes v;
  std::memcpy(&v, p, sizeof v);
  return v;
}

constexpr int64_t panel = 2 * lanes, most_rows = 12;

// Inputs of some rows, a panel of the weight or one half of it, and where their products go.
struct Part {
  const float *x, *w, *bias;
  float* y;
  int64_t x_row, y_row;  // distances between rows
  int64_t count;         // inputs
  bool add;              // to what is there, instead of the bias
};

// The processor foresees which memory it will need only where little is computed between two lines of it.
template <int rows, int parts, bool fetch = (rows > 3)>
LVM_INLINE void tile(const Part& part) {
  constexpr int64_t ahead = 64;  // inputs
  const auto [x, w, bias, y, x_row, y_row, count, add] = part;
  Lanes sums[rows][parts] = {};
  for (int64_t k = 0; k < count; ++k) {
    Lanes v[parts];
    for (int p = 0; p < parts; ++p) {
      v[p] = at(w + k * panel + p * lanes);
      if constexpr (fetch) __builtin_prefetch(w + (k + ahead) * panel + p * lanes);
    }
    for (int r = 0; r < rows; ++r) {
      const float factor = x[r * x_row + k];
      for (int p = 0; p < parts; ++p) sums[r][p] += v[p] * factor;
    }
  }
  for (int r = 0; r < rows; ++r) {
    for (int p = 0; p < parts; ++p) {
      auto* to = y + r * y_row + p * lanes;
      auto sum = sums[r][p];
      if (add) sum += at(to);
      else if (bias) sum += at(bias + p * lanes);
      std::memcpy(to, &sum, sizeof sum);
    }
  }
}

// The halves of a panel one after the other, for processors with 16 registers.
template <int rows>
LVM_INLINE void halves(const Part& part) {
  const auto [x, w, bias, y, x_row, y_row, count, add] = part;
  tile<rows, 1>(part);
  tile<rows, 1>({x, w + lanes, bias ? bias + lanes : nullptr, y + lanes, x_row, y_row, count, add});
}

using Kernel = void(const Part&);
#define LVM_TILE(target, name, ...) \
  target void name(const Part& part) { __VA_ARGS__(part); }
LVM_TILE(LVM_CLONES, narrow_1, tile<1, 2>)
LVM_TILE(LVM_CLONES, narrow_2, tile<2, 2>)
LVM_TILE(LVM_CLONES, narrow_3, tile<3, 2>)
LVM_TILE(LVM_CLONES, narrow_4, halves<4>)
LVM_TILE(LVM_CLONES, narrow_5, halves<5>)
LVM_TILE(LVM_CLONES, narrow_6, halves<6>)
#if defined(LVM_AVX512)  // 32 registers of 16 numbers
LVM_TILE(LVM_AVX512, wide_1, tile<1, 2>)
LVM_TILE(LVM_AVX512, wide_2, tile<2, 2>)
LVM_TILE(LVM_AVX512, wide_3, tile<3, 2>)
LVM_TILE(LVM_AVX512, wide_4, tile<4, 2>)
LVM_TILE(LVM_AVX512, wide_5, tile<5, 2>)
LVM_TILE(LVM_AVX512, wide_6, tile<6, 2>)
LVM_TILE(LVM_AVX512, wide_7, tile<7, 2>)
LVM_TILE(LVM_AVX512, wide_8, tile<8, 2>)
LVM_TILE(LVM_AVX512, wide_9, tile<9, 2>)
LVM_TILE(LVM_AVX512, wide_10, tile<10, 2>)
LVM_TILE(LVM_AVX512, wide_11, tile<11, 2>)
LVM_TILE(LVM_AVX512, wide_12, tile<12, 2>)
#endif
#undef LVM_TILE

// Kernels by number of rows.
const std::vector<Kernel*>& kernels() {
#if defined(LVM_AVX512)
  static const std::vector<Kernel*> wide{nullptr, wide_1, wide_2, wide_3,  wide_4,  wide_5, wide_6,
                                         wide_7,  wide_8, wide_9, wide_10, wide_11, wide_12};
  static const bool has = at::get_cpu_capability() == "AVX512" && __builtin_cpu_supports("x86-64-v4");
  if (has) return wide;
#endif
  static const std::vector<Kernel*> narrow{nullptr, narrow_1, narrow_2, narrow_3, narrow_4, narrow_5, narrow_6};
  return narrow;
}

// Inputs whose panels and rows stay in the caches. All kernels sum each of these blocks in order, and then the blocks, so that a
// row has the same bits in every batch.
constexpr int64_t block = 512;

struct Panels final : PanelForm {
  explicit Panels(const Tensor& matrix) : PanelForm(matrix.size(0), matrix.size(1)) {
    const auto whole = out / panel, rest = out % panel;
    panels = torch::empty({whole + (rest > 0), in, panel}, torch::kFloat32);
    panels.narrow(0, 0, whole).copy_(matrix.narrow(0, 0, whole * panel).unflatten(0, {whole, panel}).transpose(1, 2));
    if (rest > 0) panels[whole].zero_().narrow(1, 0, rest).copy_(matrix.narrow(0, whole * panel, rest).t());
  }

  Tensor matrix() const override { return panels.transpose(1, 2).flatten(0, 1).narrow(0, 0, out).contiguous(); }

  void write(const float* x, int64_t n, const float* bias, float* y) const override {
    const auto most = int64_t(kernels().size()) - 1, blocks = (n + most - 1) / most;
    const auto depth = blocks == 1 ? in : block;  // a few rows stay in the caches whole
    // Microseconds of a panel: reading it from the cache, or the arithmetic of many rows. A thread is woken for fifteen of them:
    // with fifty, one thread would do the work of two at a batch of 1.
    const auto cost = double(in * panel) * std::max(4. / 1e5, 2. * double(n) / 1e5);
    parallel(panels.size(0), std::max<int64_t>(1, int64_t(15 / cost)), [&](int64_t begin, int64_t end) {
      for (int64_t k = 0; k < in; k += depth) {
        for (auto i = begin; i < end; ++i) {
          for (int64_t b = 0; b < blocks; ++b) {
            const auto row = n * b / blocks, rows = n * (b + 1) / blocks - row;
            outputs(x + row * in, rows, bias, y + row * out, i, k, std::min(in, k + depth));
          }
        }
      }
    });
  }

  // Adds the products of some rows with the inputs k … end of a panel. The last outputs may not fill their panel, and go by way
  // of memory that does.
  void outputs(const float* x, int64_t rows, const float* bias, float* y, int64_t index, int64_t k, int64_t end) const {
    const auto* w = panels.const_data_ptr<float>() + index * panel * in;
    const auto o = index * panel, there = std::min(panel, out - o);
    const auto whole = there == panel;
    float sums[most_rows * panel], biases[panel] = {};
    if (bias && !whole) std::copy_n(bias + o, there, biases);
    for (int64_t r = 0; r < rows && !whole && k > 0; ++r) std::copy_n(y + r * out + o, there, sums + r * panel);
    for (auto from = k; from < end; from += block) {
      kernels()[size_t(rows)]({x + from, w + from * panel,
                               bias && whole ? bias + o
                               : whole       ? nullptr
                                             : biases,
                               whole ? y + o : sums, in, whole ? out : panel, std::min(block, end - from), from > 0});
    }
    for (int64_t r = 0; r < rows && !whole; ++r) std::copy_n(sums + r * panel, there, y + r * out + o);
  }

  Tensor panels;  // [out / 32, in, 32], filled with zeros
};

}  // namespace

std::shared_ptr<const Packed> in_panels(const Tensor& matrix) { return std::make_shared<Panels>(matrix); }

#else  // other compilers use the libraries

std::shared_ptr<const Packed> in_panels(const Tensor&) { return nullptr; }

#endif

}  // namespace lvm

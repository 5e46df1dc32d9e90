#include "panels.h"

#include "../parallel.h"
#include "../simd.h"

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

// Inputs of some rows, panels of the weight, and where their products go.
struct Part {
  const float *x, *w, *bias;
  float* y;
  int64_t x_row, y_row, panel;  // distances between rows and between panels
  int64_t count;                // inputs
  bool add;                     // to what is there, instead of the bias
};

template <int rows, int panels, bool fetch>
LVM_INLINE void tile(const Part& part) {
  constexpr int64_t ahead = 16;  // lines of memory
  const auto [x, w, bias, y, x_row, y_row, panel, count, add] = part;
  Lanes sums[rows][panels] = {};
  for (int64_t k = 0; k < count; ++k) {
    Lanes v[panels];
    for (int p = 0; p < panels; ++p) {
      v[p] = at(w + p * panel + k * lanes);
      if constexpr (fetch) __builtin_prefetch(w + p * panel + (k + ahead) * lanes);
    }
    for (int r = 0; r < rows; ++r) {
      const float factor = x[r * x_row + k];
      for (int p = 0; p < panels; ++p) sums[r][p] += v[p] * factor;
    }
  }
  for (int r = 0; r < rows; ++r) {
    for (int p = 0; p < panels; ++p) {
      auto* to = y + r * y_row + p * lanes;
      auto sum = sums[r][p];
      if (add) sum += at(to);
      else if (bias) sum += at(bias + p * lanes);
      std::memcpy(to, &sum, sizeof sum);
    }
  }
}

using Run = void(const Part&);
#define LVM_TILE(target, name, ...) \
  target void name(const Part& part) { tile<__VA_ARGS__>(part); }
LVM_TILE(LVM_CLONES, narrow_1, 1, 4, true)
LVM_TILE(LVM_CLONES, narrow_2, 2, 2, true)
LVM_TILE(LVM_CLONES, narrow_3, 3, 2, true)
LVM_TILE(LVM_CLONES, narrow_4, 4, 1, true)
LVM_TILE(LVM_CLONES, narrow_5, 5, 1, true)
LVM_TILE(LVM_CLONES, narrow_6, 6, 1, true)
LVM_TILE(LVM_CLONES, narrow_1_end, 1, 2, true)
#if defined(LVM_AVX512)  // 32 registers of 16 numbers
LVM_TILE(LVM_AVX512, wide_1, 1, 4, true)
LVM_TILE(LVM_AVX512, wide_2, 2, 4, true)
LVM_TILE(LVM_AVX512, wide_3, 3, 2, true)
LVM_TILE(LVM_AVX512, wide_4, 4, 2, true)
LVM_TILE(LVM_AVX512, wide_5, 5, 2, true)
LVM_TILE(LVM_AVX512, wide_6, 6, 2, true)
LVM_TILE(LVM_AVX512, wide_7, 7, 2, false)
LVM_TILE(LVM_AVX512, wide_8, 8, 2, false)
LVM_TILE(LVM_AVX512, wide_9, 9, 2, false)
LVM_TILE(LVM_AVX512, wide_10, 10, 2, false)
LVM_TILE(LVM_AVX512, wide_11, 11, 2, false)
LVM_TILE(LVM_AVX512, wide_12, 12, 2, false)
LVM_TILE(LVM_AVX512, wide_1_end, 1, 2, true)
LVM_TILE(LVM_AVX512, wide_2_end, 2, 2, true)
#endif
#undef LVM_TILE

// A kernel for a number of rows and of panels.
struct Kernel {
  Run* run;
  int64_t panels;
};
// By number of rows: for as many panels as fit in registers, and for two.
struct Kernels {
  std::vector<Kernel> main, end;
  int64_t most() const { return int64_t(main.size()) - 1; }
};
const Kernels& kernels() {
#if defined(LVM_AVX512)
  static const Kernels wide{{{},
                             {wide_1, 4},
                             {wide_2, 4},
                             {wide_3, 2},
                             {wide_4, 2},
                             {wide_5, 2},
                             {wide_6, 2},
                             {wide_7, 2},
                             {wide_8, 2},
                             {wide_9, 2},
                             {wide_10, 2},
                             {wide_11, 2},
                             {wide_12, 2}},
                            {{}, {wide_1_end, 2}, {wide_2_end, 2}}};
  static const bool has = at::get_cpu_capability() == "AVX512" && __builtin_cpu_supports("x86-64-v4");
  if (has) return wide;
#endif
  static const Kernels narrow{{{}, {narrow_1, 4}, {narrow_2, 2}, {narrow_3, 2}, {narrow_4, 1}, {narrow_5, 1}, {narrow_6, 1}},
                              {{}, {narrow_1_end, 2}}};
  return narrow;
}

// Inputs whose panels and rows stay in the caches. All kernels sum each of these blocks in order, and then the blocks, so that a
// row has the same bits in every batch.
constexpr int64_t block = 512, pair = 2 * lanes, most_rows = 12;

struct Panels final : Packed {
  explicit Panels(const Tensor& matrix) : Packed(matrix.size(0), matrix.size(1)) {
    const auto all = (out + pair - 1) / pair * pair, whole = out / lanes;
    panels = torch::zeros({all / lanes, in, lanes}, torch::kFloat32);
    panels.narrow(0, 0, whole).copy_(matrix.narrow(0, 0, whole * lanes).unflatten(0, {whole, lanes}).transpose(1, 2));
    if (const auto rest = out % lanes) panels[whole].narrow(1, 0, rest).copy_(matrix.narrow(0, whole * lanes, rest).t());
  }

  Tensor matrix() const override { return panels.transpose(1, 2).flatten(0, 1).narrow(0, 0, out).contiguous(); }

  Tensor product(const Tensor& x, const Tensor& bias) const override {
    const auto y = torch::empty({x.size(0), out}, x.options());
    const auto dense = bias.defined() ? bias.contiguous() : bias;
    write(x.const_data_ptr<float>(), x.size(0), bias.defined() ? dense.const_data_ptr<float>() : nullptr,
          y.mutable_data_ptr<float>());
    return y;
  }

  void write(const float* x, int64_t n, const float* bias, float* y) const override {
    const auto blocks = (n + kernels().most() - 1) / kernels().most(), step = blocks == 1 ? 2 * pair : pair;
    // Microseconds of one step: reading it from the cache, or the arithmetic of many rows. A thread is woken for ten of them.
    const auto cost = double(in * step) * std::max(4. / 1e5, 2. * double(n) / 1e5);
    parallel((out + step - 1) / step, std::max<int64_t>(1, int64_t(10 / cost)), [&](int64_t begin, int64_t end) {
      const auto depth = blocks == 1 ? in : block;  // all of a few rows stay in the caches
      for (int64_t k = 0; k < in; k += depth) {
        for (auto o = begin * step; o < std::min(out, end * step); o += step) {
          for (int64_t b = 0; b < blocks; ++b) {
            const auto row = n * b / blocks, rows = n * (b + 1) / blocks - row;
            outputs(x + row * in, rows, bias, y + row * out, o, std::min(out, o + step), k, std::min(in, k + depth));
          }
        }
      }
    });
  }

  // Adds the products of the inputs k … end to the outputs o … to of some rows.
  void outputs(const float* x, int64_t rows, const float* bias, float* y, int64_t o, int64_t to, int64_t k, int64_t end) const {
    const auto& [main, last] = kernels();
    while (o < to) {
      const auto& [run, count] = to - o >= main[rows].panels * lanes || rows >= int64_t(last.size()) ? main[rows] : last[rows];
      const auto width = count * lanes, there = std::min(width, out - o);
      float sums[most_rows * pair], biases[4 * lanes] = {};  // for the last outputs, if they do not fill a panel
      const auto whole = there == width;
      if (bias && !whole) std::copy_n(bias + o, there, biases);
      for (int64_t r = 0; r < rows && !whole; ++r) std::copy_n(y + r * out + o, there, sums + r * width);
      for (auto from = k; from < end; from += block) {
        run({x + from, panels.const_data_ptr<float>() + o * in + from * lanes, bias && whole ? bias + o : biases,
             whole ? y + o : sums, in, whole ? out : width, in * lanes, std::min(block, end - from), from > 0});
      }
      for (int64_t r = 0; r < rows && !whole; ++r) std::copy_n(sums + r * width, there, y + r * out + o);
      o += width;
    }
  }

  Tensor panels;  // [out / 16, in, 16], filled with zeros
};

}  // namespace

std::shared_ptr<const Packed> in_panels(const Tensor& matrix) { return std::make_shared<Panels>(matrix); }

#else  // other compilers use the libraries

std::shared_ptr<const Packed> in_panels(const Tensor&) { return nullptr; }

#endif

}  // namespace lvm

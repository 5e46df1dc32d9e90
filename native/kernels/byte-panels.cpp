#include "byte-panels.h"

#include "../parallel.h"
#include "../simd.h"

#include <ATen/Version.h>

#include <algorithm>
#include <cstring>
#include <vector>

#if defined(LVM_AVX512)
#include <immintrin.h>
#endif

namespace lvm {

#if defined(LVM_AVX512)
namespace {

#define LVM_BYTES __attribute__((target("arch=x86-64-v4,avx512vnni")))
constexpr int64_t lanes = 16, quad = 4, most_rows = 12;

// Unlike __m512i, arrays of it stay in registers.
typedef int32_t Ints __attribute__((vector_size(lanes * sizeof(int32_t))));

// An input row as `least + step · bytes`.
struct Range {
  float least, step;
};

LVM_BYTES inline __mmask16 rest_of(int64_t i, int64_t n) { return n - i >= lanes ? 0xffff : __mmask16((1u << (n - i)) - 1); }
LVM_BYTES Range range_of(const float* x, int64_t n) {
  auto least = _mm512_set1_ps(x[0]), most = least;
  for (int64_t i = 0; i < n; i += lanes) {
    const auto v = _mm512_mask_loadu_ps(least, rest_of(i, n), x + i);
    least = _mm512_min_ps(least, v), most = _mm512_max_ps(most, v);
  }
  const float from = _mm512_reduce_min_ps(least), width = _mm512_reduce_max_ps(most) - from;
  return {from, width > 1e-30f ? width / 255 : 0};
}
LVM_BYTES void to_bytes(const float* x, int64_t n, Range range, uint8_t* bytes) {
  const auto from = _mm512_set1_ps(range.least), per_step = _mm512_set1_ps(range.step > 0 ? 1 / range.step : 0);
  for (int64_t i = 0; i < n; i += lanes) {
    const auto rest = rest_of(i, n);
    const auto whole = _mm512_cvtps_epi32(_mm512_mul_ps(_mm512_sub_ps(_mm512_maskz_loadu_ps(rest, x + i), from), per_step));
    _mm512_mask_cvtusepi32_storeu_epi8(bytes + i, rest, whole);  // saturates
  }
}

// Rows of bytes, panels of the weight, and where their products go.
struct Part {
  const uint8_t* x;
  const int8_t* w;
  const Range* ranges;
  const float *scales, *totals, *bias;
  float* y;
  int64_t x_row, y_row, panel, quads;
};

template <int rows, int panels>
__attribute__((always_inline)) LVM_BYTES inline void tile(const Part& part) {
  constexpr int64_t ahead = 16 * lanes * quad;  // bytes
  const auto [x, w, ranges, scales, totals, bias, y, x_row, y_row, panel, quads] = part;
  Ints sums[rows][panels] = {};
  for (int64_t k = 0; k < quads; ++k) {
    Ints v[panels];
    for (int p = 0; p < panels; ++p) {
      const auto* at = w + p * panel + k * lanes * quad;
      std::memcpy(&v[p], at, sizeof v[p]);
      if constexpr (rows <= 6) _mm_prefetch(reinterpret_cast<const char*>(at + ahead), _MM_HINT_T0);
    }
    for (int r = 0; r < rows; ++r) {
      int32_t four;
      std::memcpy(&four, x + r * x_row + k * quad, sizeof four);
      const auto factor = _mm512_set1_epi32(four);
      for (int p = 0; p < panels; ++p) sums[r][p] = Ints(_mm512_dpbusd_epi32(__m512i(sums[r][p]), factor, __m512i(v[p])));
    }
  }
  for (int r = 0; r < rows; ++r) {
    for (int p = 0; p < panels; ++p) {
      const auto factor = _mm512_mul_ps(_mm512_loadu_ps(scales + p * lanes), _mm512_set1_ps(ranges[r].step));
      auto value = _mm512_mul_ps(_mm512_loadu_ps(totals + p * lanes), _mm512_set1_ps(ranges[r].least));
      if (bias) value = _mm512_add_ps(value, _mm512_loadu_ps(bias + p * lanes));
      _mm512_storeu_ps(y + r * y_row + p * lanes, _mm512_fmadd_ps(_mm512_cvtepi32_ps(__m512i(sums[r][p])), factor, value));
    }
  }
}

using Kernel = void(const Part&);
#define LVM_TILE(name, rows, panels) \
  LVM_BYTES void name(const Part& part) { tile<rows, panels>(part); }
LVM_TILE(rows_1, 1, 4)
LVM_TILE(rows_2, 2, 4)
LVM_TILE(rows_3, 3, 4)
LVM_TILE(rows_4, 4, 4)
LVM_TILE(rows_5, 5, 4)
LVM_TILE(rows_6, 6, 4)
LVM_TILE(pair_1, 1, 2)
LVM_TILE(pair_2, 2, 2)
LVM_TILE(pair_3, 3, 2)
LVM_TILE(pair_4, 4, 2)
LVM_TILE(pair_5, 5, 2)
LVM_TILE(pair_6, 6, 2)
LVM_TILE(pair_7, 7, 2)
LVM_TILE(pair_8, 8, 2)
LVM_TILE(pair_9, 9, 2)
LVM_TILE(pair_10, 10, 2)
LVM_TILE(pair_11, 11, 2)
LVM_TILE(pair_12, 12, 2)
#undef LVM_TILE
// By number of rows, for four panels and for two.
constexpr Kernel* fours[] = {nullptr, rows_1, rows_2, rows_3, rows_4, rows_5, rows_6};
constexpr Kernel* pairs[] = {nullptr, pair_1, pair_2, pair_3,  pair_4,  pair_5, pair_6,
                             pair_7,  pair_8, pair_9, pair_10, pair_11, pair_12};
constexpr int64_t few = 6;

// Bytes and ranges of the rows of a product; the memory stays for the next one.
struct Inputs {
  std::vector<uint8_t> bytes;
  std::vector<Range> ranges;
};

struct BytePanels final : Packed {
  BytePanels(const Tensor& values, const Tensor& given) : Packed(values.size(0), values.size(1)), quads((in + quad - 1) / quad) {
    const auto all = (out + 2 * lanes - 1) / (2 * lanes) * 2 * lanes;
    const auto filled = at::constant_pad_nd(values, {0, quads * quad - in, 0, all - out});
    panels = filled.view({all / lanes, lanes, quads, quad}).transpose(1, 2).contiguous();
    scales = at::constant_pad_nd(given.to(torch::kFloat32), {0, all - out}).contiguous();
    totals = (filled.sum(1, false, torch::kInt64).to(torch::kFloat64) * scales).to(torch::kFloat32);
  }

  Tensor product(const Tensor& x, const Tensor& bias) const override {
    const auto y = torch::empty({x.size(0), out}, x.options());
    const auto dense = bias.defined() ? bias.contiguous() : bias;
    write(x.const_data_ptr<float>(), x.size(0), bias.defined() ? dense.const_data_ptr<float>() : nullptr,
          y.mutable_data_ptr<float>());
    return y;
  }

  void write(const float* x, int64_t n, const float* bias, float* y) const override {
    static thread_local Inputs inputs;
    inputs.bytes.resize(size_t(n * quads * quad));
    inputs.ranges.resize(size_t(n));
    auto* const bytes = inputs.bytes.data();
    auto* const ranges = inputs.ranges.data();
    parallel(n, std::max<int64_t>(1, 65536 / in), [&](int64_t begin, int64_t end) {
      for (auto row = begin; row < end; ++row) {
        ranges[row] = range_of(x + row * in, in);
        to_bytes(x + row * in, in, ranges[row], bytes + row * quads * quad);
      }
    });
    const auto step = (n <= few ? 4 : 2) * lanes;
    // Microseconds of one step: reading it from the cache, or the arithmetic of many rows. A thread is woken for ten of them.
    const auto cost = double(in * step) * std::max(1. / 1e5, 2. * double(n) / 4e5);
    parallel((out + step - 1) / step, std::max<int64_t>(1, int64_t(10 / cost)), [&](int64_t begin, int64_t end) {
      const auto last = std::min(out, end * step);
      for (auto o = begin * step; o < last;) {
        const auto width = n <= few && o + 4 * lanes <= last ? 4 * lanes : 2 * lanes;
        outputs(bytes, ranges, n, bias, y, o, width);
        o += width;
      }
    });
  }

  // `width` outputs from `o` of all rows; the last ones of a matrix may be fewer, and go by way of memory for all of them.
  void outputs(const uint8_t* x, const Range* ranges, int64_t n, const float* bias, float* y, int64_t o, int64_t width) const {
    const auto blocks = (n + most_rows - 1) / most_rows, count = std::min(width, out - o);
    const bool whole = count == width;
    float room[most_rows * 2 * lanes], biases[2 * lanes] = {};  // a part is never of four panels
    if (bias && !whole) std::copy_n(bias + o, count, biases);
    for (int64_t b = 0; b < blocks; ++b) {
      const auto row = n * b / blocks, rows = n * (b + 1) / blocks - row;
      (width == 4 * lanes ? fours : pairs)[rows](
        {x + row * quads * quad, panels.const_data_ptr<int8_t>() + o * quads * quad, ranges + row,
         scales.const_data_ptr<float>() + o, totals.const_data_ptr<float>() + o,
         bias == nullptr ? nullptr
         : whole         ? bias + o
                         : biases,
         whole ? y + row * out + o : room, quads * quad, whole ? out : width, quads * quad * lanes, quads});
      for (int64_t r = 0; r < rows && !whole; ++r) std::copy_n(room + r * width, count, y + (row + r) * out + o);
    }
  }

  const int64_t quads;
  Tensor panels;          // [out / 16, in / 4, 16, 4], filled with zeros
  Tensor scales, totals;  // of each output; totals are those of its weights, scaled
};

}  // namespace

bool has_byte_panels() {
  static const bool has =
    at::get_cpu_capability() == "AVX512" && __builtin_cpu_supports("x86-64-v4") && __builtin_cpu_supports("avx512vnni");
  return has;
}

std::shared_ptr<const Packed> in_byte_panels(const Tensor& values, const Tensor& scales) {
  return has_byte_panels() ? std::make_shared<BytePanels>(values, scales) : nullptr;
}

#else

bool has_byte_panels() { return false; }
std::shared_ptr<const Packed> in_byte_panels(const Tensor&, const Tensor&) { return nullptr; }

#endif

}  // namespace lvm

#include "byte-panels.h"

#include "../parallel.h"
#include "../simd.h"
#include "panel-form.h"

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
constexpr int64_t lanes = 16, panel = 2 * lanes, quad = 4, most_rows = 12;

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

// Rows of bytes, a panel of the weight, and where their products go.
struct Part {
  const uint8_t* x;
  const int8_t* w;
  const Range* ranges;
  const float *scales, *totals, *bias;
  float* y;
  int64_t y_row, quads;
};

// The processor foresees which memory it will need only where little is computed between two lines of it.
template <int rows, bool fetch = (rows > 3)>
__attribute__((always_inline)) LVM_BYTES inline void tile(const Part& part) {
  constexpr int64_t ahead = 64;  // quads
  const auto [x, w, ranges, scales, totals, bias, y, y_row, quads] = part;
  Ints sums[rows][2] = {};
  for (int64_t k = 0; k < quads; ++k) {
    Ints v[2];
    for (int p = 0; p < 2; ++p) {
      std::memcpy(&v[p], w + (k * panel + p * lanes) * quad, sizeof v[p]);
      if constexpr (fetch) _mm_prefetch(reinterpret_cast<const char*>(w + ((k + ahead) * panel + p * lanes) * quad), _MM_HINT_T0);
    }
    for (int r = 0; r < rows; ++r) {
      int32_t four;
      std::memcpy(&four, x + (r * quads + k) * quad, sizeof four);
      const auto factor = _mm512_set1_epi32(four);
      for (int p = 0; p < 2; ++p) sums[r][p] = Ints(_mm512_dpbusd_epi32(__m512i(sums[r][p]), factor, __m512i(v[p])));
    }
  }
  for (int r = 0; r < rows; ++r) {
    for (int p = 0; p < 2; ++p) {
      const auto factor = _mm512_mul_ps(_mm512_loadu_ps(scales + p * lanes), _mm512_set1_ps(ranges[r].step));
      auto value = _mm512_mul_ps(_mm512_loadu_ps(totals + p * lanes), _mm512_set1_ps(ranges[r].least));
      if (bias) value = _mm512_add_ps(value, _mm512_loadu_ps(bias + p * lanes));
      _mm512_storeu_ps(y + r * y_row + p * lanes, _mm512_fmadd_ps(_mm512_cvtepi32_ps(__m512i(sums[r][p])), factor, value));
    }
  }
}

using Kernel = void(const Part&);
#define LVM_TILE(rows) \
  LVM_BYTES void rows_##rows(const Part& part) { tile<rows>(part); }
LVM_TILE(1)
LVM_TILE(2)
LVM_TILE(3)
LVM_TILE(4)
LVM_TILE(5)
LVM_TILE(6)
LVM_TILE(7)
LVM_TILE(8)
LVM_TILE(9)
LVM_TILE(10)
LVM_TILE(11)
LVM_TILE(12)
#undef LVM_TILE
constexpr Kernel* kernels[] = {nullptr, rows_1, rows_2, rows_3,  rows_4,  rows_5, rows_6,
                               rows_7,  rows_8, rows_9, rows_10, rows_11, rows_12};

// Bytes and ranges of the rows of a product; the memory stays for the next one.
struct Inputs {
  std::vector<uint8_t> bytes;
  std::vector<Range> ranges;
};

struct BytePanels final : PanelForm {
  BytePanels(const Tensor& values, const Tensor& given)
      : PanelForm(values.size(0), values.size(1)), quads((in + quad - 1) / quad) {
    const auto all = (out + panel - 1) / panel * panel;
    const auto filled = at::constant_pad_nd(values, {0, quads * quad - in, 0, all - out});
    panels = filled.view({all / panel, panel, quads, quad}).transpose(1, 2).contiguous();
    scales = at::constant_pad_nd(given.to(torch::kFloat32), {0, all - out}).contiguous();
    totals = (filled.sum(1, false, torch::kInt64).to(torch::kFloat64) * scales).to(torch::kFloat32);
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
    // Microseconds of a panel: reading it from the cache, or the arithmetic of many rows. A thread is woken for fifteen of them:
    // with fifty, one thread would do the work of two at a batch of 1.
    const auto cost = double(in * panel) * std::max(1. / 1e5, 2. * double(n) / 4e5);
    parallel(panels.size(0), std::max<int64_t>(1, int64_t(15 / cost)), [&](int64_t begin, int64_t end) {
      for (auto i = begin; i < end; ++i) outputs(bytes, ranges, n, bias, y, i);
    });
  }

  // The outputs of a panel for all rows. The last outputs may not fill theirs, and go by way of memory that does.
  void outputs(const uint8_t* x, const Range* ranges, int64_t n, const float* bias, float* y, int64_t index) const {
    const auto blocks = (n + most_rows - 1) / most_rows, o = index * panel, there = std::min(panel, out - o);
    const bool whole = there == panel;
    float room[most_rows * panel], biases[panel] = {};
    if (bias && !whole) std::copy_n(bias + o, there, biases);
    for (int64_t b = 0; b < blocks; ++b) {
      const auto row = n * b / blocks, rows = n * (b + 1) / blocks - row;
      kernels[rows]({x + row * quads * quad, panels.const_data_ptr<int8_t>() + o * quads * quad, ranges + row,
                     scales.const_data_ptr<float>() + o, totals.const_data_ptr<float>() + o,
                     bias && whole ? bias + o
                     : whole       ? nullptr
                                   : biases,
                     whole ? y + row * out + o : room, whole ? out : panel, quads});
      for (int64_t r = 0; r < rows && !whole; ++r) std::copy_n(room + r * panel, there, y + (row + r) * out + o);
    }
  }

  const int64_t quads;
  Tensor panels;          // [out / 32, in / 4, 32, 4], filled with zeros
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
